import type { HistoryStore } from '@hexbus/core';
import { createSqliteHistory, type SqliteDatabase } from '@hexbus/store-sqlite';
import { type HistoryContext, historyStoreSuite } from '@hexbus/testkit';
import { afterAll, describe, expect, it } from 'vitest';
import { drivers, hasNodeSqlite, temporaryDirectory } from './support.ts';

const directory = temporaryDirectory();
afterAll(directory.remove);

for (const { name, open } of drivers) {
  // What differs with `os` is the history's, not the driver's: one driver is enough.
  for (const durability of name === drivers[0].name ? (['commit', 'os'] as const) : (['commit'] as const)) {
    const connections = new Map<HistoryStore, SqliteDatabase>();
    const create = ({ place, clock, randomness }: HistoryContext): HistoryStore => {
      const database = open(directory.file(place));
      const store = createSqliteHistory({ database, durability, clock, randomness });
      connections.set(store, database);
      return store;
    };
    // A connection that is closed under the history leaves what the end of the process would: no call of the history runs any more.
    const crash = (store: HistoryStore): void => void connections.get(store)?.close();
    historyStoreSuite({ describe, it }, { name: `sqlite on ${name}, ${durability}`, create, reopen: create, crash });
  }
}

it.skipIf(hasNodeSqlite)('says what is needed where Node has no SQLite of its own', async () => {
  const store = createSqliteHistory({ file: directory.file('unsupported') });
  const opening = store.open({ retention: [], deduplication: { maxIds: 1, maxAgeMs: 1 } });
  await expect(opening).rejects.toMatchObject({
    code: 'HEXBUS_UNSUPPORTED',
    message: expect.stringMatching(/22\.13.*on Node 20 of its version 12/),
  });
});
