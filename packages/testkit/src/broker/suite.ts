import { type Rule, type RuleText, runRule, type TestRunner } from '../support/rule.ts';
import type { BrokerAdapter } from './adapter.ts';
import { answerRules } from './answers.ts';
import { endRules } from './ends.ts';
import { BrokerLab } from './lab.ts';
import { modelRules } from './model.ts';

const themes: readonly { readonly title: string; readonly rules: readonly Rule<BrokerLab>[] }[] = [
  { title: 'answers', rules: answerRules },
  { title: 'ends', rules: endRules },
  { title: 'model', rules: modelRules },
];

/** Every rule that the suite holds a broker to, in the order in which it runs them. */
export const brokerRules: readonly RuleText[] = themes.flatMap(({ rules }) =>
  rules.map(({ id, sentence }) => ({ id, sentence })),
);

/** Defines the tests that hold a broker to its port. `runner` is vitest, node:test, or whatever has `describe` and `it`. */
export function brokerSuite(runner: TestRunner, adapter: BrokerAdapter): void {
  runner.describe(`broker: ${adapter.name}`, () => {
    for (const { title, rules } of themes) {
      runner.describe(title, () => {
        for (const rule of rules) runner.it(`${rule.id} ${rule.sentence}`, () => runInLab(rule, adapter));
      });
    }
  });
}

async function runInLab(rule: Rule<BrokerLab>, adapter: BrokerAdapter): Promise<void> {
  const lab = new BrokerLab(adapter);
  try {
    await runRule(rule, lab);
  } finally {
    await lab.end();
  }
}
