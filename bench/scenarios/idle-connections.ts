import { fork } from 'node:child_process';
import { once } from 'node:events';
import { bundled } from '../footprint/bundle.ts';
import type { Told } from '../footprint/told.ts';
import type { Contestant, Scenario } from '../harness.ts';
import { inScratchFolder } from '../scratch-files.ts';
import { Clients } from '../wire/clients.ts';
import type { DialectName } from '../wire/dialects.ts';

/** A program of `footprint` in a process of its own, before and after its clients have come. */
function holding(program: string, dialect: DialectName): Contestant {
  return (_, { quick }) =>
    inScratchFolder(async (folder) => {
      const count = quick ? 5 : 1000;
      const file = await bundled(folder, `import './${program}.ts';`);
      const server = fork(file, { execArgv: ['--expose-gc'] });
      const next = async (): Promise<Required<Told>> => {
        const [told] = (await once(server, 'message')) as [Required<Told>];
        return told;
      };
      const ask = (): Promise<Required<Told>> => {
        server.send('report');
        return next();
      };
      try {
        const { port } = await next();
        const before = await ask();
        const after = await Clients.with(dialect, async (clients) => {
          await clients.do({ do: 'connect', port, count, together: 100, messages: 0 });
          return ask();
        });
        return {
          '': after.residentBytes / 2 ** 20,
          'KiB a connection': (after.residentBytes - before.residentBytes) / 1024 / count,
          'KiB of heap a connection': (after.heapBytes - before.heapBytes) / 1024 / count,
        };
      } finally {
        server.kill();
      }
    });
}

const variant = '1,000 idle subscribers';
const ws = 'ws';
const live = 'hexbus';
const retained = 'hexbus, retained in memory';

export const idleConnections: Scenario = {
  name: 'idle-connections',
  group: 'gateway',
  title: 'memory of idle connections',
  unit: 'MiB resident',
  about:
    'The whole process of a server to which 1,000 clients have come, after a collection; and what they have added, of resident memory and of the heap with what V8 knows outside of it. Servers ' +
    'are bundled as users get them, and load nothing else.',
  variants: [variant],
  measures: ['KiB a connection', 'KiB of heap a connection'],
  contestants: {
    'net.Socket (floor)': holding('raw-net', 'plain'),
    [ws]: holding('bare-ws', 'plain'),
    'socket.io': holding('socket-io', 'socket.io'),
    [live]: holding('hexbus', 'hexbus'),
    [retained]: holding('hexbus-retained', 'hexbus'),
  },
  goals: [live, retained].map((contestant) => ({ contestant, variant, against: { contestant: ws }, atMost: 1.1 })),
  rounds: 5,
};
