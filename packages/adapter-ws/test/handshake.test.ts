import { createServer } from 'node:http';
import { expect, it } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { listening } from '../../../test/support/transports/servers.ts';
import { frame } from './support/frames.ts';
import { closeAfterEach, openWs } from './support/host.ts';
import { RawClient, upgraded } from './support/raw-client.ts';

closeAfterEach();

async function answerTo(port: number, ...ask: Parameters<RawClient['ask']>) {
  const client = new RawClient(port);
  client.ask(...ask);
  const answer = await client.answer();
  client.socket.destroy();
  return answer;
}

/** An admission that waits until it is released. */
function gate() {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

it.each(['reset', 'end', 'early data, then reset'] as const)(
  'threat 14: clients that go during asynchronous authentication, by %s, are abandoned and throw nothing',
  async (how) => {
    const { open, opened } = gate();
    let aborted = 0;
    const { port, handshakes, abandons, guests } = await openWs({}, async (_, signal) => {
      signal.addEventListener('abort', () => {
        aborted += 1;
      });
      await opened;
      return { protocol: 'lab.v1' };
    });
    const clients = Array.from({ length: 50 }, () => new RawClient(port));
    for (const client of clients) client.ask();
    while (handshakes.length < 50) await new Promise((resolve) => setImmediate(resolve));
    for (const { socket } of clients) {
      if (how === 'end') socket.end();
      else if (how === 'reset') socket.resetAndDestroy();
      else socket.write(frame(1, 'x'.repeat(100_000)), () => socket.resetAndDestroy());
    }
    // After early data nothing more is read, so that its sender is found to be gone only when it is answered.
    if (how !== 'early data, then reset') while (aborted < 50) await new Promise((resolve) => setImmediate(resolve));
    await Promise.all(clients.map(({ closed }) => closed));
    open();
    while (abandons.length + guests.length < 50) await new Promise((resolve) => setImmediate(resolve));
    if (how !== 'early data, then reset') expect(guests).toEqual([]);
    for (const { ended } of guests) expect(await ended).toBe(1006);
  },
);

it('whom another listener of the server takes as well is left to it, holds no place, and the host is told', async () => {
  const { server, port, stop } = await listening(createServer());
  const { open, opened } = gate();
  const { handshakes, abandons, guests, failures } = await openWs({ server }, async () => {
    await opened;
    return { protocol: 'lab.v1' };
  });
  const theirs = new WebSocketServer({ server });
  const taken = new Promise<WebSocket>((resolve) => theirs.on('connection', resolve));
  const client = new RawClient(port);
  client.ask();
  const ws = await taken;
  while (handshakes.length === 0) await new Promise((resolve) => setImmediate(resolve));
  open();
  while (abandons.length === 0) await new Promise((resolve) => setImmediate(resolve));
  expect((await client.answer()).status).toBe(101);
  expect([guests.length, failures.length]).toEqual([0, 1]);
  ws.terminate();
  await client.closed;
  theirs.close();
  await stop();
});

it('threat 14: what a client sends before the answer is received after it', async () => {
  const { open, opened } = gate();
  const { port, handshakes, nextGuest } = await openWs({}, async () => {
    await opened;
    return { protocol: 'lab.v1' };
  });
  const arriving = nextGuest();
  const client = new RawClient(port);
  client.ask();
  while (handshakes.length === 0) await new Promise((resolve) => setImmediate(resolve));
  for (let count = 0; count < 100; count++) client.send(1, `${count} ${'x'.repeat(2_000)}`);
  open();
  const guest = await arriving;
  await guest.got(100);
  expect(guest.texts.map((text) => Number.parseInt(text, 10))).toEqual(Array.from({ length: 100 }, (_, n) => n));
  client.socket.destroy();
});

it('threat 15: an own server answers other paths with 404, and plain requests with 426 or 404', async () => {
  const { port, handshakes } = await openWs();
  for (const path of ['/', '/other', '/hexbus/', '/hexbusx', '//hexbus', '/HEXBUS']) {
    expect((await answerTo(port, {}, path)).status).toBe(404);
  }
  const plain = await fetch(`http://127.0.0.1:${port}/hexbus`);
  expect([plain.status, plain.headers.get('upgrade')]).toEqual([426, 'websocket']);
  expect((await fetch(`http://127.0.0.1:${port}/other`)).status).toBe(404);
  expect(handshakes).toEqual([]);
});

it('threat 15: a guest leaves other paths to others, and takes its listener along when it closes', async () => {
  const { server, port, stop } = await listening(createServer());
  const others: string[] = [];
  server.on('upgrade', (request, socket) => {
    if (request.url === '/hexbus') return;
    others.push(request.url ?? '');
    socket.end('HTTP/1.1 418 I am a teapot\r\n\r\n');
  });
  const { transport, handshakes } = await openWs({ server });
  expect((await answerTo(port, {}, '/theirs')).status).toBe(418);
  expect(others).toEqual(['/theirs']);
  expect(handshakes).toEqual([]);
  await upgraded(port);
  await transport.close();
  expect(server.listenerCount('upgrade')).toBe(1);
  expect(server.listening).toBe(true);
  await stop();
});

it.each([
  ['a protocol that the host does not know', { 'Sec-WebSocket-Protocol': 'unknown.v1' }, 1],
  ['a malformed list of protocols', { 'Sec-WebSocket-Protocol': 'a,,b' }, 0],
  ['a protocol named twice', { 'Sec-WebSocket-Protocol': 'a, a' }, 0],
  ['a protocol with a quote', { 'Sec-WebSocket-Protocol': '"a"' }, 0],
])('threat 16: %s gets 400 before the upgrade', async (_, headers, asked) => {
  const { port, handshakes } = await openWs({}, async () => ({
    accepted: false,
    status: 400,
    reason: 'no common protocol',
  }));
  expect((await answerTo(port, headers)).status).toBe(400);
  expect(handshakes).toHaveLength(asked);
});

it('threat 16: a protocol that the client did not offer is never agreed on', async () => {
  const { port, abandons, guests } = await openWs({}, async () => ({ protocol: 'lab.v9' }));
  expect((await answerTo(port, { 'Sec-WebSocket-Protocol': 'lab.v1, lab.v2' })).status).toBe(400);
  expect([abandons.length, guests.length]).toEqual([1, 0]);
});

it.each([
  ['no GET', [{}, '/hexbus', 'POST']],
  ['another upgrade', [{ Upgrade: 'h2c' }]],
  ['no key', [{ 'Sec-WebSocket-Key': undefined }]],
  ['a short key', [{ 'Sec-WebSocket-Key': 'AAAA' }]],
  ['an old version', [{ 'Sec-WebSocket-Version': '8' }]],
] as [string, Parameters<RawClient['ask']>][])(
  'a handshake with %s gets 400, and the host is not asked',
  async (_, ask) => {
    const { port, handshakes } = await openWs();
    expect((await answerTo(port, ...ask)).status).toBe(400);
    expect(handshakes).toEqual([]);
  },
);

it('a malformed extension gets 400, and its admission is abandoned', async () => {
  const { port, abandons, guests } = await openWs({ perMessageDeflate: true });
  expect((await answerTo(port, { 'Sec-WebSocket-Extensions': 'permessage-deflate; ;' })).status).toBe(400);
  expect([abandons.length, guests.length]).toEqual([1, 0]);
});

it('refuses with the status of the host, the reason as text, and Retry-After in whole seconds', async () => {
  const { port } = await openWs({}, async () => ({
    accepted: false,
    status: 429,
    reason: 'too many\r\nX-Split: yes',
    retryAfterMs: 1_200,
  }));
  const { status, head, body } = await answerTo(port);
  expect(status).toBe(429);
  expect(head).toContain('429 Too Many Requests');
  expect(head).toContain('Retry-After: 2');
  expect(head).not.toContain('X-Split');
  expect(body).toBe('too many\r\nX-Split: yes');
});
