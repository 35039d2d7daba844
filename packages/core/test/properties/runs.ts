import { createBus } from '@hexbus/core';
import fc, { type Arbitrary, type RunDetails, type Scheduler } from 'fast-check';
import { type PropertyId, PropertyViolation } from './checks.ts';
import { commandsOf, type IssuedAs, type Mix } from './commands.ts';
import type { PlaceMaker } from './places.ts';
import { World } from './world.ts';

export interface RunsOptions {
  readonly mix: Mix;
  readonly place: PlaceMaker;
  readonly runs: number;
  /** Default: the one of the sources. */
  readonly createBus?: typeof createBus;
  /** How many runs more may look for a shorter failure. */
  readonly maxShrinks?: number;
  /** Of the programs and schedules. Default: another one at each call. */
  readonly seed?: number;
}

/** The first violation, after shrinking, with all that is needed to see it again. */
export interface Failure {
  readonly id: PropertyId | undefined;
  readonly report: string;
}

/** How the runs of a mix ended, and how often each property was decided. */
export interface RunsOutcome {
  readonly runs: number;
  readonly steps: number;
  readonly counts: ReadonlyMap<PropertyId, number>;
  readonly failure: Failure | undefined;
}

/** A run that failed is made again, and no other. */
export const isReplay: boolean = (process.env['HEXBUS_SEED'] ?? '') !== '';

const isDeep = process.env['HEXBUS_DEEP'] === '1';

/** How many runs are made of a property. */
export function runsOf(ordinary: number): number {
  return isDeep ? ordinary * 5 : ordinary;
}

/** Runs programs of a mix on a place, each under its own schedule. */
export async function runAll(options: RunsOptions): Promise<RunsOutcome> {
  const counts = new Map<PropertyId, number>();
  let steps = 0;
  const failure = await checkRuns(options, commandsOf(options.mix), async (commands, scheduler) => {
    const world = new World({
      createBus: options.createBus ?? createBus,
      place: options.place,
      scheduler,
      maxPage: options.mix.maxPage,
    });
    try {
      await world.run(commands);
    } finally {
      steps += world.schedule.steps;
      for (const [id, count] of world.checks.counts) counts.set(id, (counts.get(id) ?? 0) + count);
    }
  });
  return { ...failure, steps, counts };
}

/** Checks that two worlds, given the same commands and the same schedule, write the same transcript. */
export async function compareAll(
  options: Omit<RunsOptions, 'place'>,
  id: PropertyId,
  makeWorlds: readonly ((scheduler: Scheduler) => World)[],
): Promise<RunsOutcome> {
  let steps = 0;
  let entries = 0;
  const outcome = await checkRuns(options, commandsOf(options.mix), async (commands, scheduler) => {
    const transcripts: string[] = [];
    let before = scheduler;
    const worlds = makeWorlds.map((makeWorld) => {
      // A copy shares the choices of what it was made of, so each is made of the one before, while nothing was chosen yet.
      before = cloneOf(before);
      return makeWorld(before);
    });
    for (const world of worlds) {
      await world.run(commands);
      steps += world.schedule.steps;
      entries += world.transcript.length;
      transcripts.push([...world.transcript, ...world.publishes.outcomes()].join('\n'));
    }
    const [first, ...others] = transcripts;
    for (const other of others) {
      if (other !== first) throw new PropertyViolation(id, `the logs differ:\n${first}\n--- and ---\n${other}`);
    }
  });
  return { ...outcome, steps, counts: new Map([[id, entries]]) };
}

/** Makes programs and schedules, and runs each, until one fails. */
export async function checkRuns<Command>(
  { runs, maxShrinks = 300, seed }: Pick<RunsOptions, 'runs' | 'maxShrinks' | 'seed'>,
  programs: Arbitrary<readonly IssuedAs<Command>[]>,
  run: (commands: readonly IssuedAs<Command>[], scheduler: Scheduler) => Promise<void>,
): Promise<Pick<RunsOutcome, 'runs' | 'failure'>> {
  let left = Number.POSITIVE_INFINITY;
  const property = fc.asyncProperty(programs, fc.scheduler(), async (commands, scheduler) => {
    // A run that is not made does not fail, which ends the shrinking.
    if (left-- <= 0) return;
    try {
      await run(commands, scheduler);
    } catch (error) {
      left = Math.min(left, maxShrinks);
      throw error;
    }
  });
  const details = await fc.check(property, { numRuns: runs, ...(seed === undefined ? {} : { seed }), ...replayed() });
  return { runs: details.numRuns, failure: details.failed ? failureOf(details) : undefined };
}

/** `HEXBUS_SEED=seed/path`, as a failure prints it. */
function replayed(): { readonly seed?: number; readonly path?: string } {
  const [seed = '', path] = (process.env['HEXBUS_SEED'] ?? '').split('/');
  if (seed === '') return {};
  return path === undefined ? { seed: Number(seed) } : { seed: Number(seed), path };
}

function failureOf<Command>(details: RunDetails<[readonly IssuedAs<Command>[], Scheduler]>): Failure {
  const { errorInstance, seed, counterexample, counterexamplePath, numRuns } = details;
  const id = errorInstance instanceof PropertyViolation ? errorInstance.id : undefined;
  const what = errorInstance instanceof PropertyViolation ? errorInstance.message : stackOf(errorInstance);
  const [commands, scheduler] = counterexample ?? [];
  const lines = [
    what,
    `after ${numRuns} runs; see it again with HEXBUS_SEED=${seed}/${counterexamplePath}`,
    ...(commands ?? []).map(
      ({ command, joined, microtasks = 0 }) =>
        `${joined ? '  with ' : 'command '}${JSON.stringify(command)}${microtasks === 0 ? '' : ` ${microtasks} microtasks later`}`,
    ),
    String(scheduler),
  ];
  return { id, report: lines.join('\n') };
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function cloneOf(scheduler: Scheduler): Scheduler {
  return (scheduler as Scheduler & { [fc.cloneMethod](): Scheduler })[fc.cloneMethod]();
}
