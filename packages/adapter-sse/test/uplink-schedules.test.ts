import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { SseCarrier } from '../src/sse-carrier.ts';
import type { Stream } from '../src/stream.ts';
import { type PostStatus, Uplink } from '../src/uplink.ts';
import { Guest } from './support/host.ts';

const step = fc.oneof(
  // Counted from the last one that was taken: the next, a repeat, one too far.
  { weight: 6, arbitrary: fc.constantFrom(1, 1, 1, 0, -1, 2) },
  { weight: 3, arbitrary: fc.constantFrom('pause', 'resume', 'turn') },
  { weight: 1, arbitrary: fc.constantFrom('close', 'terminate') },
);
type Step = number | 'pause' | 'resume' | 'turn' | 'close' | 'terminate';

const turn = () => new Promise<'waits'>((resolve) => setImmediate(() => resolve('waits')));

/** Two in each POST, so that a pause may fall between them. */
const textsOf = (sequence: number): string[] => [`${sequence}.0`, `${sequence}.1`];

/** A carrier that pauses at some of its texts, and its uplink. */
class World {
  readonly carrier: SseCarrier;
  readonly guest: Guest;
  readonly uplink: Uplink;
  readonly posted: Promise<PostStatus>[] = [];
  taken = 0;
  isTerminated = false;
  isClosed = false;
  #waiting = 0;

  constructor(pauses: ReadonlySet<number>) {
    const socket = new PassThrough();
    const stream = { response: socket, sink: socket, destroy: () => void socket.destroy() } as unknown as Stream;
    const handshake = { transport: 'sse', url: '/', headers: {}, address: '', protocols: [] };
    this.carrier = new SseCarrier(stream, handshake, 'lab.v1', { keepAliveMs: 1_000_000 });
    this.guest = new Guest(this.carrier);
    this.guest.onText = () => void (pauses.has(this.guest.texts.length) && this.carrier.pause());
    this.carrier.start(() => this.guest);
    if (pauses.has(0)) this.carrier.pause();
    this.uplink = new Uplink(this.carrier, textsOf(0));
  }

  async take(step: Step): Promise<void> {
    if (typeof step === 'number') await this.#post(step);
    else if (step === 'turn') await turn();
    else this.#end(step);
    expect(this.guest.texts).toEqual(this.#allTexts.slice(0, this.guest.texts.length));
  }

  #end(step: 'pause' | 'resume' | 'close' | 'terminate'): void {
    if (step === 'close') {
      this.isClosed = true;
      this.carrier.close(4000, '');
    } else {
      if (step === 'terminate') this.isTerminated = true;
      this.carrier[step]();
    }
  }

  async #post(ahead: number): Promise<void> {
    await turn();
    const sequence = this.taken + ahead;
    if (sequence < 1) return;
    const status = this.uplink.post({ sequence, texts: textsOf(sequence) });
    this.posted.push(status);
    this.#waiting += 1;
    void status.then((settled) => {
      this.#waiting -= 1;
      if (settled === 202) this.taken = Math.max(this.taken, sequence);
    });
    const settled = await Promise.race([status, turn()]);
    if (ahead > 1) expect(settled).toBe(409);
    else if (ahead < 1) expect(settled).toBe(202);
    else if (!this.isTerminated) expect(settled).not.toBe(409);
    // However many ask, one waits at most, and that is the last.
    expect(settled).not.toBe(503);
    expect(this.#waiting).toBeLessThanOrEqual(1);
  }

  get #allTexts(): string[] {
    return Array.from({ length: this.taken + 2 }, (_, sequence) => textsOf(sequence)).flat();
  }

  /** Nothing waits for ever, and what was taken was told. */
  async end(): Promise<void> {
    const isWhole = (): boolean =>
      this.guest.texts.length >= 2 * (this.taken + 1) || this.isClosed || this.isTerminated;
    for (let turns = 0; turns < 1_000 && !isWhole(); turns++) {
      this.carrier.resume();
      await turn();
    }
    expect(isWhole(), `everything that was taken is told, of which ${this.guest.texts} was`).toBe(true);
    this.carrier.terminate();
    await this.guest.ended;
    await Promise.all(this.posted);
  }
}

it('whatever comes when, texts are told in order and once, and every POST settles with what became of it', async () => {
  const pauses = fc.uniqueArray(fc.nat({ max: 12 }), { maxLength: 5 });
  const numRuns = process.env['HEXBUS_DEEP'] === '1' ? 5_000 : 300;
  await fc.assert(
    fc.asyncProperty(pauses, fc.array(step, { maxLength: 25 }), async (at, schedule) => {
      const world = new World(new Set(at));
      for (const next of schedule) await world.take(next as Step);
      await world.end();
    }),
    { numRuns },
  );
});
