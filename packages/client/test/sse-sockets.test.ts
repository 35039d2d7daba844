import type { Duplex } from 'node:stream';
import {
  type Client,
  type ClientOptions,
  clientDefaults,
  createClient,
  type FetchLike,
  type SavedSession,
} from '@hexbus/client';
import { createSeededRandomness, createVirtualClock } from '@hexbus/testkit';
import { createChaosProxy } from '@hexbus/testkit/chaos';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { House, type HouseOptions } from './support/gateway-house.ts';

const hasty = { reconnectDelayMs: 2, maxReconnectDelayMs: 20 };

afterEach(() => vi.unstubAllGlobals());

async function openHouse(options?: HouseOptions): Promise<House> {
  const house = new House(options);
  await house.open();
  return house;
}

function clientOf(url: string, options: Partial<ClientOptions> = {}): Client {
  const client = createClient({ url, transport: 'sse', WebSocket, timings: hasty, ...options });
  onTestFinished(() => client.close());
  return client;
}

/** What a subscription from the beginning of `log.a` is given. */
function follow(client: Client): unknown[] {
  const bodies: unknown[] = [];
  client.subscribe('log.a', ({ body }) => void bodies.push(body), { from: 'earliest' });
  return bodies;
}

async function publish(house: House, from: number, to: number): Promise<void> {
  for (let body = from; body <= to; body++) await house.bus.publish('log.a', body);
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

/** By which transport each connection came, and how it ended. */
function watch(house: House): string[] {
  const seen: string[] = [];
  house.gateway.observe('connected', ({ transport }) => seen.push(`${transport} connected`));
  house.gateway.observe('resumed', ({ transport }) => seen.push(`${transport} resumed`));
  house.gateway.observe('disconnected', ({ transport, code }) => seen.push(`${transport} ${code}`));
  return seen;
}

/** Keeps it as a page would. */
function sessionStore(): ClientOptions['session'] {
  let saved: SavedSession | undefined;
  return {
    load: () => saved,
    save(session) {
      saved = structuredClone(session);
    },
  };
}

describe('over SSE', () => {
  test('a client follows, publishes, asks, answers, and says that it goes', async () => {
    const house = await openHouse();
    const seen = watch(house);
    house.gateway.handle('sum', (body) => (body as number[]).reduce((sum, each) => sum + each));
    const client = clientOf(house.url, { capabilities: ['page'] });
    const bodies = follow(client);
    const greeted = new Promise((resolve) => client.on('Hello', ({ body }) => resolve(body)));
    client.handle('name', () => 'жук');
    await client.open();
    await house.gateway.post({ user: 'ann' }, 'Hello', 'line 1\r\nline 2\u2028');
    expect(await greeted).toBe('line 1\r\nline 2\u2028');
    expect(await client.request('sum', [1, 2, 3])).toMatchObject({ status: 'success', body: 6 });
    const [entry] = await house.gateway.connections.find({ user: 'ann' });
    expect(await house.gateway.request({ connection: entry?.id ?? '' }, 'name', null)).toMatchObject({ body: 'жук' });
    await client.publish('log.a', 'x'.repeat(60_000));
    await expect.poll(() => bodies).toEqual(['x'.repeat(60_000)]);
    await client.close();
    await expect.poll(() => seen).toEqual(['sse connected', 'sse 1000']);
    expect(house.gateway.connections.count).toBe(0);
  });

  test('a client whose connections break goes on with its session, and gets all once and in order', async () => {
    const house = await openHouse();
    const proxy = await createChaosProxy({ target: { port: house.port }, randomness: createSeededRandomness(1) });
    onTestFinished(() => proxy.close());
    const client = clientOf(`http://127.0.0.1:${proxy.port}/hexbus`);
    const bodies = follow(client);
    await client.open();
    const { session } = client;
    for (let round = 0; round < 5; round++) {
      await publish(house, round * 20 + 1, round * 20 + 10);
      if (round % 2 === 0) await expect.poll(() => bodies.length).toBeGreaterThan(round * 20);
      proxy.cut(round % 2 === 0 ? 'reset' : 'end');
      await publish(house, round * 20 + 11, round * 20 + 20);
    }
    await expect.poll(() => bodies).toEqual(upTo(100));
    expect(client.session).toBe(session);
  });

  test('what is posted is taken once and in order, however many answers are lost', async () => {
    const house = await openHouse();
    const asked: unknown[] = [];
    house.gateway.handle('count', (body) => asked.push(body));
    // Only the POSTs go through it.
    const proxy = await createChaosProxy({
      target: { port: house.port },
      randomness: createSeededRandomness(7),
      mode: 'wild',
      faults: ['reset', 'end', 'half-close'],
      maxBytesBetweenFaults: 4_096,
    });
    onTestFinished(() => proxy.close());
    const sequences: string[] = [];
    const throughProxy: FetchLike = (url, init) => {
      const sequence = init.headers['hexbus-sequence'];
      if (sequence === undefined) return fetch(url, init);
      sequences.push(sequence);
      return fetch(url.replace(`:${house.port}/`, `:${proxy.port}/`), init);
    };
    const client = clientOf(house.url, {
      fetch: throughProxy,
      // No pauses.
      randomness: { fraction: () => 0 },
    });
    await client.open();
    const { connection } = client;
    for (const count of upTo(200)) expect(await client.request('count', count)).toMatchObject({ body: count });
    expect(asked).toEqual(upTo(200));
    expect(sequences.length).toBeGreaterThan(new Set(sequences).size);
    expect(client.connection).toBe(connection);
  });

  test('a client comes back to another server with the same key, and misses nothing', async () => {
    const house = await openHouse();
    const client = clientOf(house.url);
    const bodies = follow(client);
    await client.open();
    const { session } = client;
    await publish(house, 1, 10);
    await expect.poll(() => bodies.length).toBe(10);
    await house.closeGateway();
    await publish(house, 11, 20);
    await house.openGateway();
    const seen = watch(house);
    await expect.poll(() => bodies).toEqual(upTo(20));
    expect(seen).toEqual(['sse resumed']);
    expect(client.session).toBe(session);
  });

  test('a client that is not let in is told so', async () => {
    const house = await openHouse({ authenticate: () => null });
    const client = clientOf(house.url);
    await expect(client.open()).rejects.toMatchObject({ code: 'HEXBUS_REFUSED', message: /4501 "HTTP status 401"/ });
    await client.close();
    expect(client.state).toBe('closed');
  });

  test('a client that only listens posts no more than its signs of life', async () => {
    const house = await openHouse({ timings: { pingMs: 20, maxMissedPings: 1_000 } });
    const posts: string[] = [];
    const recording: FetchLike = (url, init) => {
      posts.push(init.body);
      return fetch(url, init);
    };
    const client = clientOf(house.url, { fetch: recording, timings: { ...hasty, acknowledgeMs: 1 } });
    const bodies = follow(client);
    await client.open();
    await publish(house, 1, 3);
    await expect.poll(() => posts.length).toBeGreaterThan(10);
    expect(bodies).toEqual([1, 2, 3]);
    const [hello, ...others] = posts;
    expect(hello).toMatch(/^\[1,/);
    expect(others.filter((body) => !body.includes('[15]'))).toEqual([]);
    expect(others.some((body) => body.startsWith('[6,'))).toBe(true);
  });
});

describe('from one transport to the other', () => {
  test('a session goes on, and nothing is missing or repeated', async () => {
    const house = await openHouse();
    const seen = watch(house);
    const session = sessionStore();
    const handled: unknown[] = [];
    const urns = new Set<string | undefined>();
    const kinds = ['sse', 'ws', 'sse', 'ws'] as const;
    for (const [index, transport] of kinds.entries()) {
      const client = clientOf(house.url, { transport, session });
      client.subscribe('log.a', ({ body }) => void handled.push(body), { from: 'earliest' });
      await publish(house, index * 20 + 1, index * 20 + 10);
      await client.open();
      await publish(house, index * 20 + 11, index * 20 + 20);
      await expect.poll(() => handled.length).toBe(index * 20 + 20);
      urns.add(client.session);
      await client.close();
    }
    expect(handled).toEqual(upTo(80));
    expect(urns.size).toBe(1);
    await expect
      .poll(() => seen)
      .toEqual([
        'sse connected',
        'sse 1000',
        'ws resumed',
        'ws 1000',
        'sse resumed',
        'sse 1000',
        'ws resumed',
        'ws 1000',
      ]);
  });

  test("'auto' takes WebSocket where it may", async () => {
    const house = await openHouse();
    const seen = watch(house);
    await clientOf(house.url, { transport: 'auto' }).open();
    expect(seen).toEqual(['ws connected']);
  });

  const notFound = 'HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n';

  test.each<[string, (house: House) => void]>([
    ['is refused', ({ server }) => void server.on('upgrade', (_, socket: Duplex) => socket.end(notFound))],
    ['is cut', ({ server }) => void server.on('upgrade', (_, socket: Duplex) => socket.destroy())],
  ])("'auto' takes SSE where a WebSocket %s", async (_, prepare) => {
    const house = await openHouse({ transports: ['sse'] });
    prepare(house);
    const seen = watch(house);
    const client = clientOf(house.url, { transport: 'auto' });
    const bodies = follow(client);
    await client.open();
    await publish(house, 1, 3);
    await expect.poll(() => bodies).toEqual(upTo(3));
    expect(seen).toEqual(['sse connected']);
  });

  test("'auto' takes SSE where a WebSocket never opens", async () => {
    const house = await openHouse({ transports: ['sse'] });
    const asking = new Promise<Duplex>((resolve) => {
      house.server.on('upgrade', (_, socket: Duplex) => resolve(socket));
    });
    const seen = watch(house);
    // However long SSE takes, only the WebSocket takes too long.
    const clock = createVirtualClock({ turns: 'real' });
    const client = clientOf(house.url, { transport: 'auto', clock });
    const bodies = follow(client);
    const opened = client.open();
    const held = await asking;
    onTestFinished(() => void held.destroy());
    await clock.advance(clientDefaults.timings.connectTimeoutMs + hasty.maxReconnectDelayMs);
    await opened;
    await publish(house, 1, 3);
    await expect.poll(() => bodies).toEqual(upTo(3));
    expect(seen).toEqual(['sse connected']);
  });

  test("'auto' is SSE in a page without WebSocket", async () => {
    vi.stubGlobal('WebSocket', undefined);
    const house = await openHouse();
    const seen = watch(house);
    await clientOf(house.url, { transport: 'auto', WebSocket: undefined }).open();
    expect(seen).toEqual(['sse connected']);
  });
});
