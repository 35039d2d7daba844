import { beforeAll, describe, expect, test } from 'vitest';
import { type PropertyId, propertyTexts } from '../../properties/checks.ts';
import { hasSqlite, memoryPlace, type PlaceMaker, simulatedPlace, sqlitePlace } from '../../properties/places.ts';
import { isReplay, type RunsOutcome, runsOf } from '../../properties/runs.ts';
import { connection, paged } from './mixes.ts';
import { runStreams } from './runs.ts';

const everywhere: readonly PropertyId[] = ['P1', 'P2', 'P3', 'P4', 'P5', 'P6', 'P7', 'P13', 'P14', 'P15', 'P27', 'P28'];
const ids: readonly PropertyId[] = [...everywhere, 'livelock'];

const groups = [
  { name: 'a connection', mix: connection },
  { name: 'a connection to a long history', mix: paged },
] as const;

const places: readonly { readonly place: string; readonly make: PlaceMaker; readonly runs: number }[] = [
  { place: 'a simulated durable history', make: simulatedPlace, runs: runsOf(1_000) },
  { place: 'a history in memory', make: memoryPlace, runs: runsOf(1_000) },
  ...(hasSqlite ? [{ place: 'a SQLite history', make: sqlitePlace, runs: runsOf(200) }] : []),
];

const cases = groups.flatMap((group) => places.map((place) => ({ ...group, ...place })));

describe.each(cases)('$name on $place', ({ mix, make, runs }) => {
  let outcome: RunsOutcome;
  beforeAll(async () => {
    outcome = await runStreams({ mix, place: make, runs });
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
