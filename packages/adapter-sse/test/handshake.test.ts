import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import { createSseTransport } from '@hexbus/adapter-sse';
import { expect, it } from 'vitest';
import { listening } from '../../../test/support/transports/servers.ts';
import { dial } from './support/dial.ts';
import { closeAfterEach, type Opened, open, openSse } from './support/host.ts';
import { RawClient } from './support/raw-client.ts';

closeAfterEach();

/** An admission that waits until it is released. */
function gate() {
  let release = (): void => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  return { release, released };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

it.each([
  ['GET', 'reset'],
  ['GET', 'end'],
  ['POST', 'reset'],
  ['POST', 'end'],
] as const)(
  'threat 14: clients that go during asynchronous authentication are abandoned and throw nothing: %s, %s',
  async (method, how) => {
    const { release, released } = gate();
    let aborted = 0;
    const { port, handshakes, abandons, guests } = await openSse({}, async (_, signal) => {
      signal.addEventListener('abort', () => {
        aborted += 1;
      });
      await released;
      return { protocol: 'lab.v1' };
    });
    const clients = Array.from({ length: 50 }, () => new RawClient(port));
    for (const client of clients) {
      if (method === 'GET') client.ask();
      else client.open('hello');
    }
    while (handshakes.length < 50) await turn();
    for (const { socket } of clients) {
      if (how === 'end') socket.end();
      else socket.resetAndDestroy();
    }
    while (aborted < 50) await turn();
    await Promise.all(clients.map(({ closed }) => closed));
    release();
    while (abandons.length < 50) await turn();
    expect(guests).toEqual([]);
  },
);

it('threat 13: a client that opens has its place before it has sent what comes with it, and gives it back where that fails', async () => {
  const half = async (
    { port, handshakes }: Opened,
    headers: Record<string, string | undefined>,
    body: string | Buffer,
  ): Promise<RawClient> => {
    const before = handshakes.length;
    const client = new RawClient(port);
    client.ask({ method: 'POST', headers: { 'Content-Type': 'application/x-ndjson', ...headers }, body });
    while (handshakes.length === before) await turn();
    return client;
  };
  const abandoned = async ({ handshakes, abandons, guests }: Opened, count: number): Promise<void> => {
    while (abandons.length < count) await turn();
    expect(abandons).toEqual(handshakes);
    expect(guests).toEqual([]);
  };
  const patient = await openSse({ maxMessageBytes: 100 });
  const leaving = await half(patient, { 'Content-Length': '10' }, 'half');
  expect(patient.abandons).toEqual([]);
  leaving.socket.resetAndDestroy();
  await abandoned(patient, 1);
  const broken = await half(patient, {}, Buffer.from([0xff]));
  expect((await broken.answer()).status).toBe(400);
  await abandoned(patient, 2);
  const chunked = { 'Content-Length': undefined, 'Transfer-Encoding': 'chunked' };
  const long = await half(patient, chunked, `65\r\n${'x'.repeat(0x65)}\r\n0\r\n\r\n`);
  expect((await long.answer()).status).toBe(413);
  await abandoned(patient, 3);
  const hasty = await openSse({ bodyTimeoutMs: 50 });
  const slow = await half(hasty, { 'Content-Length': '10' }, 'half');
  expect((await slow.answer()).status).toBe(408);
  await abandoned(hasty, 1);
});

it('a server that begins to drain while a client sends what opens sends it away', async () => {
  const { port, transport, handshakes, abandons } = await openSse();
  const client = new RawClient(port);
  client.open('half', { 'Content-Length': '6' });
  while (handshakes.length === 0) await turn();
  transport.drain();
  client.socket.write('by');
  expect((await client.answer()).status).toBe(503);
  expect(abandons).toEqual(handshakes);
  client.socket.destroy();
});

it.each([
  ['a protocol that the host does not know', { 'Hexbus-Protocol': 'unknown.v1' }, 1],
  ['a malformed list of protocols', { 'Hexbus-Protocol': 'a,,b' }, 0],
  ['a protocol named twice', { 'Hexbus-Protocol': 'a, a' }, 0],
  ['a protocol with a quote', { 'Hexbus-Protocol': '"a"' }, 0],
])('threat 16: %s gets 400', async (_, headers, asked) => {
  const { port, handshakes } = await openSse({}, async () => ({
    accepted: false,
    status: 400,
    reason: 'no common protocol',
  }));
  const client = new RawClient(port);
  client.open('', headers);
  expect((await client.answer()).status).toBe(400);
  expect(handshakes).toHaveLength(asked);
  client.socket.destroy();
});

it('threat 16: a protocol that the client did not offer is never agreed on', async () => {
  const { port, abandons, guests } = await openSse({}, async () => ({ protocol: 'lab.v9' }));
  const client = new RawClient(port);
  client.open('', { 'Hexbus-Protocol': 'lab.v1, lab.v2' });
  expect((await client.answer()).status).toBe(400);
  expect([abandons.length, guests.length]).toEqual([1, 0]);
  client.socket.destroy();
});

it('refuses with the status of the host, the reason as text, and Retry-After in whole seconds', async () => {
  const { port } = await openSse({}, async () => ({
    accepted: false,
    status: 429,
    reason: 'too many\r\nX-Split: yes',
    retryAfterMs: 1_200,
  }));
  const client = new RawClient(port);
  client.open();
  const { status, head } = await client.answer();
  expect(status).toBe(429);
  expect(head).toContain('Retry-After: 2');
  expect(head).toContain('Hexbus-Refused: 1');
  expect(head).toContain('Cache-Control: no-store');
  expect(head).not.toContain('X-Split');
  expect(client.text).toBe('too many\r\nX-Split: yes');
  client.socket.destroy();
});

it('a refused client can ask again on the same connection', async () => {
  let refusals = 1;
  const { port } = await openSse({}, async () =>
    refusals-- > 0 ? { accepted: false, status: 503, reason: 'full' } : { protocol: 'lab.v1' },
  );
  const client = new RawClient(port);
  client.open('first');
  expect((await client.answer()).status).toBe(503);
  await client.until(() => client.text.endsWith('full'));
  client.open('second');
  await client.until(() => client.text.includes('event: open'));
  expect(client.text).toContain('HTTP/1.1 200 OK');
  client.socket.destroy();
});

it.each(['http', 'h2c'] as const)(
  'a client that went before the program handed its question on is not asked about: %s',
  async (scheme) => {
    const transport = createSseTransport();
    const { handshakes } = await open(transport);
    let handOn = (): void => {};
    const asked = new Promise<void>((resolve) => {
      handOn = resolve;
    });
    const gone: Promise<void>[] = [];
    const handle = (request: IncomingMessage, response: ServerResponse): void => {
      gone.push(new Promise((resolve) => response.on('close', () => resolve())));
      handOn();
      void gone[0]?.then(() => transport.handler(request, response));
    };
    const server = scheme === 'http' ? createServer(handle) : (createHttp2Server(handle as never) as unknown as Server);
    const { port } = await listening(server);
    const caller = dial(scheme, port);
    void caller.ask({ url: '/' });
    await asked;
    caller.reset();
    await gone[0];
    await turn();
    await transport.close();
    expect(handshakes).toEqual([]);
    await new Promise((resolve) => server.close(resolve));
  },
);
