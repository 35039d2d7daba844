import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { bodyOf } from '../bodies.ts';
import type { Scenario } from '../harness.ts';
import { serverFrame } from '../wire/frames.ts';
import { openHandServer } from '../wire/hand-server.ts';
import { hundred, memoryReturns, nothing, returning, sqliteReturns, until } from '../wire/returning.ts';

const floor = 'TCP, handshake, one slab (floor)';
const socketIo = 'socket.io, state recovery';
const memory = 'hexbus, history in memory';
const sqlite = 'hexbus, SQLite';
const restarted = 'hexbus, SQLite, just restarted';

/** What a client gets that comes back: made once. */
function slabOf(missed: number): Buffer {
  const frames = [serverFrame('welcome')];
  for (let index = 1; index <= missed; index++) frames.push(serverFrame(JSON.stringify(bodyOf(index))));
  return Buffer.concat(frames);
}

export const resume: Scenario = {
  name: 'resume',
  group: 'gateway',
  title: '1,000 clients come back',
  unit: 'ms of CPU',
  about:
    'All clients come and get one message; all go; none or 100 messages of 256 bytes are sent; then, measured, all come back, 100 connecting at once, and get what they have missed. CPU is user ' +
    'and system time of the server. The clients are raw TCP sockets with one parser for all, in one other process. The slab is made beforehand, and the same for all.',
  variants: [nothing, hundred],
  measures: ['ms of time'],
  contestants: {
    [floor]: returning(async (missed) => {
      const slab = slabOf(missed);
      const first = slabOf(0);
      const news = serverFrame(JSON.stringify(bodyOf(0)));
      const sockets = new Set<import('node:net').Socket>();
      let before = true;
      const { server, port } = await openHandServer((socket) => {
        sockets.add(socket);
        socket.once('data', () => socket.write(before ? first : slab));
        socket.on('close', () => sockets.delete(socket));
      });
      return {
        dialect: 'plain',
        port,
        send: () => {
          for (const socket of sockets) socket.write(news);
        },
        async emptied() {
          await until(() => sockets.size === 0);
          before = false;
        },
        close: () => server.close(),
      };
    }),
    'ws, one slab past it': returning(async (missed) => {
      const { WebSocketServer } = await import('ws');
      const slab = slabOf(missed);
      const first = slabOf(0);
      let before = true;
      const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
      await once(server, 'listening');
      server.on('connection', (ws, { socket }) => ws.once('message', () => socket.write(before ? first : slab)));
      return {
        dialect: 'plain',
        port: (server.address() as AddressInfo).port,
        send: (index) => {
          for (const ws of server.clients) ws.send(JSON.stringify(bodyOf(index)));
        },
        async emptied() {
          await until(() => server.clients.size === 0);
          before = false;
        },
        close: () => server.close(),
      };
    }),
    [socketIo]: returning(async () => {
      const { createServer } = await import('node:http');
      const { Server } = await import('socket.io');
      const server = createServer();
      const io = new Server(server, {
        transports: ['websocket'],
        pingInterval: 3_600_000,
        connectionStateRecovery: { maxDisconnectionDuration: 3_600_000 },
      });
      let resumed = 0;
      io.on('connection', (socket) => {
        if (socket.recovered) resumed++;
        else void socket.join('news');
      });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      return {
        dialect: 'socket.io',
        port: (server.address() as AddressInfo).port,
        send: (index) => io.to('news').emit('news', bodyOf(index)),
        emptied: () => until(() => io.engine.clientsCount === 0),
        resumed: () => resumed,
        close: () => io.close(),
      };
    }),
    [memory]: memoryReturns('ws'),
    [sqlite]: sqliteReturns('ws', false),
    [restarted]: sqliteReturns('ws', true),
  },
  goals: [memory, sqlite, restarted].flatMap((contestant) => [
    { contestant, variant: hundred, against: { contestant: floor }, atMost: 1.35 },
    { contestant, variant: hundred, against: { contestant: socketIo }, atMost: 1 / 8.5 },
    { contestant, variant: `${hundred}, ms of time`, against: { contestant: socketIo }, atMost: 1 / 6 },
    ...(contestant === memory ? [] : [{ contestant, variant: hundred, against: { contestant: memory }, atMost: 1.05 }]),
  ]),
  rounds: 5,
};
