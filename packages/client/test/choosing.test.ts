import { type Client, type ClientOptions, createClient } from '@hexbus/client';
import { createSeededRandomness, createVirtualClock, type VirtualClock } from '@hexbus/testkit';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { session, welcome } from './support/bench.ts';
import { FakeServer } from './support/fake-fetch.ts';
import { FakeNetwork } from './support/fake-network.ts';

afterEach(() => vi.unstubAllGlobals());

/** A client of which every attempt is played by the test. */
class Attempts {
  readonly clock: VirtualClock = createVirtualClock();
  readonly network = new FakeNetwork();
  readonly server = new FakeServer();
  readonly #seen = { ws: 0, sse: 0 };

  readonly client: Client;

  constructor(session?: ClientOptions['session']) {
    this.client = createClient({
      url: 'ws://bus.test/hexbus',
      transport: 'auto',
      WebSocket: this.network.WebSocket,
      fetch: this.server.fetch,
      session,
      clock: this.clock,
      randomness: createSeededRandomness(1),
      timings: { maxReconnectDelayMs: 1_000 },
    });
  }

  /** Which transport the next attempt is made by. */
  async next(): Promise<string> {
    await this.clock.advance(1_000);
    const { sockets } = this.network;
    const { posts } = this.server;
    const seen = this.#seen;
    const kinds = [...sockets.slice(seen.ws).map(() => 'ws'), ...posts.slice(seen.sse).map(() => 'sse')];
    this.#seen.ws = sockets.length;
    this.#seen.sse = posts.length;
    return kinds.join(' and ');
  }

  /** The attempt fails. */
  refuse(kind: string): void {
    if (kind === 'ws') this.network.last.cut();
    else this.server.last.fail();
  }

  /** The attempt reaches a server. Returns what cuts the connection again. */
  async accept(kind: string): Promise<() => void> {
    if (kind === 'ws') {
      const socket = this.network.last;
      socket.accept();
      socket.say(welcome());
      return () => socket.cut();
    }
    const stream = this.server.last.stream();
    stream.open();
    stream.say(welcome());
    await this.clock.runAll();
    return () => stream.fail();
  }

  /** The next attempts, all of which fail. */
  async failing(count: number): Promise<string[]> {
    const kinds: string[] = [];
    for (let tried = 0; tried < count; tried++) {
      const kind = await this.next();
      kinds.push(kind);
      this.refuse(kind);
    }
    return kinds;
  }
}

describe("transport 'auto'", () => {
  test('tries both in turn until one gets through, and stays with it', async () => {
    const attempts = new Attempts();
    const { client, clock } = attempts;
    const opened = client.open();
    expect(await attempts.failing(3)).toEqual(['ws', 'sse', 'ws']);
    expect(await attempts.next()).toBe('sse');
    const cut = await attempts.accept('sse');
    await opened;
    cut();
    await clock.runAll();
    expect(await attempts.failing(4)).toEqual(['sse', 'ws', 'sse', 'ws']);
    await client.close();
  });

  test('tries WebSocket more often where it got through before', async () => {
    const attempts = new Attempts();
    const { client } = attempts;
    void client.open().catch(() => undefined);
    expect(await attempts.next()).toBe('ws');
    const cut = await attempts.accept('ws');
    cut();
    expect(await attempts.failing(7)).toEqual(['ws', 'ws', 'sse', 'ws', 'ws', 'sse', 'ws']);
    await client.close();
  });

  test('leaves no client with SSE that met a server there which came back', async () => {
    const attempts = new Attempts();
    const { client, clock } = attempts;
    const randomness = createSeededRandomness(7);
    void client.open();
    let kind = await attempts.next();
    const met = { ws: 0, sse: 0 };
    for (let restart = 0; restart < 300; restart++) {
      // WebSocket always gets through where there is a server.
      expect(kind).toBe('ws');
      const stop = await attempts.accept(kind);
      stop();
      await clock.runAll();
      await attempts.failing(Math.floor(randomness.fraction() * 6));
      kind = await attempts.next();
      met[kind as 'ws' | 'sse'] += 1;
      const cut = await attempts.accept(kind);
      cut();
      await clock.runAll();
      kind = await attempts.next();
    }
    expect(met.sse).toBeGreaterThan(50);
    await client.close();
  });

  test('a WebSocket that opens and stays silent did not get through', async () => {
    const attempts = new Attempts();
    const { client, network, clock } = attempts;
    void client.open().catch(() => undefined);
    expect(await attempts.next()).toBe('ws');
    network.last.accept();
    await clock.advance(20_000);
    expect(await attempts.next()).toBe('sse');
    await client.close();
  });

  test('learns by SSE what a WebSocket cannot tell: that it is refused for good', async () => {
    const attempts = new Attempts();
    const opened = expect(attempts.client.open()).rejects.toMatchObject({ code: 'HEXBUS_REFUSED', message: /401/ });
    await attempts.failing(1);
    expect(await attempts.next()).toBe('sse');
    attempts.server.last.answer(401, { 'hexbus-refused': '1' });
    await opened;
    await attempts.clock.runAll();
    expect(attempts.client.state).toBe('closed');
    expect(attempts.clock.pendingTimers).toBe(0);
  });

  test('goes on, and keeps its session, where it is not the gateway that refuses', async () => {
    const saved: unknown[] = [];
    const attempts = new Attempts({ load: () => undefined, save: (session) => saved.push(session) });
    const opened = attempts.client.open();
    await attempts.failing(1);
    expect(await attempts.next()).toBe('sse');
    attempts.server.last.answer(403);
    // Pauses are twice as long then.
    await attempts.clock.advance(1_000);
    expect(await attempts.next()).toBe('ws');
    await attempts.accept('ws');
    await opened;
    expect(saved).toEqual([expect.objectContaining(session)]);
    await attempts.client.close();
  });

  test('in a runtime without WebSocket is SSE', async () => {
    vi.stubGlobal('WebSocket', undefined);
    const { fetch, posts } = new FakeServer();
    const clock = createVirtualClock();
    const client = createClient({ url: 'ws://bus.test/hexbus', transport: 'auto', fetch, clock });
    void client.open().catch(() => undefined);
    await clock.runAll();
    expect(posts).toHaveLength(1);
    await client.close();
  });
});
