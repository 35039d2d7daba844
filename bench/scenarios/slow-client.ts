import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { bundled } from '../footprint/bundle.ts';
import type { Scenario } from '../harness.ts';
import { inScratchFolder } from '../scratch-files.ts';

const mebibyte = 2 ** 20;

/** How many messages of 16 kB are published before the client stops reading, and after it. */
const warmUp = 4000;
const many = 20_000;

async function told<Told>(server: ChildProcess): Promise<Told> {
  const [answer] = (await once(server, 'message')) as [Told];
  return answer;
}

/** A client that follows everything and throws it away. Resolves when it has been let in. */
async function follow(port: number): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/hexbus`, 'hexbus.v1.json');
  await once(socket, 'open');
  socket.send('[1,{"v":1,"subs":[[1,"big"]]}]');
  await once(socket, 'message');
  return socket;
}

/** The most memory of a server in a process of its own, whose one client reads, and whose other client, if there is one, stops. */
function mostMemory(messages: { readonly warmUp: number; readonly many: number }, withSlow: boolean): Promise<number> {
  return inScratchFolder(async (folder) => {
    const file = await bundled(folder, `import './slow-client.ts';`);
    const server = fork(file, [join(folder, 'hexbus.db')], { execArgv: ['--expose-gc'] });
    const sockets: WebSocket[] = [];
    try {
      const { port } = await told<{ readonly port: number }>(server);
      sockets.push(await follow(port));
      server.send(messages.warmUp);
      await told(server);
      if (withSlow) {
        const slow = await follow(port);
        slow.pause();
        sockets.push(slow);
      }
      server.send(messages.many);
      const { mostBytes } = await told<{ readonly mostBytes: number }>(server);
      return mostBytes / mebibyte;
    } finally {
      for (const socket of sockets) socket.terminate();
      server.kill();
    }
  });
}

const contestant = 'hexbus';
const variant = '320 MB past it';

export const slowClient: Scenario = {
  name: 'slow-client',
  group: 'gateway',
  title: 'memory that a client costs which stops reading',
  unit: 'MiB resident',
  about:
    'A server with SQLite history publishes 20,000 messages of 16 kB to a client that reads, and to another one that has stopped to read. The most resident memory of its process, after a ' +
    'collection each 1,000 messages, against that of the same server without the other client; the two run one after the other.',
  variants: [variant],
  measures: ['MiB without it', 'MiB with it'],
  contestants: {
    [contestant]: async (_, { quick }) => {
      const messages = quick ? { warmUp: 1000, many: 1000 } : { warmUp, many };
      const without = await mostMemory(messages, false);
      const withIt = await mostMemory(messages, true);
      return { '': withIt - without, 'MiB without it': without, 'MiB with it': withIt };
    },
  },
  goals: [{ contestant, variant, atMost: 16, note: 'issue' }],
  rounds: 5,
};
