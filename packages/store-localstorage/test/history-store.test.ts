import type { HistoryStore } from '@hexbus/core';
import { createLocalStorageHistory } from '@hexbus/store-localstorage';
import { type HistoryContext, historyStoreSuite } from '@hexbus/testkit';
import { describe, it } from 'vitest';
import { FakeLocks, LockTable } from './support/fake-locks.ts';
import { FakeStorage } from './support/fake-storage.ts';

const storage = new FakeStorage();
const table = new LockTable();
const pages = new Map<HistoryStore, FakeLocks>();

function create({ clock, randomness, place }: HistoryContext): HistoryStore {
  const locks = new FakeLocks(table);
  const history = createLocalStorageHistory({
    storage,
    name: place,
    tab: 'own',
    locks,
    clock,
    randomness,
    settleMs: 0,
  });
  pages.set(history, locks);
  return history;
}

function dispose({ place }: HistoryContext): void {
  for (const key of storage.items.keys()) if (key.startsWith(`hexbus/${place}/`)) storage.items.delete(key);
}

historyStoreSuite(
  { describe, it },
  {
    name: 'localStorage, with Web Locks',
    create,
    reopen: create,
    crash: (store) => pages.get(store)?.die(),
    dispose,
  },
);

function createWithLeases({ clock, randomness, place }: HistoryContext): HistoryStore {
  return createLocalStorageHistory({ storage, name: place, tab: 'own', locks: null, clock, randomness, settleMs: 0 });
}

// What a crashed page had is free only when its lease has ended, so the suite is not told how to crash one.
historyStoreSuite(
  { describe, it },
  { name: 'localStorage, with leases', create: createWithLeases, reopen: createWithLeases, dispose },
);
