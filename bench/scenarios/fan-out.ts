import type { AddressInfo, Socket } from 'node:net';
import { createMemoryHistory } from '@hexbus/store-memory';
import { bodyOf } from '../bodies.ts';
import type { Contestant, Scenario } from '../harness.ts';
import { Clients, type Latencies } from '../wire/clients.ts';
import { sharedNow, startCpu } from '../wire/cpu.ts';
import type { DialectName } from '../wire/dialects.ts';
import { serverFrame } from '../wire/frames.ts';
import { openHandServer } from '../wire/hand-server.ts';
import { openHexbus } from '../wire/hexbus-server.ts';
import { openSocketCluster } from '../wire/socketcluster.ts';

/** A server whose clients are all sent the same. */
interface Sender {
  readonly dialect: DialectName;
  readonly port: number;
  /** Sends message `index` to all. */
  send(index: number): unknown;
  close(): unknown;
}

const one = '1 a turn';
const ten = '10 a turn';

/** Rounds in which all connections get the messages of one turn; the next begins when all have got them. */
function sending(connections: number, open: () => Promise<Sender>): Contestant {
  return async (variant, { quick }) => {
    const together = variant === ten ? 10 : 1;
    const count = quick ? 5 : connections;
    const rounds = quick ? 2 : Math.ceil((variant === ten ? 600_000 : 200_000) / count / together);
    const { dialect, port, send, close } = await open();
    return await Clients.with(dialect, async (clients) => {
      await clients.do({ do: 'connect', port, count, together: 100, messages: 0 });
      let index = 0;
      const run = async (times: number): Promise<number[]> => {
        const starts: number[] = [];
        for (let round = 0; round < times; round++) {
          starts.push(sharedNow());
          for (let message = 0; message < together; message++) void send(index++);
          await clients.round();
        }
        return starts;
      };
      await clients.do({ do: 'rounds', messages: together, counts: false });
      await run(Math.ceil(rounds / 3));
      await clients.do({ do: 'rounds', messages: together, counts: true });
      const cpu = startCpu();
      const starts = await run(rounds);
      const micros = cpu();
      const { p50, p99, bytes } = (await clients.do({ do: 'latencies', starts })) as Latencies;
      return { '': micros / (count * rounds * together), 'p50 ms': p50, 'p99 ms': p99, bytes };
    }).finally(close);
  };
}

const floor = 'one constant frame, net.Socket (floor)';
const socketIo = 'socket.io room';
const live = 'hexbus emit';
const retained = 'hexbus publish, retained in memory';

function contestants(connections: number): Readonly<Record<string, Contestant>> {
  const of = (open: () => Promise<Sender>): Contestant => sending(connections, open);
  return {
    [floor]: of(async () => {
      const sockets: Socket[] = [];
      const { server, port } = await openHandServer((socket) => {
        socket.once('data', () => {
          socket.write(serverFrame('welcome'));
          sockets.push(socket);
        });
      });
      const frame = serverFrame(JSON.stringify(bodyOf(0)));
      const send = (): void => {
        for (const socket of sockets) socket.write(frame);
      };
      return { dialect: 'plain', port, send, close: () => server.close() };
    }),
    'ws, one Buffer': of(async () => {
      const { WebSocketServer } = await import('ws');
      const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
      server.on('connection', (ws) => ws.on('message', () => ws.send('welcome')));
      const send = (index: number): void => {
        const text = Buffer.from(JSON.stringify(bodyOf(index)));
        for (const ws of server.clients) ws.send(text, { binary: false });
      };
      await new Promise((resolve) => server.on('listening', resolve));
      return { dialect: 'plain', port: (server.address() as AddressInfo).port, send, close: () => server.close() };
    }),
    [socketIo]: of(async () => {
      const { createServer } = await import('node:http');
      const { Server } = await import('socket.io');
      const server = createServer();
      const io = new Server(server, { transports: ['websocket'], pingInterval: 3_600_000 });
      io.on('connection', (socket) => void socket.join('news'));
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const send = (index: number): unknown => io.to('news').emit('news', bodyOf(index));
      return { dialect: 'socket.io', port: (server.address() as AddressInfo).port, send, close: () => io.close() };
    }),
    'socketcluster channel': of(async () => {
      const { cluster, port, close } = await openSocketCluster();
      const send = (index: number): unknown => cluster.exchange.transmitPublish('news', bodyOf(index));
      return { dialect: 'socketcluster', port, send, close };
    }),
    [live]: of(async () => {
      const { bus, port, close } = await openHexbus();
      return { dialect: 'hexbus', port, send: (index) => bus.emit('news', bodyOf(index)), close };
    }),
    [retained]: of(async () => {
      const { bus, port, close } = await openHexbus(createMemoryHistory());
      return { dialect: 'hexbus', port, send: (index) => bus.publish('news', bodyOf(index)), close };
    }),
  };
}

function fanOut(connections: number, ofSocketIo: number): Scenario {
  const shown = connections.toLocaleString('en-US');
  return {
    name: `fan-out-${connections}`,
    group: 'gateway',
    title: `WebSocket fan-out to ${shown} connections`,
    unit: 'us of CPU per delivery',
    about:
      'Bodies of 256 bytes as JSON, to all. CPU is user and system time of the server; the clients are raw TCP sockets with one parser for all peers, in one other process. ' +
      'A round of 1 or 10 messages, sent in one turn, begins when all have got the one before. p50 and p99: ms from the beginning of the round. `bytes`: per message on the wire; hexbus ' +
      'adds cursor, topic, id and time.',
    variants: [one, ten],
    measures: ['p50 ms', 'p99 ms', 'bytes'],
    contestants: contestants(connections),
    goals: [live, retained].flatMap((contestant) => [
      { contestant, variant: one, against: { contestant: floor }, atMost: 1.1 },
      { contestant, variant: one, against: { contestant: socketIo }, atMost: ofSocketIo },
      { contestant, variant: ten, against: { contestant: floor, variant: one }, atMost: 0.2 },
      { contestant, variant: ten, against: { contestant: socketIo }, atMost: 1 / 7 },
    ]),
    rounds: 5,
  };
}

export const fanOut100: Scenario = fanOut(100, 0.8);
export const fanOut1000: Scenario = fanOut(1000, 0.6);
