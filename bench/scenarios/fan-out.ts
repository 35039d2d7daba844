import type { AddressInfo, Socket } from 'node:net';
import { createMemoryHistory } from '@hexbus/store-memory';
import { bodyOf } from '../bodies.ts';
import type { Contestant, Scenario } from '../harness.ts';
import { serverFrame } from '../wire/frames.ts';
import { openHandServer } from '../wire/hand-server.ts';
import { openHexbus } from '../wire/hexbus-server.ts';
import { one, type Sender, sending, sendingScenario, ten } from '../wire/sending.ts';
import { openSocketCluster } from '../wire/socketcluster.ts';

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
    ...sendingScenario,
    contestants: contestants(connections),
    goals: [live, retained].flatMap((contestant) => [
      { contestant, variant: one, against: { contestant: floor }, atMost: 1.1 },
      { contestant, variant: one, against: { contestant: socketIo }, atMost: ofSocketIo },
      { contestant, variant: ten, against: { contestant: floor, variant: one }, atMost: 0.2 },
      { contestant, variant: ten, against: { contestant: socketIo }, atMost: 1 / 7 },
    ]),
  };
}

export const fanOut100: Scenario = fanOut(100, 0.8);
export const fanOut1000: Scenario = fanOut(1000, 0.6);
