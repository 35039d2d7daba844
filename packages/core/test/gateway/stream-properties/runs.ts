import type { PropertyId } from '../../properties/checks.ts';
import type { PlaceMaker } from '../../properties/places.ts';
import { checkRuns, type RunsOutcome } from '../../properties/runs.ts';
import { type Mix, programsOf } from './commands.ts';
import * as sources from './parts.ts';
import type { ClientMistakes } from './reference-client.ts';
import { StreamWorld } from './stream-world.ts';

export interface StreamRunsOptions {
  readonly mix: Mix;
  readonly place: PlaceMaker;
  readonly runs: number;
  /** Default: those of the sources. */
  readonly parts?: typeof sources;
  readonly mistakes?: ClientMistakes;
  readonly maxShrinks?: number;
  readonly seed?: number;
}

/** Runs programs of a mix on a place, each under its own schedule. */
export async function runStreams(options: StreamRunsOptions): Promise<RunsOutcome> {
  const { mix, place, parts = sources, mistakes = {} } = options;
  const counts = new Map<PropertyId, number>();
  let steps = 0;
  const outcome = await checkRuns(options, programsOf(mix), async (commands, scheduler) => {
    const world = new StreamWorld({ parts, mistakes, place, scheduler, mix });
    try {
      await world.run(commands);
    } finally {
      steps += world.schedule.steps;
      for (const [id, count] of world.checks.counts) counts.set(id, (counts.get(id) ?? 0) + count);
    }
  });
  return { ...outcome, steps, counts };
}
