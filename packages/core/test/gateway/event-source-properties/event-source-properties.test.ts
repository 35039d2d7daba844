import { beforeAll, describe, expect, test, vi } from 'vitest';
import type { PropertyId } from '../../properties/checks.ts';
import { hasSqlite, type PlaceMaker, simulatedPlace, sqlitePlace } from '../../properties/places.ts';
import { isReplay, type RunsOutcome, runsOf } from '../../properties/runs.ts';
import { runEventSources, signAtOnce } from './runs.ts';

const texts: Partial<Record<PropertyId, string>> = {
  P1: 'a topic comes in order, and nothing of it is passed over',
  P3: 'at rest nothing is missing, and no error but those of the history is told',
  P4: 'where nothing is lost no gap is told',
  P6: 'what comes is what was published',
  P13: 'a topic begins where the query says',
  P14: 'a page that comes back with the last id misses nothing, and gets again only what came behind it',
  livelock: 'a run comes to rest',
};

const places: readonly { readonly place: string; readonly make: PlaceMaker; readonly runs: number }[] = [
  { place: 'a simulated durable history', make: simulatedPlace, runs: runsOf(1_000) },
  ...(hasSqlite ? [{ place: 'a SQLite history', make: sqlitePlace, runs: runsOf(100) }] : []),
];

describe.each(places)('a page with an EventSource, on $place', ({ make, runs }) => {
  let outcome: RunsOutcome;
  beforeAll(async () => {
    signAtOnce();
    outcome = await runEventSources({ place: make, runs });
    vi.restoreAllMocks();
  }, 600_000);

  test.each(Object.entries(texts) as [PropertyId, string][])('%s: %s', (id) => {
    const { failure, counts } = outcome;
    if (failure !== undefined) {
      const found = failure.id === undefined || failure.id === id;
      expect.fail(found ? failure.report : `${id}: not decided, because the runs ended at ${failure.id}`);
    }
    if (isReplay) return;
    expect(counts.get(id) ?? 0, `${id} was hardly ever put to the test`).toBeGreaterThan(runs / 10);
  });
});
