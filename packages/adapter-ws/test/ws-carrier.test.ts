import { Duplex } from 'node:stream';
import { createFrameBatch } from '@hexbus/testkit';
import { expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { WsCarrier } from '../src/ws-carrier.ts';
import { Guest } from './support/host.ts';

/** A socket whose writes are done when the test says so, one by one. */
class SlowSocket extends Duplex {
  readonly pending: (() => void)[] = [];
  /** How much was in each write. */
  readonly sizes: number[] = [];

  override _read(): void {}

  override _write(chunk: Buffer, _: unknown, done: () => void): void {
    this.sizes.push(chunk.length);
    this.pending.push(done);
  }

  override _writev(chunks: readonly { readonly chunk: Buffer }[], done: () => void): void {
    this.sizes.push(chunks.reduce((sum, { chunk }) => sum + chunk.length, 0));
    this.pending.push(done);
  }

  finishOne(): void {
    this.pending.shift()?.();
  }
}

async function slowCarrier() {
  const socket = new SlowSocket();
  const headers = {
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
  };
  const { ws } = await new Promise<{ ws: import('ws').WebSocket }>((resolve) => {
    const server = new WebSocketServer({ noServer: true });
    const request = { method: 'GET', headers } as import('node:http').IncomingMessage;
    server.handleUpgrade(request, socket, Buffer.alloc(0), (opened) => resolve({ ws: opened }));
  });
  socket.finishOne(); // the answer to the handshake
  socket.sizes.length = 0;
  const handshake = { transport: 'ws', url: '/', headers: {}, address: '', protocols: [] };
  const carrier = new WsCarrier(ws, socket, handshake, 'lab.v1');
  let guest: Guest | undefined;
  carrier.start((started) => {
    guest = new Guest(started);
    return guest;
  });

  const finishOne = async (): Promise<void> => {
    socket.finishOne();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { ws, socket, carrier, guest: guest as Guest | undefined, finishOne };
}

it('drained waits for what was sent, and not for a pong of ws behind it', async () => {
  const { ws, carrier, guest, finishOne } = await slowCarrier();
  expect(carrier.send(createFrameBatch())).toBe('sent');
  expect(carrier.send(createFrameBatch('one'))).toBe('queued');
  expect(carrier.send(createFrameBatch('two'))).toBe('queued');
  await finishOne();
  expect(guest?.drains).toBe(0);
  ws.pong('late');
  await finishOne();
  expect(carrier.bufferedBytes).toBeGreaterThan(0);
  expect(guest?.drains).toBe(1);
  carrier.terminate();
  expect(await guest?.ended).toBe(1006);
});

it('what fits into a slice is one write, also of many batches; more is handed on when the write before is done', async () => {
  const { socket, carrier, guest, finishOne } = await slowCarrier();
  const large = createFrameBatch('a'.repeat(200_000));
  carrier.send(large);
  expect(socket.sizes).toEqual([65_536]);
  const before = carrier.bufferedBytes;
  expect(before).toBeGreaterThan(200_000);
  await finishOne();
  expect(carrier.bufferedBytes).toBe(before - 65_536);
  for (let count = 0; count < 4; count++) await finishOne();
  expect([carrier.bufferedBytes, guest?.drains]).toEqual([0, 1]);
  socket.sizes.length = 0;
  carrier.send(createFrameBatch('first'));
  for (let count = 0; count < 10; count++) carrier.send(createFrameBatch('x'.repeat(1_000)));
  await finishOne();
  expect(socket.sizes).toEqual([7, 10_040]);
  carrier.terminate();
  expect(await guest?.ended).toBe(1006);
});

it('a close waits behind what was sent; nothing is sent behind a close that ws answers', async () => {
  const { ws, socket, carrier, guest, finishOne } = await slowCarrier();
  carrier.send(createFrameBatch('a'.repeat(100_000)));
  carrier.close(4321, 'done');
  expect(carrier.send(createFrameBatch('late'))).toBe('closed');
  for (let count = 0; count < 2; count++) {
    expect(ws.readyState).toBe(ws.OPEN);
    await finishOne();
  }
  expect(ws.readyState).toBe(ws.CLOSING);
  expect(socket.sizes).toHaveLength(3);
  carrier.terminate();
  expect(await guest?.ended).toBe(4321);
});
