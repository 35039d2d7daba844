import { type Rule, type RuleText, runRule, type TestRunner } from '../support/rule.ts';
import { unhandledDuring } from '../support/unhandled.ts';
import type { TransportAdapter } from './adapter.ts';
import { admissionRules } from './admission.ts';
import { backpressureRules } from './backpressure.ts';
import { endingRules } from './ending.ts';
import { TransportLab } from './lab.ts';
import { lifecycleRules } from './lifecycle.ts';
import { propertyRules } from './property.ts';
import { textRules } from './texts.ts';

const themes: readonly { readonly title: string; readonly rules: readonly Rule<TransportLab>[] }[] = [
  { title: 'lifecycle', rules: lifecycleRules },
  { title: 'admission', rules: admissionRules },
  { title: 'texts', rules: textRules },
  { title: 'backpressure', rules: backpressureRules },
  { title: 'ending', rules: endingRules },
  { title: 'schedules', rules: propertyRules },
];

/** Every rule that the suite holds a transport to, in the order in which it runs them. */
export const transportRules: readonly RuleText[] = themes.flatMap(({ rules }) =>
  rules.map(({ id, sentence }) => ({ id, sentence })),
);

/**
 * Defines the tests that hold a transport to its port. `runner` is vitest, node:test, or whatever has `describe` and `it`. The suite opens no
 * sockets: real clients come from `adapter.connect`.
 */
export function transportSuite(runner: TestRunner, adapter: TransportAdapter): void {
  runner.describe(`transport: ${adapter.name}`, () => {
    for (const { title, rules } of themes) {
      runner.describe(title, () => {
        for (const rule of rules) runner.it(`${rule.id} ${rule.sentence}`, () => runRule(inLab(rule), adapter));
      });
    }
  });
}

/** The rule, and what is true of every link whatever the rule is about. */
function inLab({ id, sentence, check }: Rule<TransportLab>): Rule<TransportAdapter> {
  return {
    id,
    sentence,
    async check(adapter) {
      const lab = new TransportLab(adapter);
      const run = async (): Promise<void> => {
        await check(lab);
        await lab.end();
      };
      try {
        const [rejection] = await unhandledDuring(run);
        if (rejection !== undefined) throw new Error(`a promise rejected and nobody listened: ${String(rejection)}`);
      } finally {
        await lab.dispose();
      }
    },
  };
}
