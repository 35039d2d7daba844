import { copyFileSync, existsSync } from 'node:fs';
import { createSqliteHistory, type SqliteDatabase } from '@hexbus/store-sqlite';
import { afterAll, describe, expect, test } from 'vitest';
import { Child, drivers, open, temporaryDirectory } from './support.ts';

const directory = temporaryDirectory();
afterAll(directory.remove);

/** What a power cut would leave, had it come now and taken what was not flushed. */
function copy(file: string, name: string): string {
  const target = directory.file(name);
  for (const suffix of ['', '-wal']) if (existsSync(file + suffix)) copyFileSync(file + suffix, target + suffix);
  return target;
}

function integrityOf(database: SqliteDatabase): unknown {
  return Object.values(database.prepare('PRAGMA integrity_check').get() as object)[0];
}

describe.each(['commit', 'os'] as const)("durability '%s'", (durability) => {
  test('a process killed in the middle of its writes leaves a whole history with all that it was told', async () => {
    const file = directory.file(`killed-${durability}.db`);
    for (let round = 1; round <= 4; round++) {
      const child = new Child('write', file, durability);
      expect(await child.line()).toBe('open');
      let told = 0;
      while (told < 2 || told % 100 < 10 * round) told = Number(await child.line());
      await child.kill();
      for (let line = await child.line(); line !== undefined; line = await child.line()) told = Number(line);
      const database = (drivers[round % drivers.length] ?? drivers[0]).open(file);
      const history = await open(createSqliteHistory({ database, durability }));
      expect(integrityOf(database)).toBe('ok');
      expect(history.head.position).toBeGreaterThanOrEqual(told);
      const kept = await history.page(['>']);
      const last = kept.messages.at(-1)?.position ?? 0;
      // A batch appends an order and a waiting message, and settles the waiting one before: all of it or nothing.
      expect(last + 1).toBeGreaterThanOrEqual(told);
      expect((await history.page(['wait.here'])).messages.map(({ position }) => position)).toContain(last + 1);
      expect(await history.store.loadCursor('reader')).toMatchObject({ position: last - 1, filter: ['order.>'] });
      expect((await history.append('order.1', 'next')).head).toBe(history.head.position + 1);
      const waiting = (await history.page(['wait.here'])).messages.map(({ position }) => position);
      await history.write({
        settle: waiting.map((position) => ({ outcome: 'handled', topic: 'wait.here', position })),
      });
      await history.store.close();
      database.close();
    }
  });
});

describe.each(drivers)("positions in 'os' mode on $name", ({ name, open: connect }) => {
  const file = (label: string): string => directory.file(`${name.replace(':', '-')}-${label}.db`);
  const at = (path: string) => createSqliteHistory({ database: connect(path), durability: 'os' });

  test('are not used again when a power cut took the last commits', async () => {
    const path = file('power');
    const history = await open(at(path));
    await history.append('a', '1', '2', '3');
    const early = copy(path, `${name.replace(':', '-')}-early.db`);
    const lost = Array.from({ length: 500 }, (_, index) => `lost-${index}`);
    const { head } = await history.append('a', ...lost);
    await history.store.close();

    const after = await open(at(early));
    expect(await after.ids('a')).toEqual(['1', '2', '3']);
    expect(after.head.epoch).toBe(history.head.epoch);
    expect(after.head.position).toBeGreaterThanOrEqual(head);
    const { before, appended } = await after.append('a', 'new');
    expect(before).toBe(after.head.position);
    expect(appended[0]).toMatchObject({ position: before + 1 });
    expect(await after.ids('a')).toEqual(['1', '2', '3', 'new']);
    await after.store.close();
  });

  test('are reserved anew when a block is used up', async () => {
    const path = file('blocks');
    const history = await open(at(path));
    const many = Array.from({ length: 12_000 }, (_, index) => `${index}`);
    await history.append('a', ...many);
    await history.append('a', ...many);
    const early = copy(path, `${name.replace(':', '-')}-blocks-early.db`);
    const { head } = await history.append('a', 'lost');
    const after = await open(at(early));
    expect(after.head.position).toBeGreaterThanOrEqual(head);
    await after.store.close();
    await history.store.close();
  });

  test('go on without a hole when the history was closed', async () => {
    const path = file('closed');
    const history = await open(at(path));
    await history.append('wait.a', '1', '2');
    await history.write({ settle: [{ outcome: 'handled', topic: 'wait.a', position: 2 }] });
    await history.store.close();
    const again = await open(createSqliteHistory({ database: connect(path), durability: 'commit' }));
    expect(again.head.position).toBe(2);
    await again.store.close();
  });
});
