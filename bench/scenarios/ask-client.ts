import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { Contestant, Scenario } from '../harness.ts';
import { Clients } from '../wire/clients.ts';
import { startCpu } from '../wire/cpu.ts';
import type { DialectName } from '../wire/dialects.ts';
import { openHexbus } from '../wire/hexbus-server.ts';
import { openSocketCluster } from '../wire/socketcluster.ts';

/** A server that asks its one client. */
interface Asker {
  readonly dialect: DialectName;
  readonly port: number;
  /** Sends a question, and resolves with the body of the answer. */
  ask(body: unknown): Promise<unknown>;
  close(): unknown;
}

const alone = '1 in flight';
const many = '64 in flight';
const timeoutMs = 10_000;
const question = { question: 'What is asked here is as long as what a program asks another one, with a field or two.' };

function asking(open: (connected: () => void) => Promise<Asker>): Contestant {
  return async (variant, { quick }) => {
    const lanes = variant === many ? 64 : 1;
    const times = quick ? 64 : variant === many ? 100_000 : 20_000;
    let connected = (): void => undefined;
    const isConnected = new Promise<void>((resolve) => {
      connected = resolve;
    });
    const { dialect, port, ask, close } = await open(connected);
    return await Clients.with(dialect, async (clients) => {
      await clients.do({ do: 'connect', port, count: 1, together: 1, messages: 0 });
      await clients.do({ do: 'answer' });
      await isConnected;
      const run = async (count: number, took?: number[]): Promise<void> => {
        let left = count;
        const lane = async (): Promise<void> => {
          while (left-- > 0) {
            const start = performance.now();
            const body = await ask(question);
            if ((body as typeof question).question !== question.question) throw new Error(`answer ${body}`);
            took?.push(performance.now() - start);
          }
        };
        await Promise.all(Array.from({ length: lanes }, lane));
      };
      await run(times / 2);
      const took: number[] = [];
      const cpu = startCpu();
      const start = performance.now();
      await run(times, took);
      const micros = cpu();
      const wall = (performance.now() - start) * 1000;
      took.sort((a, b) => a - b);
      const quantile = (part: number): number => took[Math.floor(took.length * part)] as number;
      return { '': micros / times, 'us of time': wall / times, 'p50 ms': quantile(0.5), 'p99 ms': quantile(0.99) };
    }).finally(close);
  };
}

const floor = 'TCP lines, pending map (floor)';
const socketIo = 'socket.io timeout().emitWithAck';
const hexbus = 'hexbus gateway.request';

export const askClient: Scenario = {
  name: 'ask-client',
  group: 'gateway',
  title: 'the server asks a client',
  unit: 'us of CPU per request',
  about:
    'A question of 100 bytes as JSON to one client, 1 or 64 at once; the client, a raw TCP socket in another process, parses it and answers what it was asked. CPU is user and system time of ' +
    'the server. The floor has no timeouts, and socketcluster has one timer for each, as ws has here.',
  variants: [alone, many],
  measures: ['us of time', 'p50 ms', 'p99 ms'],
  contestants: {
    [floor]: asking(async (connected) => {
      const pending = new Map<number, (body: unknown) => void>();
      let client: Socket | undefined;
      let rest = '';
      let id = 0;
      const server = createServer({ noDelay: true }, (socket) => {
        client = socket;
        connected();
        socket.on('data', (chunk) => {
          const lines = (rest + chunk.toString()).split('\n');
          rest = lines.pop() as string;
          for (const line of lines) {
            const [answered, body] = JSON.parse(line) as [number, unknown];
            pending.get(answered)?.(body);
            pending.delete(answered);
          }
        });
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const ask = (body: unknown): Promise<unknown> =>
        new Promise((resolve) => {
          pending.set(++id, resolve);
          client?.write(`${JSON.stringify([id, body])}\n`);
        });
      return { dialect: 'lines', port: (server.address() as AddressInfo).port, ask, close: () => server.close() };
    }),
    'ws, map, setTimeout': asking(async (connected) => {
      const { WebSocketServer } = await import('ws');
      const pending = new Map<number, { resolve(body: unknown): void; readonly timer: NodeJS.Timeout }>();
      let id = 0;
      const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
      await once(server, 'listening');
      server.on('connection', (ws) => {
        ws.once('message', () => {
          ws.send('welcome');
          ws.on('message', (data: Buffer) => {
            const [answered, body] = JSON.parse(data.toString()) as [number, unknown];
            const request = pending.get(answered);
            if (request === undefined) return;
            pending.delete(answered);
            clearTimeout(request.timer);
            request.resolve(body);
          });
          connected();
        });
      });
      const ask = (body: unknown): Promise<unknown> =>
        new Promise((resolve, reject) => {
          const own = ++id;
          const timer = setTimeout(() => {
            pending.delete(own);
            reject(new Error('timeout'));
          }, timeoutMs);
          pending.set(own, { resolve, timer });
          for (const ws of server.clients) ws.send(JSON.stringify([own, body]));
        });
      return { dialect: 'plain', port: (server.address() as AddressInfo).port, ask, close: () => server.close() };
    }),
    [socketIo]: asking(async (connected) => {
      const { createServer: createHttpServer } = await import('node:http');
      const { Server } = await import('socket.io');
      const server = createHttpServer();
      const io = new Server(server, { transports: ['websocket'], pingInterval: 3_600_000 });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      let ask = (_: unknown): Promise<unknown> => Promise.reject(new Error('nobody is there'));
      io.on('connection', (socket) => {
        ask = (body) => socket.timeout(timeoutMs).emitWithAck('ask', body);
        connected();
      });
      const { port } = server.address() as AddressInfo;
      return { dialect: 'socket.io', port, ask: (body) => ask(body), close: () => io.close() };
    }),
    'socketcluster invoke': asking(async (connected) => {
      const { cluster, port, close } = await openSocketCluster();
      let ask = (_: unknown): Promise<unknown> => Promise.reject(new Error('nobody is there'));
      void (async () => {
        for await (const { socket } of cluster.listener('connection')) {
          ask = (body) => socket.invoke('ask', body);
          connected();
        }
      })();
      return { dialect: 'socketcluster', port, ask: (body) => ask(body), close };
    }),
    [hexbus]: asking(async (connected) => {
      const { gateway, port, close } = await openHexbus();
      let connection = '';
      gateway.observe('connected', (reference) => {
        connection = reference.connection;
        connected();
      });
      const ask = async (body: unknown): Promise<unknown> => {
        const outcome = await gateway.request({ connection }, 'ask', body, { timeoutMs });
        return outcome.status === 'success' ? outcome.body : outcome;
      };
      return { dialect: 'hexbus', port, ask, close };
    }),
  },
  goals: [
    { contestant: hexbus, variant: many, against: { contestant: floor }, atMost: 1.2 },
    { contestant: hexbus, variant: many, against: { contestant: socketIo }, atMost: 0.68 },
    { contestant: hexbus, variant: `${many}, us of time`, against: { contestant: socketIo }, atMost: 1 / 1.45 },
    { contestant: hexbus, variant: `${alone}, p50 ms`, against: { contestant: floor }, atMost: 1.1 },
  ],
  rounds: 5,
};
