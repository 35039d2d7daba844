import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createSqliteHistory, type SqliteDatabase } from '@hexbus/store-sqlite';
import { afterAll, describe, expect, test } from 'vitest';
import { drivers, hasNodeSqlite, open, temporaryDirectory } from './support.ts';

const directory = temporaryDirectory();
afterAll(directory.remove);

const deduplicated = (id: string) => ({ topic: 'a', id, body: '1', deduplicate: true });

/** A connection whose COMMIT can be made to fail as a disk does: before or after it took effect. */
function breakable(database: SqliteDatabase): SqliteDatabase & { breakCommit: 'before' | 'after' | undefined } {
  const breaker = {
    breakCommit: undefined as 'before' | 'after' | undefined,
    exec: (sql: string) => database.exec(sql),
    close: () => database.close(),
    prepare: (sql: string) => {
      const statement = database.prepare(sql);
      if (sql !== 'COMMIT') return statement;
      const run: typeof statement.run = (...values) => {
        if (breaker.breakCommit === 'before') throw diskError();
        const result = statement.run(...values);
        if (breaker.breakCommit === 'after') throw diskError();
        return result;
      };
      return { run, get: statement.get.bind(statement), all: statement.all.bind(statement) };
    },
  };
  return breaker;
}

/** What node:sqlite throws for SQLITE_IOERR_FSYNC. */
function diskError(): Error {
  return Object.assign(new Error('disk I/O error'), { code: 'ERR_SQLITE_ERROR', errcode: 1034 });
}

describe.each(drivers)('on $name', ({ name, open: connect }) => {
  const file = (label: string): string => directory.file(`${name.replace(':', '-')}-${label}.db`);

  test.each(['before', 'after'] as const)('an unknown outcome is told, %s the commit took effect', async (when) => {
    const database = breakable(connect(file(`commit-${when}`)));
    const history = await open(createSqliteHistory({ database }));
    await history.write({ append: [deduplicated('first')] });
    database.breakCommit = when;
    const append = [deduplicated('second')];
    const settle = [{ outcome: 'handled', topic: 'wait.a', position: 9 }] as const;
    await expect(history.write({ append, settle })).rejects.toMatchObject({ code: 'HEXBUS_OUTCOME_UNKNOWN' });
    const expected = when === 'before' ? ['first'] : ['first', 'second'];
    expect(await history.ids('a')).toEqual(expected);
    expect(await history.store.summarize('a')).toMatchObject({ count: expected.length });
    database.breakCommit = undefined;
    const { before, appended } = await history.write({ append });
    expect(before).toBe(expected.length);
    expect(appended[0]).toMatchObject({ status: when === 'before' ? 'appended' : 'duplicate', position: 2 });
    expect(await history.ids('a')).toEqual(['first', 'second']);
    await history.store.close();
    database.close();
  });

  test('a lock of another program is told, and nothing is lost', async () => {
    const path = file('busy');
    const history = await open(createSqliteHistory({ database: connect(path) }));
    await history.append('a', '1');
    const other = connect(path);
    other.exec('BEGIN IMMEDIATE');
    await expect(history.append('a', '2')).rejects.toMatchObject({ code: 'HEXBUS_HISTORY_BUSY', retryable: true });
    expect(await history.ids('a')).toEqual(['1']);
    other.exec('ROLLBACK');
    expect((await history.append('a', '2')).head).toBe(2);
    other.close();
    await history.store.close();
  });

  test('a full disk is told, and the next write works when there is room', async () => {
    const database = connect(file('full'));
    const history = await open(createSqliteHistory({ database }));
    await history.write({ append: [deduplicated('1')] });
    const { page_count: pages } = database.prepare('PRAGMA page_count').get() as { page_count: number };
    database.exec(`PRAGMA main.max_page_count = ${pages}`);
    const large = { topic: 'b', id: '2', body: JSON.stringify('x'.repeat(100_000)), deduplicate: true };
    const batch = { append: [deduplicated('3'), large, deduplicated('1')] };
    await expect(history.write(batch)).rejects.toMatchObject({ code: 'HEXBUS_HISTORY_FULL', retryable: true });
    expect(await history.ids('>')).toEqual(['1']);
    expect(await history.store.summarize('b')).toMatchObject({ count: 0 });
    database.exec('PRAGMA main.max_page_count = 1000000');
    const { appended } = await history.write(batch);
    expect(appended.map(({ status }) => status)).toEqual(['appended', 'appended', 'duplicate']);
    expect(await history.ids('>')).toEqual(['1', '3', '2']);
    await history.store.close();
  });

  test('a file that cannot be written is told', async () => {
    const path = file('read-only');
    await (await open(createSqliteHistory({ database: connect(path) }))).store.close();
    const database = connect(path);
    const history = await open(createSqliteHistory({ database }));
    database.exec('PRAGMA query_only = ON');
    await expect(history.append('a', '1')).rejects.toMatchObject({ code: 'HEXBUS_HISTORY_READ_ONLY' });
    database.exec('PRAGMA query_only = OFF');
    await history.append('a', '1');
    await history.store.close();
  });

  test('a connection that was closed is told', async () => {
    const database = connect(file('closed'));
    const history = await open(createSqliteHistory({ database }));
    database.close();
    await expect(history.append('a', '1')).rejects.toMatchObject({ code: 'HEXBUS_HISTORY_FAILED' });
    await expect(history.page(['a'])).rejects.toMatchObject({ code: 'HEXBUS_HISTORY_FAILED' });
    await history.store.close();
  });

  test('what is no SQLite file is refused and left as it is', async () => {
    const path = file('letter');
    const text = 'Dear Sir or Madam, this is no database. '.repeat(200);
    writeFileSync(path, text);
    const error = await open(createSqliteHistory({ database: connect(path) })).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'HEXBUS_HISTORY_CORRUPT', message: expect.stringContaining('letter') });
    expect(readFileSync(path, 'utf8')).toBe(text);
    expect(existsSync(`${path}.lock`)).toBe(false);
  });

  test('a damaged file is told', async () => {
    const path = file('damaged');
    const connection = connect(path);
    const history = await open(createSqliteHistory({ database: connection }));
    await history.append('a', ...Array.from({ length: 2000 }, (_, index) => `${index}`));
    await history.store.close();
    connection.close();
    const whole = readFileSync(path);
    const damaged = Buffer.from(whole);
    damaged.fill(0xff, 4096);
    writeFileSync(path, damaged);
    const opening = open(createSqliteHistory({ database: connect(path) }));
    await expect(opening).rejects.toMatchObject({
      code: 'HEXBUS_HISTORY_CORRUPT',
      message: expect.stringContaining(path),
    });
    writeFileSync(path, whole);
    const restored = await open(createSqliteHistory({ database: connect(path) }));
    expect(await restored.ids('a')).toHaveLength(2000);
    await restored.store.close();
  });

  test("another program's database is refused and left as it is", async () => {
    const path = file('foreign');
    const foreign = connect(path);
    foreign.exec('CREATE TABLE songs (title TEXT)');
    foreign.close();
    const before = readFileSync(path);
    await expect(open(createSqliteHistory({ database: connect(path) }))).rejects.toMatchObject({
      code: 'HEXBUS_CONFIG',
      message: expect.stringContaining('another program'),
    });
    expect(readFileSync(path)).toEqual(before);
    expect(existsSync(`${path}.lock`)).toBe(false);
  });

  test('a database in memory is refused', async () => {
    const opening = open(createSqliteHistory({ database: connect(':memory:') }));
    await expect(opening).rejects.toMatchObject({
      code: 'HEXBUS_CONFIG',
      message: expect.stringContaining('createMemoryHistory'),
    });
  });

  test('a connection that was passed in stays open, and usable', async () => {
    const database = connect(file('given'));
    const history = await open(createSqliteHistory({ database }));
    await history.append('a', '1');
    await history.store.close();
    expect(database.prepare('SELECT COUNT(*) AS count FROM messages').get()).toMatchObject({ count: 1 });
    expect(database.prepare('PRAGMA database_list').all()).toHaveLength(1);
    database.close();
  });
});

test.runIf(hasNodeSqlite)('a path that cannot be opened is told, and leaves nothing behind', async () => {
  const path = directory.file('no/such/directory/history.db');
  const error = await open(createSqliteHistory({ file: path })).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: 'HEXBUS_CONFIG', message: expect.stringContaining(path) });
  expect(existsSync(directory.file('no'))).toBe(false);
});

test('options that do not fit are refused when the history is made', () => {
  const database = { exec: () => {}, prepare: () => ({}) } as unknown as SqliteDatabase;
  for (const [options, field] of [
    [{}, 'file'],
    [{ file: '' }, 'file'],
    [{ file: ':memory:' }, 'file'],
    [{ file: 7 }, 'file'],
    [{ file: 'a.db', database }, 'database'],
    [{ database: {} }, 'database'],
    [{ file: 'a.db', durability: 'none' }, 'durability'],
  ] as const) {
    expect(() => createSqliteHistory(options as { file: string })).toThrow(
      expect.objectContaining({ code: 'HEXBUS_CONFIG', message: expect.stringContaining(field) }),
    );
  }
});
