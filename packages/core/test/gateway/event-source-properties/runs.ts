import { vi } from 'vitest';
import type { PropertyId } from '../../properties/checks.ts';
import type { PlaceMaker } from '../../properties/places.ts';
import { checkRuns, type RunsOutcome } from '../../properties/runs.ts';
import { programs } from './commands.ts';
import { EventSourceWorld } from './event-source-world.ts';
import * as sources from './parts.ts';

export interface EventSourceRunsOptions {
  readonly place: PlaceMaker;
  readonly runs: number;
  /** Default: those of the sources. */
  readonly parts?: typeof sources;
  readonly maxShrinks?: number;
  readonly seed?: number;
}

/** Signatures are made by threads of their own, for which no schedule could wait. Here all are alike. */
export function signAtOnce(): void {
  vi.spyOn(crypto.subtle, 'importKey').mockResolvedValue({} as CryptoKey);
  vi.spyOn(crypto.subtle, 'sign').mockResolvedValue(new ArrayBuffer(32));
  vi.spyOn(crypto.subtle, 'verify').mockResolvedValue(true);
}

/** Runs programs on a place, each under its own schedule. */
export async function runEventSources(options: EventSourceRunsOptions): Promise<RunsOutcome> {
  const { place, parts = sources } = options;
  const counts = new Map<PropertyId, number>();
  let steps = 0;
  const outcome = await checkRuns(options, programs, async (commands, scheduler) => {
    const world = new EventSourceWorld({ parts, place, scheduler });
    try {
      await world.run(commands);
    } finally {
      steps += world.schedule.steps;
      for (const [id, count] of world.checks.counts) counts.set(id, (counts.get(id) ?? 0) + count);
    }
  });
  return { ...outcome, steps, counts };
}
