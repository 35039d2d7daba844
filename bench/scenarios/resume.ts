import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { HistoryStore } from '@hexbus/core';
import { createMemoryHistory } from '@hexbus/store-memory';
import { createSqliteHistory } from '@hexbus/store-sqlite';
import { bodyOf } from '../bodies.ts';
import type { Contestant, Scenario } from '../harness.ts';
import { inScratchFolder } from '../scratch-files.ts';
import { Clients } from '../wire/clients.ts';
import { startCpu } from '../wire/cpu.ts';
import type { DialectName } from '../wire/dialects.ts';
import { serverFrame } from '../wire/frames.ts';
import { openHandServer } from '../wire/hand-server.ts';
import { openHexbus } from '../wire/hexbus-server.ts';

/** A server whose clients come back. */
interface Returns {
  readonly dialect: DialectName;
  readonly port: number;
  /** Sends a message to all who are there; whoever is not there gets it when coming back. */
  send(index: number): unknown;
  /** Resolves when no client is there. */
  emptied(): Promise<void>;
  /** Starts anew; then the port is another one. */
  restart?(): Promise<number>;
  /** How many came back as the ones they were, if it knows. */
  resumed?(): number;
  close(): unknown;
}

const nothing = 'nothing missed';
const hundred = '100 missed each';

/** All clients come, get one message, and go; then messages are sent; then, measured, all come back, and get what they have missed. */
function returning(open: (missed: number) => Promise<Returns>): Contestant {
  return async (variant, { quick }) => {
    const count = quick ? 5 : 1000;
    const missed = variant === hundred ? 100 : 0;
    const server = await open(missed);
    return await Clients.with(server.dialect, async (clients) => {
      let { port } = server;
      await clients.do({ do: 'connect', port, count, together: 100, messages: 0 });
      await clients.do({ do: 'keep', keeps: true });
      await clients.do({ do: 'rounds', messages: 1, counts: false });
      await Promise.all([clients.round(), server.send(0)]);
      await clients.do({ do: 'disconnect' });
      await server.emptied();
      for (let index = 1; index <= missed; index++) await server.send(index);
      port = (await server.restart?.()) ?? port;
      const cpu = startCpu();
      const start = performance.now();
      await clients.do({ do: 'connect', port, count, together: 100, messages: missed });
      const micros = cpu();
      const wall = performance.now() - start;
      const resumed = server.resumed?.();
      if (resumed !== undefined && resumed !== count) throw new Error(`${resumed} of ${count} resumed`);
      return { '': micros / 1000, 'ms of time': wall };
    }).finally(() => server.close());
  };
}

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

async function openHexbusReturns(makeHistory: () => HistoryStore, restarts = false): Promise<Returns> {
  let server = await openHexbus(makeHistory());
  let resumed = 0;
  const noteResumed = (): unknown => server.gateway.observe('resumed', () => resumed++);
  noteResumed();
  return {
    dialect: 'hexbus',
    port: server.port,
    send: (index) => server.bus.publish('news', bodyOf(index)),
    async emptied() {
      await until(() => server.gateway.connections.count === 0);
    },
    ...(restarts && {
      async restart() {
        await server.close();
        server = await openHexbus(makeHistory());
        noteResumed();
        return server.port;
      },
    }),
    resumed: () => resumed,
    close: () => server.close(),
  };
}

function sqliteReturns(restarts: boolean): Contestant {
  return (variant, effort) =>
    inScratchFolder(async (folder) => {
      const makeHistory = (): HistoryStore => createSqliteHistory({ file: join(folder, 'hexbus.db') });
      return await returning(() => openHexbusReturns(makeHistory, restarts))(variant, effort);
    });
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
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
    [memory]: returning(() => openHexbusReturns(createMemoryHistory)),
    [sqlite]: sqliteReturns(false),
    [restarted]: sqliteReturns(true),
  },
  goals: [memory, sqlite, restarted].flatMap((contestant) => [
    { contestant, variant: hundred, against: { contestant: floor }, atMost: 1.35 },
    { contestant, variant: hundred, against: { contestant: socketIo }, atMost: 1 / 8.5 },
    { contestant, variant: `${hundred}, ms of time`, against: { contestant: socketIo }, atMost: 1 / 6 },
    ...(contestant === memory ? [] : [{ contestant, variant: hundred, against: { contestant: memory }, atMost: 1.05 }]),
  ]),
  rounds: 5,
};
