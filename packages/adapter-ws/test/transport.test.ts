import { createWsTransport } from '@hexbus/adapter-ws';
import { createFrameBatch } from '@hexbus/testkit';
import { expect, it } from 'vitest';
import { type TransportKind, testAddresses, testPlace } from '../../../test/support/transports/transport-tests.ts';
import { closeAfterEach, openWs } from './support/host.ts';
import { RawClient, upgraded } from './support/raw-client.ts';

closeAfterEach();

const ws: TransportKind = {
  create: createWsTransport,
  open: openWs,
  ask(port, headers) {
    const client = new RawClient(port);
    client.ask(headers);
    return client;
  },
};

testPlace(ws);
testAddresses(ws);

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
