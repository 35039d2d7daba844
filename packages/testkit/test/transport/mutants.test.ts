import { type MemoryTransport, type TransportAdapter, transportRules, transportSuite } from '@hexbus/testkit';
import { describe, expect, it } from 'vitest';
import { memoryAdapter } from './memory-adapter.ts';
import { createMutant, type TransportMutant } from './mutant.ts';
import { transportMutants } from './mutants.ts';

/** Runs the suite by itself, and returns the ids of the rules that fail, with what they say. */
async function failingRules(create: () => MemoryTransport, only?: string): Promise<Map<string, string>> {
  const tests: { readonly name: string; readonly run: () => Promise<void> }[] = [];
  const runner = {
    describe: (_: string, define: () => void) => define(),
    it: (name: string, run: () => Promise<void>) => void tests.push({ name, run }),
  };
  const adapter: TransportAdapter = { ...memoryAdapter, create, patienceMs: 50, property: { runs: 20, seed: 1 } };
  transportSuite(runner, adapter);
  const failures = new Map<string, string>();
  for (const { name, run } of tests) {
    const id = name.slice(0, name.indexOf(' '));
    if (only === undefined || only === id) await run().catch((error: unknown) => failures.set(id, String(error)));
  }
  return failures;
}

describe('the suite catches a transport that', () => {
  it('has no fault, by no rule', async () => {
    expect(await failingRules(() => createMutant({ fault: 'none', rule: 'none' }))).toEqual(new Map());
  });

  it.each(transportMutants)('$fault, by $rule', async (mutant: TransportMutant) => {
    const failures = await failingRules(() => createMutant(mutant), mutant.rule);
    expect([...failures.keys()]).toContain(mutant.rule);
    expect(failures.get(mutant.rule)).toContain(transportRules.find(({ id }) => id === mutant.rule)?.sentence);
  });
});

it('every rule catches something', () => {
  const caught = new Set(transportMutants.map(({ rule }) => rule));
  expect(transportRules.map(({ id }) => id).filter((id) => !caught.has(id))).toEqual([]);
});
