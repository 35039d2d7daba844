import { fileURLToPath } from 'node:url';
import { createBus, createMessageBridge } from '@hexbus/core';
import { expect, test } from 'vitest';
import { patched } from '../properties/mutants/mutant.ts';
import { checkRuns, runsOf } from '../properties/runs.ts';
import { bridgePrograms } from './bridge-commands.ts';
import { type BridgeCore, BridgeWorld } from './bridge-world.ts';
import { bridgeMutants } from './mutants.ts';

const entry = fileURLToPath(new URL('../../src/index.ts', import.meta.url));

async function failureOf(core: BridgeCore, options: Parameters<typeof checkRuns>[0]): Promise<string | undefined> {
  const { failure } = await checkRuns(options, bridgePrograms, (issued, scheduler) =>
    new BridgeWorld(scheduler, core).run(issued.map(({ command }) => command)),
  );
  return failure?.report;
}

test('whatever arrives, attaches, leaves, fails, closes and comes back: all is handled once, in order, and told once', async () => {
  expect(await failureOf({ createBus, createMessageBridge }, { runs: runsOf(500) })).toBeUndefined();
});

test.each(bridgeMutants)('the runs catch: $name', async ({ patches, caughtBy }) => {
  const core = await patched<BridgeCore>(entry, patches);
  const failure = await failureOf(core, { runs: 2_000, maxShrinks: 0, seed: 1 });
  expect(failure, 'survived').toBeDefined();
  expect(caughtBy.some((check) => failure?.includes(`${check}: `))).toBe(true);
});
