import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { patched } from '../../properties/mutants/mutant.ts';
import { simulatedPlace } from '../../properties/places.ts';
import { eventSourceMutants } from './mutants.ts';
import type * as Parts from './parts.ts';
import { runEventSources, signAtOnce } from './runs.ts';

const entry = fileURLToPath(new URL('./parts.ts', import.meta.url));

/** So many runs may a mutant live. */
const maxRuns = 5_000;

/** What breaks one property may break another, and which is seen first is a matter of luck: so many failures may have other names. */
const maxOtherFailures = 20;

beforeAll(signAtOnce);
afterAll(() => {
  vi.restoreAllMocks();
});

test.each(eventSourceMutants)('the properties catch: $name', async ({ name, patches, caughtBy }) => {
  const parts = await patched<typeof Parts>(entry, patches);
  const others: string[] = [];
  for (let seed = 1; others.length <= maxOtherFailures; seed++) {
    const { failure, runs } = await runEventSources({
      place: simulatedPlace,
      parts,
      runs: maxRuns,
      maxShrinks: 0,
      seed,
    });
    expect(failure, `survived ${runs} runs`).toBeDefined();
    if (failure?.id !== undefined && caughtBy.includes(failure.id)) {
      if (process.env['HEXBUS_MUTANTS'] === '1') process.stdout.write(`${runs} runs, ${failure.id}: ${name}\n`);
      return;
    }
    others.push(failure!.report);
  }
  expect.fail(`not caught by ${caughtBy.join(' or ')}, but otherwise:\n${others.join('\n')}`);
});
