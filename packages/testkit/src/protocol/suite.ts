import { type RuleText, runRule, type TestRunner } from '../support/rule.ts';
import type { ClientWord, ProtocolAdapter } from './adapter.ts';
import { eventRules } from './events.ts';
import { handshakeRules } from './handshakes.ts';
import { hostileRules } from './hostile.ts';
import { idRules } from './ids.ts';
import { bareHello, ProtocolLab, type ProtocolRule } from './lab.ts';
import { listeningRules, openingRules } from './listening.ts';
import { modelRules } from './model.ts';
import { formRules, speakingRules } from './speaking.ts';
import { conversation } from './words.ts';

const themes: readonly { readonly title: string; readonly rules: readonly ProtocolRule[] }[] = [
  { title: 'opening', rules: openingRules },
  { title: 'listening', rules: listeningRules },
  { title: 'ids', rules: idRules },
  { title: 'hostile clients', rules: hostileRules },
  { title: 'events', rules: eventRules },
  { title: 'speaking', rules: speakingRules },
  { title: 'model', rules: modelRules },
  { title: 'handshakes', rules: handshakeRules },
  { title: 'form', rules: formRules },
];

/** Every rule that the suite holds a protocol to, in the order in which it runs them. */
export const protocolRules: readonly RuleText[] = themes.flatMap(({ rules }) =>
  rules.map(({ id, sentence }) => ({ id, sentence })),
);

/**
 * Defines the tests that hold a protocol to its port. `runner` is vitest, node:test, or whatever has `describe` and `it`. What a client of the
 * protocol can say, and what its events carry, decides what is tested.
 */
export function protocolSuite(runner: TestRunner, adapter: ProtocolAdapter): void {
  const says = (kind: ClientWord['kind']): boolean =>
    [bareHello, ...conversation].some((word) => word.kind === kind && adapter.client.write(word) !== undefined);
  runner.describe(`protocol: ${adapter.name}`, () => {
    for (const { title, rules } of themes) {
      const run = rules.filter(({ needs }) => needs?.every(says) ?? true);
      if (run.length === 0) continue;
      runner.describe(title, () => {
        for (const rule of run) {
          runner.it(`${rule.id} ${rule.sentence}`, () => runRule(rule, new ProtocolLab(adapter)));
        }
      });
    }
  });
}
