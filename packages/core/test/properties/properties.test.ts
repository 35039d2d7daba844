import { beforeAll, describe, expect, test } from 'vitest';
import { type PropertyId, propertyTexts } from './checks.ts';
import type { Mix } from './commands.ts';
import { durable, held, paged, streams } from './mixes.ts';
import { hasSqlite, memoryPlace, type PlaceMaker, simulatedPlace, sqlitePlace } from './places.ts';
import { isReplay, type RunsOutcome, runAll, runsOf } from './runs.ts';

interface Group {
  readonly name: string;
  readonly mix: Mix;
  readonly ids: readonly PropertyId[];
}

const streamIds: readonly PropertyId[] = [
  'P1',
  'P2',
  'P3',
  'P4',
  'P5',
  'P6',
  'P7',
  'P11',
  'P12',
  'P13',
  'P14',
  'P15',
  'P16',
];
const everywhere: readonly PropertyId[] = ['P8', 'P9', 'P10', 'P24', 'livelock'];

const groups: readonly Group[] = [
  { name: 'streams', mix: streams, ids: [...streamIds, 'read', ...everywhere] },
  { name: 'held topics', mix: held, ids: ['P3', 'P4', 'P11', 'P12', 'P19', 'P20', 'P21', 'P22', ...everywhere] },
  {
    name: 'long histories',
    mix: paged,
    ids: [...streamIds.filter((id) => id !== 'P6' && id !== 'P15'), ...everywhere],
  },
  { name: 'durable names and ids', mix: durable, ids: [...streamIds, 'P17', 'P18', 'P19', 'P26', ...everywhere] },
];

const places: readonly { readonly place: string; readonly make: PlaceMaker; readonly runs: number }[] = [
  { place: 'a simulated durable history', make: simulatedPlace, runs: runsOf(1_000) },
  { place: 'a history in memory', make: memoryPlace, runs: runsOf(1_000) },
  ...(hasSqlite ? [{ place: 'a SQLite history', make: sqlitePlace, runs: runsOf(100) }] : []),
];

const cases = groups.flatMap((group) => places.map((place) => ({ ...group, ...place })));

describe.each(cases)('$name on $place', ({ mix, make, runs, ids }) => {
  let outcome: RunsOutcome;
  beforeAll(async () => {
    outcome = await runAll({ mix, place: make, runs });
  }, 600_000);

  test.each(ids.map((id) => [id, propertyTexts[id]] as const))('%s: %s', (id) => {
    const { failure, counts } = outcome;
    if (failure !== undefined) {
      const found = failure.id === undefined || failure.id === id;
      expect.fail(found ? failure.report : `${id}: not decided, because the runs ended at ${failure.id}`);
    }
    if (isReplay) return;
    expect(counts.get(id) ?? 0, `${id} was hardly ever put to the test`).toBeGreaterThan(runs / 50);
  });
});
