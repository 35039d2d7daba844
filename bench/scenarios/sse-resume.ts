import type { Socket } from 'node:net';
import { bodyOf } from '../bodies.ts';
import type { Scenario } from '../harness.ts';
import { hundred, memoryReturns, nothing, type Returns, returning, sqliteReturns, until } from '../wire/returning.ts';
import { eventOf, greeting, openFastify, openHandStreams, openHttp, streamHead } from '../wire/sse-servers.ts';

const floor = 'TCP, head, one slab (floor)';
const betterSse = 'better-sse, array of events';
const fastifySse = '@fastify/sse, replay of an array';
const memory = 'hexbus, history in memory';
const sqlite = 'hexbus, SQLite';
const restarted = 'hexbus, SQLite, just restarted';

interface Kept {
  readonly id: string;
  readonly data: unknown;
}

/** What a program keeps by itself whose library keeps nothing. */
class Events {
  readonly #events: Kept[] = [];

  add(index: number): Kept {
    const event = { id: String(index + 1), data: bodyOf(index) };
    this.#events.push(event);
    return event;
  }

  after(id: string): readonly Kept[] {
    return this.#events.slice(this.#events.findIndex((event) => event.id === id) + 1);
  }
}

async function openBetterSse(): Promise<Returns> {
  const { createChannel, createSession } = await import('better-sse');
  const channel = createChannel();
  const events = new Events();
  const { port, close } = await openHttp((request, response) => {
    void createSession(request, response, { keepAlive: null }).then(async (session) => {
      const { lastId } = session;
      session.push('welcome');
      if (lastId !== '') {
        await session.batch((buffer) => {
          for (const { id, data } of events.after(lastId)) buffer.push(data, 'message', id);
        });
      }
      channel.register(session);
    });
  });
  return {
    dialect: 'events',
    port,
    send(index) {
      const { id, data } = events.add(index);
      channel.broadcast(data, 'message', { eventId: id });
    },
    emptied: () => until(() => channel.sessionCount === 0),
    close,
  };
}

async function openFastifySse(): Promise<Returns> {
  const events = new Events();
  const streams = new Set<{ send(source: Kept): Promise<void> }>();
  const { port, close } = await openFastify(async ({ sse }) => {
    await sse.send({ data: 'welcome' });
    await sse.replay(async (lastEventId) => {
      for (const event of events.after(lastEventId)) await sse.send(event);
    });
    streams.add(sse);
    sse.onClose(() => streams.delete(sse));
  });
  return {
    dialect: 'events',
    port,
    send(index) {
      const event = events.add(index);
      for (const stream of streams) void stream.send(event);
    },
    emptied: () => until(() => streams.size === 0),
    close,
  };
}

async function openFloor(missed: number): Promise<Returns> {
  const sockets = new Set<Socket>();
  const events = Array.from({ length: missed }, (_, index) => eventOf(bodyOf(index + 1), index + 2));
  const slab = Buffer.from([streamHead, greeting, ...events].join(''));
  const first = streamHead + greeting;
  let before = true;
  const { port, close } = await openHandStreams((socket) => {
    sockets.add(socket);
    socket.write(before ? first : slab);
    socket.on('close', () => sockets.delete(socket));
  });
  return {
    dialect: 'events',
    port,
    send(index) {
      const event = eventOf(bodyOf(index), index + 1);
      for (const socket of sockets) socket.write(event);
    },
    async emptied() {
      await until(() => sockets.size === 0);
      before = false;
    },
    close,
  };
}

export const sseResume: Scenario = {
  name: 'sse-resume',
  group: 'sse',
  title: '1,000 streams come back',
  unit: 'ms of CPU',
  about:
    'All clients come and get one message; all go; none or 100 messages of 256 bytes are sent; then, measured, all come back, 100 connecting at once, with the id of the last event, and get what ' +
    'they have missed. CPU is user and system time of the server. The clients are raw TCP sockets with one parser for all, in one other process. The slab is made beforehand, and the same for all; ' +
    'the peers keep nothing by themselves, so the program has an array for them.',
  variants: [nothing, hundred],
  measures: ['ms of time'],
  contestants: {
    [floor]: returning(openFloor),
    [betterSse]: returning(openBetterSse),
    [fastifySse]: returning(openFastifySse),
    [memory]: memoryReturns('sse'),
    [sqlite]: sqliteReturns('sse', false),
    [restarted]: sqliteReturns('sse', true),
  },
  goals: [memory, sqlite, restarted].flatMap((contestant) => [
    { contestant, variant: hundred, against: { contestant: floor }, atMost: 1.35 },
    ...[betterSse, fastifySse].map((peer) => ({
      contestant,
      variant: hundred,
      against: { contestant: peer },
      atMost: 0.6,
    })),
  ]),
  rounds: 5,
};
