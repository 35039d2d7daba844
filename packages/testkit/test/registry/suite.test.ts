import { registryRules, registrySuite } from '@hexbus/testkit';
import { describe, expect, it } from 'vitest';
import { failuresOf, rulesInReadme } from '../support/suites.ts';
import { MinimalRegistry } from './minimal-registry.ts';
import { type RegistryMutant, registryMutants } from './mutants.ts';

registrySuite(
  { describe, it },
  { name: 'minimal', create: ({ clock }) => new MinimalRegistry(clock), property: { runs: 500 } },
);

function failing(Registry: RegistryMutant['Registry'], runs: number): Promise<ReadonlyMap<string, string>> {
  const property = { runs, seed: 1 };
  return failuresOf((runner) =>
    registrySuite(runner, { name: 'mutant', create: ({ clock }) => new Registry(clock), property }),
  );
}

describe('the suite catches a registry that', () => {
  it.each(registryMutants)('$fault, by $rule', async ({ rule, Registry }) => {
    const failures = await failing(Registry, 0);
    expect([...failures.keys()]).toContain(rule);
    expect(failures.get(rule)).toContain(registryRules.find(({ id }) => id === rule)?.sentence);
  });

  it('differs from the model, by RG-21, with the seed and the step', async () => {
    const { Registry } = registryMutants.find(({ rule }) => rule === 'RG-19')!;
    const message = (await failing(Registry, 500)).get('RG-21');
    expect(message).toContain('seed: 1');
    expect(message).toMatch(/found by .*: expected .*, got /);
  });
});

describe('the rules', () => {
  it('are numbered in the order in which they run, and each but the model catches something', () => {
    const ids = registryRules.map(({ id }) => id);
    expect(ids).toEqual(ids.map((_, index) => `RG-${String(index + 1).padStart(2, '0')}`));
    expect(registryMutants.map(({ rule }) => rule)).toEqual(ids.slice(0, -1));
  });

  it('stand in the README', () => {
    expect(rulesInReadme('RG')).toEqual(registryRules);
  });
});
