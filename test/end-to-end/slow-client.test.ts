import { describe, expect, test } from 'vitest';
import type { Memory } from './programs/slow-client-server.ts';
import { Child, canRunPrograms } from './support/child.ts';
import { openHouse } from './support/house.ts';
import { type Entered, RawClient } from './support/raw-client.ts';
import { temporaryDirectory } from './support/temporary-directory.ts';
import { type Via, vias } from './support/via.ts';
import { Watch } from './support/watch.ts';

/** A busy machine takes its time. */
const timeoutMs = 120_000;
/** Of 16 kB each: 64 MB to warm up, and then 320 MB. */
const warmUp = 4_000;
const many = 20_000;
const megabyte = 1024 * 1024;
const hello = { subs: [[1, 'big', 'earliest']] };

/** A client that counts what it is sent on one topic, whose ids count from 1, and hardly looks at it. */
class Counter {
  readonly #watch = new Watch();
  raw: RawClient;
  token = '';
  count = 0;
  /** How many ids did not follow the one before. */
  holes = 0;

  constructor(via: Via, port: number) {
    this.raw = new RawClient(via, port);
  }

  enter(resume = {}): Promise<Entered> {
    this.raw.takes = (text) => this.#takes(text);
    return this.raw.enter({ ...hello, ...resume });
  }

  got(count: number): Promise<void> {
    return this.#watch.until(() => this.count >= count);
  }

  #takes(text: string): boolean {
    const [, token] = /^\[(?:5|17,\[1\]),"([^"]+)"/.exec(text.slice(0, 200)) ?? [];
    const [, id] = /"id":"(\d+)"/.exec(text.slice(-100)) ?? [];
    if (token === undefined || id === undefined) return false;
    this.token = token;
    this.count += 1;
    if (Number(id) !== this.count) this.holes += 1;
    this.#watch.changed();
    return true;
  }
}

/** Publishes, with a client that reads and, if so wanted, one that does not. Resolves with the most memory of the server. */
async function measure(via: Via, withSlow: boolean): Promise<Memory> {
  const server = new Child('slow-client-server', { file: temporaryDirectory()('bus.db') }, ['--expose-gc']);
  const port = await server.call<number>('open');
  const other = new Counter(via, port);
  await other.enter();
  await server.call('publish', warmUp);

  const slow = new Counter(via, port);
  const resume = withSlow ? await slow.enter() : undefined;
  if (withSlow) slow.raw.link.pause();
  const most = await server.call<Memory>('publish', many);
  await other.got(warmUp + many);
  expect(other.holes).toBe(0);

  if (resume !== undefined) {
    await server.call('stalled');
    slow.raw.link.resume();
    expect(await slow.raw.link.closed).toBe(1006);
    const { session, secret } = resume;
    slow.raw = new RawClient(via, port);
    const subs = [[1, 'big', 'covered']];
    await slow.enter({ resume: { session, secret, token: slow.token }, subs });
    await slow.got(slow.count + 2_000);
    expect(slow.holes).toBe(0);
  }
  slow.raw.link.terminate();
  other.raw.link.terminate();
  server.kill('SIGKILL');
  return most;
}

describe.each(vias)('over %s', (via) => {
  test.runIf(canRunPrograms)(
    'a client that stops reading costs the server no memory, disturbs nobody, and goes on when it comes back',
    async () => {
      const [without, withSlow] = await Promise.all([measure(via, false), measure(via, true)]);
      expect(withSlow.used - without.used).toBeLessThan(16 * megabyte);
      // Coarse, as the allocator of a busy machine keeps now 2, now 45 MB more that are not in use; queued, it would be all.
      expect(withSlow.rss - without.rss).toBeLessThan(96 * megabyte);
    },
    timeoutMs,
  );

  test('a client that stops reading for a while gets the rest on the same connection', async () => {
    const { bus, gateway, port } = await openHouse({ gateway: { timings: { stallTimeoutMs: 600_000 } } });
    const slow = new Counter(via, port);
    await slow.enter();
    slow.raw.link.pause();
    const body = 'x'.repeat(16_000);
    for (let id = 1; id <= 1_000; id++) await bus.publish('big', body, { id: String(id) });
    expect((await gateway.post({ all: true }, 'note', 'for all')).receivers).toBe(1);
    slow.raw.link.resume();
    await slow.got(1_000);
    expect(slow.holes).toBe(0);
    expect(gateway.connections.count).toBe(1);
  });
});
