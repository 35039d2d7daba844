import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createClient, type WebSocketConstructor } from '@hexbus/client';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { event, subscribed, welcome } from './support/bench.ts';

// Node 20 has none of its own.
const implementations: [string, WebSocketConstructor][] = [['ws', WebSocket]];
if (globalThis.WebSocket !== undefined) implementations.push(['the runtime', globalThis.WebSocket]);

let http: Server;
let sockets: WebSocketServer;
let url: string;

beforeEach(async () => {
  http = createServer();
  sockets = new WebSocketServer({ server: http, handleProtocols: () => 'hexbus.v1.json' });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  url = `http://127.0.0.1:${(http.address() as AddressInfo).port}/hexbus`;
});

afterEach(async () => {
  for (const socket of sockets.clients) socket.terminate();
  sockets.close();
  http.close();
  if (http.listening) await once(http, 'close');
});

function say(socket: WebSocket, ...frames: readonly unknown[]): void {
  for (const frame of frames) socket.send(JSON.stringify(frame));
}

async function nextFrame(socket: WebSocket): Promise<unknown> {
  const [data] = (await once(socket, 'message')) as [Buffer];
  return JSON.parse(data.toString());
}

describe.each(implementations)('over sockets of %s', (_, implementation) => {
  test('a client connects, follows, comes back after a broken connection, and hangs up cleanly', async () => {
    const client = createClient({ url, WebSocket: implementation, timings: { reconnectDelayMs: 1 } });
    const bodies: unknown[] = [];
    let heard = (): void => undefined;
    client.subscribe('a', ({ body }) => {
      bodies.push(body);
      heard();
    });
    const message = (): Promise<void> =>
      new Promise((resolve) => {
        heard = resolve;
      });

    let connection = once(sockets, 'connection') as Promise<[WebSocket]>;
    const opened = client.open();
    const [first] = await connection;
    expect(first.protocol).toBe('hexbus.v1.json');
    expect(await nextFrame(first)).toEqual([1, { v: 1, subs: [[1, 'a']], caps: [] }]);
    let received = message();
    say(first, welcome(), subscribed(1, 0), event(1, 'a', 'ж'));
    await opened;
    await received;

    connection = once(sockets, 'connection') as Promise<[WebSocket]>;
    first.terminate();
    const [second] = await connection;
    const resume = { session: 'urn:s1', secret: 'x', token: 'e.1' };
    expect(await nextFrame(second)).toEqual([1, { v: 1, resume, subs: [[1, 'a', 'covered']], caps: [] }]);
    received = message();
    say(second, welcome({ resumed: true, token: 'e.1' }), subscribed(1, 1), event(1, 'a'), event(2, 'a', 'two'));
    await received;
    expect(bodies).toEqual(['ж', 'two']);

    const closed = once(second, 'close');
    await client.close();
    expect((await closed)[0]).toBe(1000);
    expect(client.state).toBe('closed');
  });

  test('a refusal for good reaches open', async () => {
    sockets.on('connection', (socket) => socket.close(4501, 'who are you?'));
    const client = createClient({ url, WebSocket: implementation });
    await expect(client.open()).rejects.toMatchObject({ code: 'HEXBUS_REFUSED', message: /4501 "who are you\?"/ });
    await client.close();
  });

  test('a client that cannot connect is closed at once', async () => {
    sockets.close();
    http.close();
    await once(http, 'close');
    const client = createClient({ url, WebSocket: implementation });
    const tried = new Promise<void>((resolve) => {
      client.observe('state', ({ retryMs }) => retryMs !== undefined && resolve());
    });
    const opened = expect(client.open()).rejects.toMatchObject({ code: 'HEXBUS_CLOSED' });
    await tried;
    await client.close();
    await opened;
  });
});

test('a server that answers no close keeps neither the client nor its socket of ws', async () => {
  const gone = new Promise<void>((resolve) => {
    sockets.on('connection', (socket, { socket: stream }) => {
      say(socket, welcome());
      stream.removeAllListeners('data').on('data', () => undefined);
      stream.on('close', resolve);
    });
  });
  class Patient extends WebSocket {
    constructor(to: string, protocols: string[]) {
      // The bound of ws itself; its published types do not know it yet.
      const options: object = { closeTimeout: 2 ** 31 - 1 };
      super(to, protocols, options);
    }
  }
  const client = createClient({ url, WebSocket: Patient, timings: { closeTimeoutMs: 50 } });
  await client.open();
  await client.close();
  await gone;
});
