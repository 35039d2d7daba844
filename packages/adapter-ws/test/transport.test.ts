import { createServer } from 'node:http';
import { createWsTransport, type WsTransportOptions } from '@hexbus/adapter-ws';
import { createFrameBatch } from '@hexbus/testkit';
import { describe, expect, it } from 'vitest';
import { listening } from '../../../test/support/transports/servers.ts';
import { closeAfterEach, openWs } from './support/host.ts';
import { RawClient, upgraded } from './support/raw-client.ts';

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
  const transport = createWsTransport({ port, host: '127.0.0.1' });
  await expect(transport.open(nobody)).rejects.toMatchObject({ code: 'HEXBUS_CONFIG' });
  await transport.close();
  await stop();
});

it('rejects open when it is closed meanwhile, and leaves the port free', async () => {
  const transport = createWsTransport({ port: 0, host: 'localhost' });
  const opening = expect(transport.open(nobody)).rejects.toMatchObject({ code: 'HEXBUS_CLOSED' });
  await transport.close();
  await opening;
  expect(transport.port).toBeUndefined();
});

it('tells the port of the server that it is a guest of as long as it is one', async () => {
  const { server, port, stop } = await listening(createServer());
  const transport = createWsTransport({ server });
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
  const { transport, port, handshakes, abandons } = await openWs({}, async () => {
    await decided;
    return { protocol: 'lab.v1' };
  });
  const early = new RawClient(port);
  early.ask();
  while (handshakes.length === 0) await new Promise((resolve) => setImmediate(resolve));
  transport.drain();
  const late = new RawClient(port);
  late.ask();
  expect(await late.answer()).toMatchObject({ status: 503, head: expect.stringContaining('Retry-After: 2') });
  decide();
  expect((await early.answer()).status).toBe(503);
  expect(abandons).toHaveLength(1);
});

it('ends everything it made when it closes: links, half-made requests, idle connections, its port', async () => {
  const { transport, port } = await openWs();
  const clients = [await upgraded(port), new RawClient(port), new RawClient(port)];
  await new Promise((resolve) => clients[2]?.socket.once('connect', resolve));
  clients[1]?.socket.write('GET /hexbus HTTP/1.1\r\nHost: a\r\n');
  await transport.close();
  await Promise.all(clients.map(({ closed }) => closed));
  const late = new RawClient(port);
  await late.closed;
  expect(late.socket.bytesRead).toBe(0);
});

it('writes a batch in one write, and a compressed one in one write for what is below the threshold', async () => {
  for (const perMessageDeflate of [false, true]) {
    const { port, nextGuest } = await openWs({ perMessageDeflate });
    const arriving = nextGuest();
    const client = await upgraded(port, { 'Sec-WebSocket-Extensions': 'permessage-deflate' });
    const { carrier } = await arriving;
    client.socket.pause();
    carrier.send(createFrameBatch('one', 'two', 'three'));
    const chunks: number[] = [];
    const whole = new Promise<void>((resolve) => {
      client.socket.on('data', (chunk) => {
        chunks.push(chunk.length);
        if (chunks.reduce((sum, length) => sum + length, 0) === 17) resolve();
      });
    });
    client.socket.resume();
    await whole;
    expect(chunks).toEqual([17]);
    client.socket.destroy();
  }
});

describe('the address of a client', () => {
  const addressOf = async (options: WsTransportOptions, forwarded?: string) => {
    const { port, handshakes } = await openWs(options);
    (await upgraded(port, { 'X-Forwarded-For': forwarded })).socket.destroy();
    return handshakes[0]?.address;
  };

  it('is that of the socket, without the prefix of mapped addresses', async () => {
    expect(await addressOf({}, '10.0.0.1')).toBe('127.0.0.1');
    const { port, handshakes } = await openWs({ host: undefined });
    (await upgraded(port)).socket.destroy();
    expect(handshakes[0]?.address).toBe('127.0.0.1');
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
      const { port, failures, handshakes } = await openWs({ clientAddress });
      const client = new RawClient(port);
      client.ask();
      expect(await client.answer()).toMatchObject({ status: 503, head: expect.stringContaining('Retry-After: 2') });
      await client.closed;
      expect(failures).toEqual([expect.objectContaining({ name })]);
      expect(handshakes).toEqual([]);
    },
  );
});
