import { createServer } from 'node:http';
import { createSseTransport, type SseTransportOptions } from '@hexbus/adapter-sse';
import { createFrameBatch } from '@hexbus/testkit';
import { describe, expect, it } from 'vitest';
import { listening } from '../../../test/support/transports/servers.ts';
import { closeAfterEach, openSse } from './support/host.ts';
import { opened, RawClient } from './support/raw-client.ts';

closeAfterEach();

const nobody = {
  node: 'lab',
  admit: () => Promise.reject(new Error('nobody should be asked')),
  relay: async () => undefined,
  onRelayed: () => {},
  error: () => {},
  closed: AbortSignal.abort(),
};

it('rejects open with HEXBUS_CONFIG when the port is taken, and can be closed then', async () => {
  const { port, stop } = await listening(createServer());
  const transport = createSseTransport({ port, host: '127.0.0.1' });
  await expect(transport.open(nobody)).rejects.toMatchObject({ code: 'HEXBUS_CONFIG' });
  await transport.close();
  await stop();
});

it('rejects open when it is closed meanwhile, and leaves the port free', async () => {
  const transport = createSseTransport({ port: 0, host: 'localhost' });
  const opening = expect(transport.open(nobody)).rejects.toMatchObject({ code: 'HEXBUS_CLOSED' });
  await transport.close();
  await opening;
  expect(transport.port).toBeUndefined();
});

it('tells the port of the server that it is a guest of as long as it is one', async () => {
  const { server, port, stop } = await listening(createServer());
  const transport = createSseTransport({ server });
  expect(transport.port).toBeUndefined();
  await transport.open(nobody);
  expect(transport.port).toBe(port);
  await transport.close();
  expect(transport.port).toBeUndefined();
  await stop();
});

it('tells draining clients when to come back, also those that the host is still thinking about', async () => {
  let decide = (): void => {};
  const decided = new Promise<void>((resolve) => {
    decide = resolve;
  });
  const { transport, port, handshakes, abandons } = await openSse({}, async () => {
    await decided;
    return { protocol: 'lab.v1' };
  });
  const early = new RawClient(port);
  early.open();
  while (handshakes.length === 0) await new Promise((resolve) => setImmediate(resolve));
  transport.drain();
  const late = new RawClient(port);
  late.open();
  expect(await late.answer()).toMatchObject({ status: 503, head: expect.stringContaining('Retry-After: 2') });
  decide();
  expect((await early.answer()).status).toBe(503);
  expect(abandons).toHaveLength(1);
});

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

describe('the address of a client', () => {
  const addressOf = async (options: SseTransportOptions, forwarded?: string) => {
    const { port, handshakes } = await openSse(options);
    const client = new RawClient(port);
    client.ask({ headers: { 'X-Forwarded-For': forwarded } });
    await client.answer();
    client.socket.destroy();
    return handshakes[0]?.address;
  };

  it('is that of the socket, without the prefix of mapped addresses', async () => {
    expect(await addressOf({}, '10.0.0.1')).toBe('127.0.0.1');
    expect(await addressOf({ host: undefined })).toBe('127.0.0.1');
  });

  it('is what the trusted proxies wrote, never what the client wrote before them', async () => {
    expect(await addressOf({ trustProxy: 1 }, '6.6.6.6, 10.0.0.1')).toBe('10.0.0.1');
    expect(await addressOf({ trustProxy: 2 }, '6.6.6.6, 10.0.0.1, 10.0.0.2')).toBe('10.0.0.1');
    expect(await addressOf({ trustProxy: 2 }, '10.0.0.1')).toBe('10.0.0.1');
    expect(await addressOf({ trustProxy: 1 })).toBe('127.0.0.1');
  });

  it('is what clientAddress says', async () => {
    const clientAddress = () => 'from elsewhere';
    expect(await addressOf({ clientAddress, trustProxy: 1 }, '10.0.0.1')).toBe('from elsewhere');
  });

  it.each([
    ['throws', () => JSON.parse('{') as string, 'SyntaxError'],
    ['returns no text', () => undefined as never, 'HexbusError'],
  ])(
    'is not known where clientAddress %s: its client is to come back later, and the host is told',
    async (_, clientAddress, name) => {
      const { port, failures, handshakes } = await openSse({ clientAddress });
      const client = new RawClient(port);
      client.open();
      expect(await client.answer()).toMatchObject({ status: 503, head: expect.stringContaining('Retry-After: 2') });
      const source = new RawClient(port);
      source.ask();
      expect((await source.answer()).status).toBe(200);
      await source.until(() => /^retry: \d{4}\n\n$/.test(source.text));
      for (const { socket } of [client, source]) socket.destroy();
      expect(failures).toEqual([expect.objectContaining({ name }), expect.objectContaining({ name })]);
      expect(handshakes).toEqual([]);
    },
  );
});
