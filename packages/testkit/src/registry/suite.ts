import { type Rule, type RuleText, runRule, type TestRunner } from '../support/rule.ts';
import type { RegistryAdapter } from './adapter.ts';
import { findingRules } from './finding.ts';
import { joiningRules } from './joining.ts';
import { RegistryLab } from './lab.ts';
import { leaseRules } from './leases.ts';
import { modelRules } from './model.ts';

const themes: readonly { readonly title: string; readonly rules: readonly Rule<RegistryLab>[] }[] = [
  { title: 'joining', rules: joiningRules },
  { title: 'finding', rules: findingRules },
  { title: 'leases', rules: leaseRules },
  { title: 'model', rules: modelRules },
];

/** Every rule that the suite holds a registry to, in the order in which it runs them. */
export const registryRules: readonly RuleText[] = themes.flatMap(({ rules }) =>
  rules.map(({ id, sentence }) => ({ id, sentence })),
);

/** Defines the tests that hold a registry to its port. `runner` is vitest, node:test, or whatever has `describe` and `it`. */
export function registrySuite(runner: TestRunner, adapter: RegistryAdapter): void {
  runner.describe(`registry: ${adapter.name}`, () => {
    for (const { title, rules } of themes) {
      runner.describe(title, () => {
        for (const rule of rules) runner.it(`${rule.id} ${rule.sentence}`, () => runInLab(rule, adapter));
      });
    }
  });
}

async function runInLab(rule: Rule<RegistryLab>, adapter: RegistryAdapter): Promise<void> {
  const lab = new RegistryLab(adapter);
  try {
    await runRule(rule, lab);
  } finally {
    await lab.end();
  }
}
