import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { createMemoryHistory } from '@hexbus/store-memory';
import { bodyOf } from '../bodies.ts';
import type { Contestant, Scenario } from '../harness.ts';
import { openHexbus } from '../wire/hexbus-server.ts';
import { one, type Sender, sending, sendingScenario, ten } from '../wire/sending.ts';
import { eventOf, greeting, openFastify, openHandStreams, openHttp, streamHead } from '../wire/sse-servers.ts';

const floor = 'prebuilt chunk, net.Socket, one write a turn (floor)';
const betterSse = 'better-sse channel';
const fastifySse = '@fastify/sse';
const live = 'hexbus emit';
const retained = 'hexbus publish, retained in memory';
const chunk = Buffer.from(eventOf(bodyOf(0)));

/** Calls `flush` at the end of the turn in which something was added, with how much. */
function oncePerTurn(flush: (count: number) => void): () => void {
  let added = 0;
  return () => {
    added++;
    if (added > 1) return;
    setImmediate(() => {
      const count = added;
      added = 0;
      flush(count);
    });
  };
}

async function overHttp(chunked: boolean): Promise<Sender> {
  const responses: ServerResponse[] = [];
  const { port, close } = await openHttp((_, response) => {
    if (!chunked) response.removeHeader('transfer-encoding');
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.write(greeting);
    responses.push(response);
  });
  const send = (index: number): void => {
    const event = Buffer.from(eventOf(bodyOf(index)));
    for (const response of responses) response.write(event);
  };
  return { dialect: 'events', port, send, close };
}

function contestants(connections: number): Readonly<Record<string, Contestant>> {
  const of = (open: () => Promise<Sender>): Contestant => sending(connections, open);
  return {
    [floor]: of(async () => {
      const sockets: Socket[] = [];
      const { port, close } = await openHandStreams((socket) => {
        socket.write(streamHead + greeting);
        sockets.push(socket);
      });
      const send = oncePerTurn((count) => {
        const chunks = count === 1 ? chunk : Buffer.concat(Array.from({ length: count }, () => chunk));
        for (const socket of sockets) socket.write(chunks);
      });
      return { dialect: 'events', port, send, close };
    }),
    'res.write, one Buffer': of(() => overHttp(true)),
    'res.write, one Buffer, no chunks': of(() => overHttp(false)),
    [betterSse]: of(async () => {
      const { createChannel, createSession } = await import('better-sse');
      const channel = createChannel();
      const { port, close } = await openHttp((request, response) => {
        void createSession(request, response, { keepAlive: null }).then((session) => {
          session.push('welcome');
          channel.register(session);
        });
      });
      return { dialect: 'events', port, send: (index) => channel.broadcast(bodyOf(index)), close };
    }),
    [fastifySse]: of(async () => {
      const streams = new Set<{ send(source: { data: unknown }): Promise<void> }>();
      const { port, close } = await openFastify(async ({ sse }) => {
        await sse.send({ data: 'welcome' });
        streams.add(sse);
      });
      const send = (index: number): void => {
        for (const stream of streams) void stream.send({ data: bodyOf(index) });
      };
      return { dialect: 'events', port, send, close };
    }),
    [live]: of(async () => {
      const { bus, port, close } = await openHexbus(undefined, 'sse');
      return { dialect: 'hexbus events', port, send: (index) => bus.emit('news', bodyOf(index)), close };
    }),
    [retained]: of(async () => {
      const { bus, port, close } = await openHexbus(createMemoryHistory(), 'sse');
      return { dialect: 'hexbus events', port, send: (index) => bus.publish('news', bodyOf(index)), close };
    }),
  };
}

function sseFanOut(connections: number, ofPeers: number): Scenario {
  const shown = connections.toLocaleString('en-US');
  return {
    name: `sse-fan-out-${connections}`,
    group: 'sse',
    title: `SSE fan-out to ${shown} streams`,
    ...sendingScenario,
    contestants: contestants(connections),
    goals: [live, retained].flatMap((contestant) => [
      { contestant, variant: one, against: { contestant: floor }, atMost: 1.1 },
      ...[betterSse, fastifySse].flatMap((peer) => [
        { contestant, variant: one, against: { contestant: peer }, atMost: ofPeers },
        { contestant, variant: ten, against: { contestant: peer }, atMost: 1 / 5 },
      ]),
    ]),
  };
}

export const sseFanOut100: Scenario = sseFanOut(100, 0.7);
export const sseFanOut1000: Scenario = sseFanOut(1000, 0.6);
