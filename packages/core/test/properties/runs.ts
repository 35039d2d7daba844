import { createBus } from '@hexbus/core';
import fc from 'fast-check';
import { type PropertyId, PropertyViolation } from './checks.ts';
import { commandsOf, type Mix } from './commands.ts';
import type { PlaceMaker } from './places.ts';
import { World } from './world.ts';

export interface RunsOptions {
  readonly mix: Mix;
  readonly place: PlaceMaker;
  readonly runs: number;
  readonly createBus?: typeof createBus;
}

/** How the runs of a mix ended, and how often each property was decided. */
export interface RunsOutcome {
  readonly runs: number;
  readonly counts: ReadonlyMap<PropertyId, number>;
  readonly steps: number;
  /** The first violation, after shrinking, with all that is needed to see it again. */
  readonly failure: { readonly id: PropertyId | undefined; readonly report: string } | undefined;
}

/** `HEXBUS_SEED=seed` or `HEXBUS_SEED=seed/path` as a failure prints it. */
function replayed(): { readonly seed?: number; readonly path?: string } {
  const [seed, path] = (process.env['HEXBUS_SEED'] ?? '').split('/');
  if (seed === undefined || seed === '') return {};
  return path === undefined ? { seed: Number(seed) } : { seed: Number(seed), path };
}

export async function runAll(options: RunsOptions): Promise<RunsOutcome> {
  const counts = new Map<PropertyId, number>();
  let steps = 0;
  // Shrinking is worth some hundred runs, not more.
  let left = Number.POSITIVE_INFINITY;
  const property = fc.asyncProperty(commandsOf(options.mix), fc.scheduler(), async (commands, scheduler) => {
    if (left-- <= 0) return;
    const world = new World({ createBus: options.createBus ?? createBus, place: options.place, scheduler });
    try {
      await world.run(commands);
    } catch (error) {
      left = Math.min(left, 300);
      throw error;
    } finally {
      if (process.env['DEBUG_TRANSCRIPT']) console.log(JSON.stringify(world.transcript));
      steps += world.schedule.steps;
      for (const [id, count] of world.checks.counts) counts.set(id, (counts.get(id) ?? 0) + count);
    }
  });
  const details = await fc.check(property, { numRuns: options.runs, ...replayed() });
  if (!details.failed) return { runs: details.numRuns, counts, steps, failure: undefined };
  const { errorInstance, seed, counterexamplePath, numRuns, counterexample } = details;
  const id = errorInstance instanceof PropertyViolation ? errorInstance.id : undefined;
  const what =
    errorInstance instanceof Error
      ? id === undefined
        ? errorInstance.stack
        : errorInstance.message
      : String(errorInstance);
  const report = `${what}\nafter ${numRuns} runs; see it again with HEXBUS_SEED=${seed}/${counterexamplePath}\n${fc.stringify(counterexample?.[0])}\n${String(counterexample?.[1])}`;
  return { runs: numRuns, counts, steps, failure: { id, report } };
}
