import { isDeepStrictEqual } from 'node:util';
import type { WriteBatch } from '@hexbus/core';
import { describe, expect, test } from 'vitest';
import { dieAfter } from './support/fake-storage.ts';
import { message, type Opened, type Page, Site } from './support/site.ts';

const topics = ['wait.a', 'few', 'log.a', 'other'];
const names = ['billing', 'audit'];

/** A history in which every kind of change has something to change. */
async function filled(): Promise<{ site: Site; page: Page; history: Opened }> {
  const site = new Site();
  const page = site.page();
  const history = await page.open();
  await history.put('wait.a', 'a1', 'a2', 'a3', 'a4');
  await history.put('few', 'f1', 'f2');
  await history.put('log.a', 'l1', 'l2', 'l3');
  await history.settle('dead', 'wait.a', 2, 3);
  const { epoch } = history.head;
  await history.write({ commitCursors: [{ name: 'audit', epoch, position: 1, filter: ['log.a'] }] });
  return { site, page, history };
}

/** Settles in each way, appends, drops, trims, commits and deletes. */
const batch: Omit<WriteBatch, 'epoch'> = {
  settle: [
    { outcome: 'handled', topic: 'wait.a', position: 1 },
    { outcome: 'requeue', topic: 'wait.a', position: 2 },
    { outcome: 'discard', topic: 'wait.a', position: 3 },
    { outcome: 'dead', topic: 'wait.a', position: 4, reason: 'no good' },
  ],
  append: [
    message('wait.a', 'a5', { deduplicate: true }),
    message('few', 'f3', { deduplicate: true }),
    message('log.a', 'l4', { type: 'T', attributes: '{"sender":"ann"}' }),
    message('log.a', 'l5'),
    message('other', 'o1', { body: `"${'x'.repeat(3000)}"` }),
  ],
  commitCursors: [{ name: 'billing', epoch: 'old', position: 7, filter: ['>'] }],
  deleteCursors: ['audit'],
};

async function reopened(site: Site, page: Page): Promise<{ history: Opened; page: Page }> {
  const next = site.page(page);
  return { history: await next.open(), page: next };
}

/** What a batch comes to, and how many changes of the storage it takes. */
async function outcomes(): Promise<{ before: unknown; after: unknown; changes: number }> {
  const { page, history } = await filled();
  const before = await history.contents(topics, names);
  const from = page.storage.changes;
  await history.write(batch);
  return { before, after: await history.contents(topics, names), changes: page.storage.changes - from };
}

describe('a page that ends in the middle of a batch', () => {
  test('leaves all of it or nothing, wherever it ends', async () => {
    const { before, after, changes } = await outcomes();
    expect(changes).toBeGreaterThan(15);
    const seen = new Set<boolean>();
    for (let count = 0; count <= changes; count++) {
      const { site, page, history } = await filled();
      dieAfter(page.storage, count);
      const resolved = await history.write(batch).then(
        () => true,
        () => false,
      );
      page.die();
      const next = await reopened(site, page);
      const contents = await next.history.contents(topics, names);
      expect(resolved ? [after] : [before, after], `after ${count} changes`).toContainEqual(contents);
      expect(next.page.corrupt).toEqual([]);
      expect(next.history.head.epoch).toBe(history.head.epoch);
      const isApplied = isDeepStrictEqual(contents, after);
      seen.add(isApplied);
      // The next one to look finds the same, and everything goes on.
      next.page.die();
      const last = await reopened(site, next.page);
      expect(await last.history.contents(topics, names)).toEqual(contents);
      const [a5, a1, a6] = await last.history.put('wait.a', 'a5', 'a1', 'a6');
      expect([a5, a1, a6]).toEqual([isApplied ? 'duplicate' : expect.any(Number), 'duplicate', expect.any(Number)]);
      expect(a6).toBeGreaterThan(last.history.head.position);
    }
    expect(seen).toEqual(new Set([false, true]));
  });

  test('leaves all of it or nothing too if it ends again while the next page brings it to its end', async () => {
    const { before, after, changes } = await outcomes();
    for (let count = 0; count <= changes; count++) {
      for (let again = 0; again < 12; again++) {
        const { site, page, history } = await filled();
        dieAfter(page.storage, count);
        await history.write(batch).catch(() => undefined);
        page.die();
        const second = site.page(page);
        dieAfter(second.storage, again);
        await second.open().catch(() => undefined);
        second.die();
        const third = await reopened(site, page);
        expect([before, after]).toContainEqual(await third.history.contents(topics, names));
        expect(third.page.corrupt).toEqual([]);
      }
    }
  });
});

describe('a storage that refuses one change', () => {
  test('leaves all of a batch or nothing, and the history goes on', async () => {
    const { before, after, changes } = await outcomes();
    for (let count = 0; count < changes; count++) {
      const { site, page, history } = await filled();
      let left = count;
      page.storage.beforeChange = () => {
        if (left-- === 0) throw new Error('planted');
      };
      const outcome = await history.write(batch).then(
        () => 'resolved',
        (error: { code: string }) => error.code,
      );
      const expected = outcome === 'resolved' ? after : before;
      expect(['resolved', 'HEXBUS_HISTORY_FAILED']).toContain(outcome);
      expect(await history.contents(topics, names), `change ${count} refused`).toEqual(expected);
      if (outcome !== 'resolved') await history.write(batch);
      expect(await history.contents(topics, names)).toEqual(after);
      page.die();
      const next = await reopened(site, page);
      expect(await next.history.contents(topics, names)).toEqual(after);
      expect(next.page.corrupt).toEqual([]);
    }
  });
});
