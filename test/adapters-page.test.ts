import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HistoryStore } from '@hexbus/core';
import * as testkit from '@hexbus/testkit';
import { describe, expect, it, test } from 'vitest';
import { readText, root } from './support/repository.ts';
import { snippetsOf } from './support/snippets.ts';

const { brokerRules, historyStoreRules, historyStoreSuite, protocolRules, registryRules, transportRules } = testkit;

const page = readText('docs/adapters.md');

const rules = [historyStoreRules, transportRules, protocolRules, registryRules, brokerRules].flat();

test('the rules that the page names exist', () => {
  const named = [...page.matchAll(/\b(HS|TR|PR|RG|BR)-\d+/g)].map(([id]) => id);
  expect(named.filter((id) => !rules.some((rule) => rule.id === id))).toEqual([]);
  expect(new Set(named.map((id) => id.slice(0, 2))).size).toBe(5);
});

test('the page names every suite', () => {
  const suites = Object.keys(testkit).filter((name) => name.endsWith('Suite'));
  expect(suites.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});

interface StoreModule {
  readonly createListHistory: (context: testkit.HistoryContext) => HistoryStore;
}

/** The module that the page shows. */
async function shownStore(): Promise<StoreModule> {
  const shown = snippetsOf('docs/adapters.md', page).filter(({ code }) => code.includes('class ListHistory'));
  expect(shown).toHaveLength(1);
  mkdirSync(join(root, '.snippets'), { recursive: true });
  const folder = mkdtempSync(join(root, '.snippets', 'store-'));
  try {
    const file = join(folder, 'list-history.ts');
    writeFileSync(file, shown[0]?.code ?? '');
    return (await import(file)) as StoreModule;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const { createListHistory } = await shownStore();

describe('the store that the page shows', () => {
  historyStoreSuite({ describe, it }, { name: 'list', create: createListHistory });
});
