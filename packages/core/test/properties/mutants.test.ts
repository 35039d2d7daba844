import { expect, test } from 'vitest';
import { designs } from './mutants/designs.ts';
import { mistakes } from './mutants/mistakes.ts';
import { mutate } from './mutants/mutant.ts';
import { rules } from './mutants/rules.ts';
import { simulatedPlace } from './places.ts';
import { runAll } from './runs.ts';

/** So many runs may a mutant live. */
const maxRuns = 5_000;

/** What breaks one property may break another, and which is seen first is a matter of luck: so many failures may have other names. */
const maxOtherFailures = 20;

test.each([...rules, ...designs, ...mistakes])('the properties catch: $name', async (mutant) => {
  const { name, mix, place = simulatedPlace, caughtBy } = mutant;
  const createBus = await mutate(mutant);
  const others: string[] = [];
  for (let seed = 1; others.length <= maxOtherFailures; seed++) {
    const { failure, runs } = await runAll({ createBus, mix, place, runs: maxRuns, maxShrinks: 0, seed });
    expect(failure, `survived ${runs} runs`).toBeDefined();
    if (failure?.id !== undefined && caughtBy.includes(failure.id)) {
      if (process.env['HEXBUS_MUTANTS'] === '1') process.stdout.write(`${runs} runs, ${failure.id}: ${name}\n`);
      return;
    }
    others.push(failure!.report);
  }
  expect.fail(`not caught by ${caughtBy.join(' or ')}, but otherwise:\n${others.join('\n')}`);
});
