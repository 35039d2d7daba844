import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HistoryStore } from '@hexbus/core';
import { type HistoryContext, historyStoreRules, historyStoreSuite } from '@hexbus/testkit';
import { describe, expect, it, test } from 'vitest';
import { readText, root } from './support/repository.ts';
import { snippetsOf } from './support/snippets.ts';

const page = readText('docs/adapters.md');

test('the page lists every rule of the suite word for word, and no other', () => {
  const listed = [...page.matchAll(/^\| (HS-\d+) \| (.*) \|$/gm)].map(([, id, sentence]) => ({ id, sentence }));
  expect(listed).toEqual(historyStoreRules);
});

interface StoreModule {
  readonly createListHistory: (context: HistoryContext) => HistoryStore;
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
