import { spawnSync } from 'node:child_process';
import { bundled } from '../footprint/bundle.ts';
import type { Contestant, Scenario } from '../harness.ts';
import { inScratchFolder } from '../scratch-files.ts';

const hexbusCore = `export { createBus } from '@hexbus/core';`;
const hexbusWs = `${hexbusCore} export { createGateway } from '@hexbus/core/gateway'; export { createWsTransport } from '@hexbus/adapter-ws';`;

/** Imports a bundle in a fresh process, which tells how long that took and what it added. */
function importing(source: string): Contestant {
  return () =>
    inScratchFolder(async (folder) => {
      const file = await bundled(folder, source);
      const program = `const before = process.memoryUsage.rss(); const start = performance.now(); await import(${JSON.stringify(file)});
        console.log(JSON.stringify({ '': performance.now() - start, 'MiB': (process.memoryUsage.rss() - before) / 2 ** 20 }))`;
      const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
        encoding: 'utf8',
      });
      if (stdout === '') throw new Error(stderr);
      return JSON.parse(stdout) as Record<string, number>;
    });
}

const variant = 'import';
const ws = 'ws';
const core = 'hexbus core';
const both = 'hexbus core, gateway and adapter-ws';

export const imports: Scenario = {
  name: 'imports',
  group: 'gateway',
  title: 'importing it',
  unit: 'ms',
  about: 'In a fresh process, of a bundle as users get it; and the resident memory that it adds.',
  variants: [variant],
  measures: ['MiB'],
  contestants: {
    'node:http (floor)': importing(`export { createServer } from 'node:http';`),
    [core]: importing(hexbusCore),
    [ws]: importing(`export { WebSocketServer } from 'ws';`),
    [both]: importing(hexbusWs),
    'socket.io': importing(`export { Server } from 'socket.io';`),
    'socketcluster-server': importing(`export * as cluster from 'socketcluster-server';`),
  },
  goals: [
    { contestant: core, variant, atMost: 10 },
    { contestant: both, variant, against: { contestant: ws }, atMost: 1.1 },
    { contestant: both, variant: `${variant}, MiB`, against: { contestant: ws }, atMost: 1.1 },
  ],
  rounds: 9,
};
