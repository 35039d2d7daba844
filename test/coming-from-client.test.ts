import { createWsTransport } from '@hexbus/adapter-ws';
import { type Client, type ClientOptions, createClient, type SavedSession } from '@hexbus/client';
import { type Bus, createBus, createMessageBridge, isHexbusError, type MessageBridge } from '@hexbus/core';
import { createGateway } from '@hexbus/core/gateway';
import { createMemoryHistory } from '@hexbus/store-memory';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';

/** What docs/coming-from.md promises of a bridge behind a client: nothing is acknowledged that is not saved, and nothing that comes again is doubled. */

/** How long a busy machine may take. */
const patience = { timeout: 60_000 };

interface Server {
  readonly port: number;
  step(n: number): Promise<unknown>;
  post(to: 'ann' | 'all', type: string, body: unknown, id?: string): Promise<unknown>;
}

/** A server at which ann is known, and whose messages to her wait for her. */
async function startServer(): Promise<Server> {
  const bus = createBus({ history: createMemoryHistory(), topics: { '@user.>': { retain: { maxCount: 100 } } } });
  await bus.open();
  const transport = createWsTransport({ port: 0, host: '127.0.0.1' });
  const gateway = createGateway(bus, {
    transports: [transport],
    authenticateToken: (userId) => ({ userId }),
    timings: { drainMs: 0 },
  });
  await gateway.open();
  onTestFinished(async () => {
    await gateway.close();
    await bus.close();
  });
  const post: Server['post'] = (to, type, body, id) =>
    gateway.post(to === 'all' ? { all: true } : { user: to }, type, body, { id });
  return { port: transport.port ?? 0, post, step: (n) => post('ann', 'Step', n) };
}

/** What outlives a page: its bus, as by localStorage, and its session, as by sessionStorage. */
interface Kept {
  readonly bus: Bus;
  saved: SavedSession | undefined;
}

async function keep(maxCount: number): Promise<Kept> {
  const topics = { step: { retain: { until: 'handled', maxCount } } } as const;
  const bus = createBus({ history: createMemoryHistory(), topics });
  await bus.open();
  onTestFinished(() => bus.close());
  return { bus, saved: undefined };
}

interface LoadedPage {
  readonly client: Client;
  readonly bridge: MessageBridge;
  /** The codes of what the bridge could not publish. */
  readonly refused: string[];
}

async function load({ port }: Server, kept: Kept, options: Partial<ClientOptions> = {}): Promise<LoadedPage> {
  const remember = (session: SavedSession | undefined): void => {
    kept.saved = session;
  };
  const client = createClient({
    url: `ws://127.0.0.1:${port}/hexbus`,
    WebSocket,
    token: 'ann',
    session: { load: () => kept.saved, save: remember },
    ...options,
  });
  const messages = ['Step', 'Done'].map((type) => ({ type, topic: 'step', saveHistory: true }));
  const bridge = createMessageBridge(kept.bus, { source: client, messages });
  const refused: string[] = [];
  bridge.observe('error', ({ error }) => refused.push(isHexbusError(error) ? error.code : String(error)));
  await bridge.open();
  await client.open();
  onTestFinished(async () => {
    await client.close();
    await bridge.close();
  });
  return { client, bridge, refused };
}

const waiting = async ({ bus }: Kept): Promise<number> => (await bus.stats('step')).waiting;

/** The bodies that reach a listener now, until nothing waits. */
async function listen({ bus }: Kept): Promise<unknown[]> {
  const bodies: unknown[] = [];
  const subscription = bus.subscribe('step', ({ body }) => void bodies.push(body));
  await subscription.caughtUp();
  return bodies;
}

test('a message that cannot be saved is not acknowledged: the next page gets it, and what came after it', async () => {
  const server = await startServer();
  const kept = await keep(1);
  const page = await load(server, kept, { timings: { acknowledgeMs: 1, retryDelayMs: 1 } });
  for (const n of [1, 2, 3]) await server.step(n);
  await expect.poll(() => page.refused.length, patience).toBeGreaterThan(5);
  expect(new Set(page.refused)).toEqual(new Set(['HEXBUS_TOPIC_FULL']));
  expect(await waiting(kept)).toBe(1);

  await page.client.close(); // acknowledges what it may
  await page.bridge.close();
  const bodies = await listen(kept);
  await load(server, kept);
  await expect.poll(() => bodies, patience).toEqual([1, 2, 3]);
});

test('the page goes on by itself once there is room', async () => {
  const server = await startServer();
  const kept = await keep(1);
  const page = await load(server, kept, { timings: { retryDelayMs: 1 } });
  for (const n of [1, 2, 3]) await server.step(n);
  await expect.poll(() => page.refused.length, patience).toBeGreaterThan(3);
  const bodies = await listen(kept);
  await expect.poll(() => bodies, patience).toEqual([1, 2, 3]);
});

test('a page that went before it could acknowledge gets its messages again, and saves each once', async () => {
  const server = await startServer();
  const kept = await keep(100);
  const never = 1_000_000;
  await load(server, kept, {
    timings: { acknowledgeMs: never, reconnectDelayMs: never, maxReconnectDelayMs: never },
    randomness: { fraction: () => 0.5 },
  });
  const atWelcome = kept.saved;
  for (const n of [1, 2]) await server.step(n);
  await expect.poll(() => waiting(kept), patience).toBe(2);

  // The second takes the session over, as if the first had died without a word: that one does not come back.
  kept.saved = atWelcome;
  const duplicates: boolean[] = [];
  kept.bus.observe('published', ({ duplicate }) => duplicates.push(duplicate));
  const again = await load(server, kept);
  await server.step(3);
  await expect.poll(() => waiting(kept), patience).toBe(3);
  expect([again.refused, duplicates]).toEqual([[], [true, true, false]]);
  expect(await listen(kept)).toEqual([1, 2, 3]);
});

test('what is posted while no page is there is saved by the next one', async () => {
  const server = await startServer();
  const kept = await keep(100);
  const page = await load(server, kept);
  await server.step(1);
  await expect.poll(() => waiting(kept), patience).toBe(1);
  await page.client.close();
  await page.bridge.close();
  await server.step(2);
  await load(server, kept);
  await expect.poll(() => waiting(kept), patience).toBe(2);
  expect(await listen(kept)).toEqual([1, 2]);
});

test('messages of several types and addresses that bear one id are all saved', async () => {
  const server = await startServer();
  const kept = await keep(100);
  await load(server, kept);
  await server.post('ann', 'Step', 'a step of ann', '7');
  await server.post('all', 'Done', 'all is done', '7');
  await server.post('all', 'Step', 'a step of all', '7');
  await expect.poll(() => waiting(kept), patience).toBe(3);
  expect(await listen(kept)).toEqual(['a step of ann', 'all is done', 'a step of all']);
});

test('a handler beside the bridge that always fails holds nothing up', async () => {
  const server = await startServer();
  const kept = await keep(100);
  const { client } = await load(server, kept, { timings: { retryDelayMs: 1 } });
  client.on('Bad', () => {
    throw new Error('planted');
  });
  await server.post('ann', 'Bad', 0);
  await server.step(1);
  await expect.poll(() => waiting(kept), patience).toBe(1);
});
