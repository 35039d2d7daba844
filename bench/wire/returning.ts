import { join } from 'node:path';
import type { HistoryStore } from '@hexbus/core';
import { createMemoryHistory } from '@hexbus/store-memory';
import { createSqliteHistory } from '@hexbus/store-sqlite';
import { bodyOf } from '../bodies.ts';
import type { Contestant } from '../harness.ts';
import { inScratchFolder } from '../scratch-files.ts';
import { Clients } from './clients.ts';
import { startCpu } from './cpu.ts';
import type { DialectName } from './dialects.ts';
import { openHexbus, type ServerKind } from './hexbus-server.ts';

/** A server whose clients come back. */
export interface Returns {
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

export const nothing = 'nothing missed';
export const hundred = '100 missed each';

/** All clients come, get one message, and go; then messages are sent; then, measured, all come back, and get what they have missed. */
export function returning(open: (missed: number) => Promise<Returns>): Contestant {
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

async function openHexbusReturns(
  kind: ServerKind,
  makeHistory: () => HistoryStore,
  restarts: boolean,
): Promise<Returns> {
  let server = await openHexbus(makeHistory(), kind);
  let resumed = 0;
  // An EventSource without a ticket brings its place, and no session.
  const event = kind === 'ws' ? 'resumed' : 'connected';
  const noteResumed = (): unknown => server.gateway.observe(event, () => resumed++);
  noteResumed();
  return {
    dialect: kind === 'ws' ? 'hexbus' : 'hexbus events',
    port: server.port,
    send: (index) => server.bus.publish('news', bodyOf(index)),
    async emptied() {
      await until(() => server.gateway.connections.count === 0);
      resumed = 0;
    },
    ...(restarts && {
      async restart() {
        await server.close();
        server = await openHexbus(makeHistory(), kind);
        noteResumed();
        return server.port;
      },
    }),
    resumed: () => resumed,
    close: () => server.close(),
  };
}

/** hexbus with its history in memory. */
export function memoryReturns(kind: ServerKind): Contestant {
  return returning(() => openHexbusReturns(kind, createMemoryHistory, false));
}

/** hexbus with its history in SQLite; `restarts`: the clients come back to a server that has just been started anew. */
export function sqliteReturns(kind: ServerKind, restarts: boolean): Contestant {
  return (variant, effort) =>
    inScratchFolder(async (folder) => {
      const makeHistory = (): HistoryStore => createSqliteHistory({ file: join(folder, 'hexbus.db') });
      return await returning(() => openHexbusReturns(kind, makeHistory, restarts))(variant, effort);
    });
}

export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
}
