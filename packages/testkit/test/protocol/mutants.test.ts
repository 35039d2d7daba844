import { protocolRules, protocolSuite } from '@hexbus/testkit';
import { describe, expect, it } from 'vitest';
import { failuresOf } from '../support/suites.ts';
import { listeningMutants, speakingMutants } from './mutants.ts';
import { native } from './native.ts';

const mutants = [...listeningMutants, ...speakingMutants];
const property = { runs: 300, seed: 1 };

describe('the suite catches a protocol that', () => {
  it('has no fault, by no rule', async () => {
    expect(await failuresOf((runner) => protocolSuite(runner, { ...native, property }))).toEqual(new Map());
  });

  for (const { rule, fault, create } of mutants) {
    it(`${fault}, by ${rule}`, async () => {
      const failures = await failuresOf((runner) => protocolSuite(runner, { ...native, create, property }));
      expect([...failures.keys()]).toContain(rule);
      // Else it would be no protocol at all.
      if (rule !== 'PR-01') expect([...failures.keys()]).not.toContain('PR-01');
      expect(failures.get(rule)).toContain(protocolRules.find(({ id }) => id === rule)?.sentence);
    });
  }
});

it('every rule catches something', () => {
  expect(protocolRules.filter(({ id }) => mutants.every(({ rule }) => rule !== id))).toEqual([]);
});
