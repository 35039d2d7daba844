import { readFileSync } from 'node:fs';
import { historyStoreRules, historyStoreSuite } from '@hexbus/testkit';
import { describe, expect, it } from 'vitest';
import { durableMinimal } from './durable-minimal.ts';
import { MinimalHistory } from './minimal-history.ts';
import { AppendingTwice } from './mutants/appending-twice.ts';
import { failingRules } from './mutants/mutant.ts';

/** A runner that only lists the names of the tests. */
function namesOf(define: (runner: Parameters<typeof historyStoreSuite>[0]) => void): string[] {
  const names: string[] = [];
  define({ describe: (_, inner) => inner(), it: (name) => names.push(name) });
  return names;
}

const volatile = {
  name: 'minimal',
  create: ({ clock, randomness }: Parameters<Parameters<typeof historyStoreSuite>[1]['create']>[0]) =>
    new MinimalHistory(clock, randomness),
};

describe('what a store declares decides what is run', () => {
  it('every rule for a durable one that can crash', () => {
    const names = namesOf((runner) => historyStoreSuite(runner, durableMinimal()));
    expect(names).toEqual(historyStoreRules.map(({ id, sentence }) => `${id} ${sentence}`));
  });

  it('no rule of reopening for one that is not durable', () => {
    const names = namesOf((runner) => historyStoreSuite(runner, volatile));
    const left = historyStoreRules.filter(({ id }) => names.every((name) => !name.startsWith(id)));
    expect(left.map(({ id }) => id)).toEqual([
      'HS-79',
      'HS-80',
      'HS-81',
      'HS-82',
      'HS-83',
      'HS-84',
      'HS-85',
      'HS-86',
      'HS-87',
    ]);
  });

  it('a durable one without reopen is refused', () => {
    const { reopen: _, crash: __, ...rest } = durableMinimal();
    expect(() => namesOf((runner) => historyStoreSuite(runner, rest))).toThrow('pass reopen');
  });

  it('one that is not durable is refused with reopen', () => {
    const adapter = { ...volatile, reopen: volatile.create };
    expect(() => namesOf((runner) => historyStoreSuite(runner, adapter))).toThrow('does not declare itself durable');
  });
});

describe('rules', () => {
  it('are numbered in the order in which they run', () => {
    const ids = historyStoreRules.map((_, index) => `HS-${String(index + 1).padStart(2, '0')}`);
    expect(historyStoreRules.map(({ id }) => id)).toEqual(ids);
  });

  it('stand in the README', () => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
    const rows = [...readme.matchAll(/^\| (HS-\d+) \| (.*) \|$/gm)].map(([, id, sentence]) => ({ id, sentence }));
    expect(rows).toEqual(historyStoreRules);
  });
});

describe('a failure', () => {
  it('of the model tells the seed, the step and what was expected', async () => {
    const message = (await failingRules({ Store: AppendingTwice }, 100)).get('HS-88');
    expect(message).toContain('seed: 1');
    expect(message).toMatch(/step \d+, \{"waitMs".*: expected .*, got /);
  });
});
