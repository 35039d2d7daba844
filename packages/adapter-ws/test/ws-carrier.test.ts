import { Duplex } from 'node:stream';
import { createFrameBatch } from '@hexbus/testkit';
import { expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { WsCarrier } from '../src/ws-carrier.ts';
import { Guest } from './support/host.ts';

/** A socket whose writes are done when the test says so, one by one. */
class SlowSocket extends Duplex {
  readonly pending: (() => void)[] = [];

  override _read(): void {}

  override _write(_: unknown, __: unknown, done: () => void): void {
    this.pending.push(done);
  }

  finishOne(): void {
    this.pending.shift()?.();
  }
}

it('drained waits for what was sent, and not for a pong of ws behind it', async () => {
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
  const handshake = { transport: 'ws', url: '/', headers: {}, address: '', protocols: [] };
  const carrier = new WsCarrier(ws, socket, handshake, 'lab.v1');
  let guest: Guest | undefined;
  carrier.start((started) => {
    guest = new Guest(started);
    return guest;
  });

  expect(carrier.send(createFrameBatch())).toBe('sent');
  expect(carrier.send(createFrameBatch('one'))).toBe('queued');
  expect(carrier.send(createFrameBatch('two'))).toBe('queued');
  ws.pong('late');
  socket.finishOne();
  await new Promise((resolve) => setImmediate(resolve));
  expect(guest?.drains).toBe(0);
  socket.finishOne();
  await new Promise((resolve) => setImmediate(resolve));
  expect(carrier.bufferedBytes).toBeGreaterThan(0);
  expect(guest?.drains).toBe(1);
  carrier.terminate();
  expect(await guest?.ended).toBe(1006);
});
