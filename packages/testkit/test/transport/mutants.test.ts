import { type MemoryTransport, type TransportAdapter, transportRules, transportSuite } from '@hexbus/testkit';
import { describe, expect, it } from 'vitest';
import { failuresOf, rulesInReadme } from '../support/suites.ts';
import { memoryAdapter } from './memory-adapter.ts';
import { createMutant, type TransportMutant } from './mutant.ts';
import { transportMutants } from './mutants.ts';

interface Given {
  /** One rule. Default: all. */
  readonly only?: string;
  /** Default: all the time that a busy machine may take. */
  readonly patienceMs?: number;
}

/** What the suite says against a transport. */
async function failingRules(
  create: () => MemoryTransport,
  { only, patienceMs = 60_000 }: Given = {},
): Promise<ReadonlyMap<string, string>> {
  const adapter: TransportAdapter = { ...memoryAdapter, create, patienceMs, property: { runs: 20, seed: 1 } };
  return failuresOf(({ describe, it }) => {
    const chosen = (name: string, run: () => Promise<void>): unknown =>
      only === undefined || name.startsWith(`${only} `) ? it(name, run) : undefined;
    transportSuite({ describe, it: chosen }, adapter);
  });
}

describe('the suite catches a transport that', () => {
  it('has no fault, by no rule', async () => {
    expect(await failingRules(() => createMutant({ fault: 'none', rule: 'none' }))).toEqual(new Map());
  });

  it.each(transportMutants)('$fault, by $rule', async (mutant: TransportMutant) => {
    // Of many the fault is that something does not happen.
    const failures = await failingRules(() => createMutant(mutant), { only: mutant.rule, patienceMs: 50 });
    expect([...failures.keys()]).toContain(mutant.rule);
    expect(failures.get(mutant.rule)).toContain(transportRules.find(({ id }) => id === mutant.rule)?.sentence);
  });
});

it('a failure of random schedules tells the seed, and what was expected', async () => {
  const mutant = transportMutants.find(({ rule }) => rule === 'TR-41') as TransportMutant;
  const message = (await failingRules(() => createMutant(mutant), { only: 'TR-41' })).get('TR-41');
  expect(message).toContain('seed: 1');
  expect(message).toContain('is no beginning of what');
});

describe('the rules', () => {
  it('are numbered in the order in which they run, and each catches something', () => {
    const ids = transportRules.map(({ id }) => id);
    expect(ids).toEqual(ids.map((_, index) => `TR-${String(index + 1).padStart(2, '0')}`));
    expect(transportMutants.map(({ rule }) => rule)).toEqual(ids);
  });

  it('stand in the README', () => {
    expect(rulesInReadme('TR')).toEqual(transportRules);
  });
});
