import { type ClientOptions, clientDefaults, createClient } from '@hexbus/client';
import { describe, expect, test } from 'vitest';
import { FakeServer } from './support/fake-fetch.ts';
import { FakeNetwork } from './support/fake-network.ts';

const { WebSocket } = new FakeNetwork();

describe('createClient', () => {
  test.each([
    ['url', { url: 'bus.test' }],
    ['url', { url: 'ftp://bus.test' }],
    ['url', { url: undefined }],
    ['transport', { transport: 'pigeon' }],
    ['token', { token: 7 }],
    ['token', { token: '' }],
    ['capabilities', { capabilities: 'console' }],
    ['WebSocket', { WebSocket: 'ws' }],
    ['WebSocket', { WebSocket: 'ws', transport: 'auto' }],
    ['fetch', { fetch: 'fetch', transport: 'sse' }],
    ['fetch', { fetch: 'fetch', transport: 'auto' }],
    ['limits.maxTries', { limits: { maxTries: 0 } }],
    ['limits.maxTrys', { limits: { maxTrys: 3 } }],
    ['timings.acknowledgeMs', { timings: { acknowledgeMs: Number.NaN } }],
    ['timings.requestTimeoutMs', { timings: { requestTimeoutMs: -1 } }],
  ])('refuses %s in %j', (field, options) => {
    const all = { url: 'ws://bus.test', WebSocket, ...options } as unknown as ClientOptions;
    expect(() => createClient(all)).toThrow(
      expect.objectContaining({ code: 'HEXBUS_CONFIG', message: expect.stringContaining(`${field} is `) }),
    );
  });

  test('counts a token in bytes, and says so', async () => {
    const withToken = (length: number) => createClient({ url: 'ws://bus.test', WebSocket, token: 'é'.repeat(length) });
    await withToken(4_096).close();
    expect(() => withToken(4_097)).toThrow(/1 to 8192 printable bytes/);
  });

  test.each([
    ['https://bus.test/hexbus?x=1#part', 'wss://bus.test/hexbus?x=1'],
    ['http://bus.test', 'ws://bus.test/'],
    ['wss://bus.test/a', 'wss://bus.test/a'],
  ])('takes %s', async (url, opened) => {
    const network = new FakeNetwork();
    const client = createClient({ url, WebSocket: network.WebSocket, limits: { maxTries: undefined } as object });
    expect(network.sockets).toHaveLength(0);
    void client.open().catch(() => undefined);
    await Promise.resolve();
    await Promise.resolve();
    expect(network.last.url).toBe(opened);
    await client.close();
  });

  test.each([
    ['wss://bus.test/hexbus?x=1#part', 'https://bus.test/hexbus/sse?x=1'],
    ['http://bus.test', 'http://bus.test/sse'],
    ['http://bus.test/a/', 'http://bus.test/a/sse'],
  ])('takes %s for SSE', async (url, opened) => {
    const { fetch, posts } = new FakeServer();
    const client = createClient({ url, fetch, transport: 'sse' });
    void client.open().catch(() => undefined);
    while (posts.length === 0) await Promise.resolve();
    expect(posts[0]?.url).toBe(opened);
    await client.close();
  });

  test('starts nothing', () => {
    const client = createClient({ url: 'ws://bus.test', WebSocket });
    expect(client).toMatchObject({ state: 'idle', connected: false, session: undefined, capabilities: [] });
    expect(clientDefaults).toMatchObject({ transport: 'ws', from: 'now', limits: { maxQueuedMessages: 10_000 } });
  });

  test('checks what its verbs are given', () => {
    const client = createClient({ url: 'ws://bus.test', WebSocket });
    const noFunction = 'handler' as unknown as () => void;
    expect(() => client.subscribe('a b', () => undefined)).toThrow(/pattern "a b"/);
    expect(() => client.subscribe('a', noFunction)).toThrow(/handler is "handler"/);
    expect(() => client.on('a', noFunction)).toThrow(/handler is/);
    for (const maxTries of [0, Number.NaN, '3' as unknown as number])
      expect(() => client.on('a', () => undefined, { maxTries })).toThrow(/maxTries is .*; use a number from 1/);
    client.on('a', () => undefined, { maxTries: undefined });
    expect(() => client.handle('a', noFunction)).toThrow(/handler is/);
    expect(() => client.observe('state', noFunction)).toThrow(/observer is/);
    expect(() => client.observe('weather' as 'state', () => undefined)).toThrow(/observe is "weather"/);
  });
});
