import { type Bus, createBus } from '@hexbus/core';
import { expect, test } from 'vitest';
import { type PropertyId, propertyTexts } from './checks.ts';
import type { Mix } from './commands.ts';
import { anywhere, anywhereDurable, undisturbed } from './mixes.ts';
import { hasSqlite, memoryPlace, type PlaceMaker, simulatedPlace, sqlitePlace } from './places.ts';
import { compareAll, runsOf } from './runs.ts';
import { streamTopics } from './topics.ts';
import { World, type WorldOptions } from './world.ts';

async function expectEqual(
  id: PropertyId,
  mix: Mix,
  runs: number,
  worlds: readonly Pick<WorldOptions, 'place' | 'bystander'>[],
): Promise<void> {
  const makers = worlds.map(
    (options) => (scheduler: WorldOptions['scheduler']) =>
      new World({ createBus, scheduler, maxPage: mix.maxPage, ...options }),
  );
  const { failure, counts } = await compareAll({ mix, runs }, id, makers);
  if (failure !== undefined) expect.fail(failure.report);
  expect(counts.get(id) ?? 0, 'hardly anything was compared').toBeGreaterThan(runs);
}

/** Listeners that fail at every message, or never answer the first: on every topic, and on all of them. */
function troublemakers(bus: Bus): void {
  for (const filter of [...streamTopics, '>']) {
    bus.subscribe(
      filter,
      () => {
        throw new Error('always');
      },
      { maxTries: 1 },
    );
    bus.subscribe(filter, () => new Promise(() => undefined), { handleTimeoutMs: Infinity });
  }
}

test(`P23: ${propertyTexts.P23}`, () =>
  expectEqual('P23', undisturbed, runsOf(1_000), [
    { place: simulatedPlace },
    { place: simulatedPlace, bystander: troublemakers },
  ]));

const others: readonly {
  readonly place: string;
  readonly make: PlaceMaker;
  readonly mix: Mix;
  readonly runs: number;
}[] = [
  { place: 'in memory', make: memoryPlace, mix: anywhere, runs: runsOf(1_000) },
  ...(hasSqlite ? [{ place: 'in SQLite', make: sqlitePlace, mix: anywhereDurable, runs: runsOf(100) }] : []),
];

test.each(others)(`P35: ${propertyTexts.P35}: simulated and $place`, ({ make, mix, runs }) =>
  expectEqual('P35', mix, runs, [{ place: simulatedPlace }, { place: make }]),
);
