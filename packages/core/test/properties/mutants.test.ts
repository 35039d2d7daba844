import { expect, test } from 'vitest';
import { designs } from './mutants/designs.ts';
import { mistakes } from './mutants/mistakes.ts';
import { mutate } from './mutants/mutant.ts';
import { rules } from './mutants/rules.ts';
import { simulatedPlace } from './places.ts';
import { runAll } from './runs.ts';

/** So many runs may a mutant live. */
const maxRuns = 5_000;

test.each([...rules, ...designs, ...mistakes])('the properties catch: $name', async (mutant) => {
  const { name, mix, place = simulatedPlace, caughtBy } = mutant;
  const { failure, runs } = await runAll({
    createBus: await mutate(mutant),
    mix,
    place,
    runs: maxRuns,
    maxShrinks: 0,
  });
  expect(failure, `survived ${runs} runs`).toBeDefined();
  expect(caughtBy, failure!.report).toContain(failure!.id);
  if (process.env['HEXBUS_MUTANTS'] === '1') process.stdout.write(`${runs} runs, ${failure!.id}: ${name}\n`);
});
