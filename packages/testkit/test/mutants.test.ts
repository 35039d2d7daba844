import { historyStoreRules } from '@hexbus/testkit';
import { describe, expect, it } from 'vitest';
import { DurableMinimal } from './durable-minimal.ts';
import { durabilityMutants } from './mutants/durability.ts';
import { duplicateMutants, lifecycleMutants, writingMutants } from './mutants/lifecycle-and-writing.ts';
import { heldMutants, limitMutants } from './mutants/limits-and-held.ts';
import { failingRules } from './mutants/mutant.ts';
import { cursorMutants, locatingMutants, markMutants, readingMutants, textMutants } from './mutants/reading.ts';

const mutants = [
  ...lifecycleMutants,
  ...writingMutants,
  ...duplicateMutants,
  ...textMutants,
  ...readingMutants,
  ...locatingMutants,
  ...limitMutants,
  ...markMutants,
  ...heldMutants,
  ...cursorMutants,
  ...durabilityMutants,
];

const model = 'HS-88';
/** These need a child process: node-test.test.ts. */
const elsewhere = ['HS-12'];

describe('the suite catches a store that', () => {
  it('has no fault, by no rule', async () => {
    expect(await failingRules({ Store: DurableMinimal }, 100)).toEqual(new Map());
  });

  for (const mutant of mutants) {
    it(`${mutant.fault}, by ${mutant.rule}`, async () => {
      const failures = await failingRules(mutant, 0);
      expect([...failures.keys()]).toContain(mutant.rule);
      expect(failures.get(mutant.rule)).toContain(historyStoreRules.find(({ id }) => id === mutant.rule)?.sentence);
    });
  }
});

it('every rule catches something', () => {
  const idle = historyStoreRules.map(({ id }) => id).filter((id) => mutants.every(({ rule }) => rule !== id));
  expect(idle).toEqual([...elsewhere, model]);
});
