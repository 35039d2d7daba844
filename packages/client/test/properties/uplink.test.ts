import type { FetchLike } from '@hexbus/client';
import { createSeededRandomness, createVirtualClock } from '@hexbus/testkit';
import fc from 'fast-check';
import { test } from 'vitest';
import { openSseLink } from '../../src/sse-link.ts';
import { FakePost } from '../support/fake-fetch.ts';

const numRuns = process.env['HEXBUS_DEEP'] === '1' ? 20_000 : 1_000;
const maxBodyBytes = 40;

/** What becomes of a POST: whether it reaches the server, and whether the answer reaches the client. */
type Fate = 'answered' | 'answered late' | 'answer lost' | 'lost' | 'unavailable';

type Command =
  | { readonly do: 'send'; readonly length: number; readonly mayWait: boolean }
  | { readonly do: 'wait'; readonly ms: number };

/** The server's end as the contract has it: takes each number once, in order. */
class Server {
  readonly taken: string[] = [];
  closedWith: string | undefined;
  readonly #fates: Fate[];
  readonly #late: FakePost[] = [];
  #sequence = 0;
  failure: Error | undefined;

  constructor(fates: readonly Fate[]) {
    this.#fates = [...fates];
  }

  readonly fetch: FetchLike = (url, init) =>
    new Promise((resolve, reject) => {
      const post = new FakePost(url, init, resolve, reject);
      if (post.headers['hexbus-sequence'] !== undefined) {
        this.#post(post);
        return;
      }
      post.stream().open({ link: 'node.id.key', protocol: 'hexbus.v1.json', maxBodyBytes });
    });

  /** Answers what was answered late. */
  catchUp(): void {
    for (const post of this.#late.splice(0)) post.answer(202);
  }

  #post(post: FakePost): void {
    if (this.#late.length > 0) this.failure ??= new Error('two POSTs at a time');
    const bytes = post.texts.join('\n').length;
    if (bytes > maxBodyBytes && post.texts.length > 1) this.failure ??= new Error(`a body of ${bytes} bytes`);
    const fate = this.#fates.shift() ?? 'answered';
    if (fate === 'unavailable') post.answer(503);
    else if (fate === 'lost') post.fail();
    else {
      this.#take(post);
      if (fate === 'answered') post.answer(202);
      else if (fate === 'answer lost') post.fail();
      else this.#late.push(post);
    }
  }

  #take(post: FakePost): void {
    const sequence = Number(post.headers['hexbus-sequence']);
    if (sequence === this.#sequence) return;
    if (sequence !== this.#sequence + 1) this.failure ??= new Error(`${sequence} came after ${this.#sequence}`);
    if (this.closedWith !== undefined) this.failure ??= new Error('something came behind the end');
    this.#sequence = sequence;
    this.taken.push(...post.texts);
    this.closedWith = new URL(post.url).searchParams.get('close') ?? undefined;
  }
}

const fate: fc.Arbitrary<Fate> = fc.constantFrom('answered', 'answered late', 'answer lost', 'lost', 'unavailable');
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('send'), length: fc.nat({ max: 50 }), mayWait: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wait'), ms: fc.constantFrom(0, 100, 1_000, 5_000) }) },
);

test('the server takes what is sent once and in order, and then the end, whatever becomes of single POSTs', async () => {
  const property = fc.asyncProperty(fc.array(command), fc.array(fate), async (commands, fates) => {
    const clock = createVirtualClock();
    const server = new Server(fates);
    let closed: number | undefined;
    const link = openSseLink(
      {
        fetch: server.fetch,
        url: 'http://bus.test/sse',
        clock,
        randomness: createSeededRandomness(1),
        closeTimeoutMs: 600_000,
      },
      {
        opened: () => link.send('hello', false),
        received: () => undefined,
        closed(code) {
          closed = code;
        },
      },
    );
    await clock.runAll();
    const sent: string[] = [];
    const wait = async (ms: number): Promise<void> => {
      await clock.advance(ms);
      server.catchUp();
      await clock.runAll();
    };
    for (const each of commands) {
      if (each.do === 'wait') await wait(each.ms);
      else {
        const text = `${sent.length}:${'x'.repeat(each.length)}`;
        if (closed === undefined) sent.push(text);
        link.send(text, each.mayWait);
      }
    }
    const gaveUp = (): boolean => closed !== undefined && closed !== 1000;
    link.close(1000, '');
    for (let waited = 0; waited < 100 && closed === undefined; waited++) await wait(10_000);
    if (server.failure !== undefined) throw server.failure;
    if (closed === undefined) throw new Error('it never closed');
    if (clock.pendingTimers + clock.pendingTurns > 0) throw new Error('something was left behind');
    const complete = server.closedWith === '1000' && !gaveUp();
    const expected = complete ? sent : sent.slice(0, server.taken.length);
    if (String(server.taken) !== String(expected)) throw new Error(`${expected} was sent, ${server.taken} taken`);
    // Six in a row that fail are one POST that is given up.
    if (!complete && longestFailure(fates) < 6) throw new Error('it gave up too early');
  });
  await fc.assert(property, { numRuns, includeErrorInReport: true });
});

function longestFailure(fates: readonly Fate[]): number {
  let longest = 0;
  let present = 0;
  for (const each of fates) {
    present = each.startsWith('answered') ? 0 : present + 1;
    longest = Math.max(longest, present);
  }
  return longest;
}
