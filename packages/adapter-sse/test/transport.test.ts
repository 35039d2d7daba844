import { createSseTransport } from '@hexbus/adapter-sse';
import { createFrameBatch } from '@hexbus/testkit';
import { expect, it } from 'vitest';
import { type TransportKind, testAddresses, testPlace } from '../../../test/support/transports/transport-tests.ts';
import { closeAfterEach, openSse } from './support/host.ts';
import { opened, RawClient } from './support/raw-client.ts';

closeAfterEach();

const sse: TransportKind = {
  create: createSseTransport,
  open: openSse,
  ask(port, headers) {
    const client = new RawClient(port);
    client.open('', headers);
    return client;
  },
};

testPlace(sse);
testAddresses(sse);

it('ends everything it made when it closes: streams, half-made requests, idle connections, its port', async () => {
  const { transport, port } = await openSse();
  const clients = [await opened(port), new RawClient(port), new RawClient(port), new RawClient(port)];
  await Promise.all(clients.slice(1).map(({ socket }) => new Promise((resolve) => socket.once('connect', resolve))));
  clients[1]?.socket.write('GET /hexbus/sse HTTP/1.1\r\nHost: a\r\n');
  clients[2]?.open('half', { 'Content-Length': '10' });
  await transport.close();
  await Promise.all(clients.map(({ closed }) => closed));
  const late = new RawClient(port);
  await late.closed;
  expect(late.socket.bytesRead).toBe(0);
});

it.each([
  ['as it is, up to the end of the connection', {}, 'Connection: close', 35],
  ['in chunks for proxies that want them', { chunked: true }, 'Transfer-Encoding: chunked', 41],
])('writes a batch in one write, %s', async (_, options, header, bytes) => {
  const { port, nextGuest } = await openSse(options);
  const arriving = nextGuest();
  const client = new RawClient(port);
  client.ask();
  const { head } = await client.answer();
  expect(head).toContain(header);
  expect(head.includes('chunked')).toBe('chunked' in options);
  const { carrier } = await arriving;
  await client.until(() => client.text.includes(':\n'));
  client.socket.pause();
  carrier.send(createFrameBatch('one', 'two', 'three'));
  const chunks: number[] = [];
  const whole = new Promise<void>((resolve) => {
    client.socket.on('data', (chunk) => {
      chunks.push(chunk.length);
      if (chunk.includes('data: three\n\n')) resolve();
    });
  });
  client.socket.resume();
  await whole;
  expect(chunks).toEqual([bytes]);
  client.socket.destroy();
});

it('heads a stream so that nobody between holds it back', async () => {
  const { port } = await openSse();
  for (const ask of [(client: RawClient) => client.ask(), (client: RawClient) => client.open()]) {
    const client = new RawClient(port);
    ask(client);
    const { status, head } = await client.answer();
    expect(status).toBe(200);
    expect(head).toContain('\r\nContent-Type: text/event-stream\r\n');
    expect(head).toContain('\r\nCache-Control: no-store, no-transform\r\n');
    expect(head).toContain('\r\nX-Accel-Buffering: no\r\n');
    expect(head).not.toContain('Content-Length');
    client.socket.destroy();
  }
});

it('answers other methods with 405, and other paths of its own server with 404', async () => {
  const { port, handshakes } = await openSse();
  for (const method of ['HEAD', 'PUT', 'DELETE', 'PATCH']) {
    const client = new RawClient(port);
    client.ask({ method });
    const { status, head } = await client.answer();
    expect([status, head.includes('Allow: GET, POST, OPTIONS')]).toEqual([405, true]);
    client.socket.destroy();
  }
  for (const path of ['/', '/hexbus', '/hexbus/sse/', '//hexbus/sse', '/HEXBUS/SSE']) {
    const client = new RawClient(port);
    client.ask({ path });
    expect((await client.answer()).status).toBe(404);
    await client.closed;
  }
  expect(handshakes).toEqual([]);
});

it.each([
  ['throws', () => JSON.parse('{') as string, 'SyntaxError'],
  ['returns no text', () => undefined as never, 'HexbusError'],
])(
  'tells an EventSource when to come back, and nothing else, where clientAddress %s',
  async (_, clientAddress, name) => {
    const { port, failures, handshakes } = await openSse({ clientAddress });
    const source = new RawClient(port);
    source.ask();
    expect((await source.answer()).status).toBe(200);
    await source.until(() => /^retry: \d{4}\n\n$/.test(source.text));
    source.socket.destroy();
    expect(failures).toEqual([expect.objectContaining({ name })]);
    expect(handshakes).toEqual([]);
  },
);

it('takes the address of an EventSource from where that of others is taken', async () => {
  const { port, handshakes } = await openSse({ trustProxy: 1 });
  const source = new RawClient(port);
  source.ask({ headers: { 'X-Forwarded-For': '6.6.6.6, 10.0.0.1' } });
  await source.answer();
  source.socket.destroy();
  expect(handshakes[0]?.address).toBe('10.0.0.1');
});
