import { systemRandomness } from '@hexbus/core';
import { createSeededRandomness } from '../fakes/seeded-randomness.ts';
import { createVirtualClock } from '../fakes/virtual-clock.ts';
import { type Rule, type RuleText, runRule, type TestRunner } from '../support/rule.ts';
import type { HistoryStoreAdapter } from './adapter.ts';
import { appendRules } from './append.ts';
import { cursorRules } from './cursors.ts';
import { duplicateRules } from './duplicates.ts';
import { crashRules, durableRules } from './durable.ts';
import { heldRules } from './held.ts';
import { HistoryLab } from './lab.ts';
import { lifecycleRules } from './lifecycle.ts';
import { locatingRules } from './locating.ts';
import { modelRules } from './model/property.ts';
import { readingRules } from './reading.ts';
import { textRules } from './texts.ts';
import { trimmingRules } from './trimming.ts';

interface Theme {
  readonly title: string;
  readonly rules: readonly Rule<HistoryLab>[];
  readonly needs?: 'durable' | 'crash';
}

const themes: readonly Theme[] = [
  { title: 'lifecycle', rules: lifecycleRules },
  { title: 'writing', rules: appendRules },
  { title: 'duplicates', rules: duplicateRules },
  { title: 'texts', rules: textRules },
  { title: 'reading', rules: readingRules },
  { title: 'locating', rules: locatingRules },
  { title: 'limits and marks', rules: trimmingRules },
  { title: 'held topics', rules: heldRules },
  { title: 'cursors', rules: cursorRules },
  { title: 'durability', rules: durableRules, needs: 'durable' },
  { title: 'crashes', rules: crashRules, needs: 'crash' },
  { title: 'model', rules: modelRules },
];

/** Every rule that the suite holds a history store to, in the order in which it runs them. */
export const historyStoreRules: readonly RuleText[] = themes.flatMap(({ rules }) =>
  rules.map(({ id, sentence }) => ({ id, sentence })),
);

/**
 * Defines the tests that hold a history store to its port. `runner` is vitest, node:test, or whatever has `describe` and `it`. What the store
 * declares in `capabilities` decides what is tested: a durable one without `reopen` is refused with an error, and so is the reverse.
 */
export function historyStoreSuite(runner: TestRunner, adapter: HistoryStoreAdapter): void {
  const durable = declaresDurable(adapter);
  const applies = { durable, crash: durable && adapter.crash !== undefined };
  runner.describe(`history store: ${adapter.name}`, () => {
    for (const { title, rules, needs } of themes) {
      if (needs !== undefined && !applies[needs]) continue;
      runner.describe(title, () => {
        for (const rule of rules) runner.it(`${rule.id} ${rule.sentence}`, () => runInLab(rule, adapter));
      });
    }
  });
}

async function runInLab(rule: Rule<HistoryLab>, adapter: HistoryStoreAdapter): Promise<void> {
  const lab = new HistoryLab(adapter);
  try {
    await runRule(rule, lab);
  } finally {
    await lab.end();
  }
}

function declaresDurable(adapter: HistoryStoreAdapter): boolean {
  const place = `hexbus-${systemRandomness.id()}`;
  const context = { clock: createVirtualClock(), randomness: createSeededRandomness(0), place };
  const { durable } = adapter.create(context).capabilities;
  // Nobody can wait here; a clean-up that fails does so in the tests too.
  Promise.resolve(adapter.dispose?.(context)).catch(() => {});
  if (durable && adapter.reopen === undefined) {
    throw new Error(`${adapter.name} declares itself durable; pass reopen, so that the suite can see it`);
  }
  if (!durable && (adapter.reopen !== undefined || adapter.crash !== undefined)) {
    throw new Error(
      `${adapter.name} does not declare itself durable, so it cannot be reopened; declare it, or leave out reopen and crash`,
    );
  }
  return durable;
}
