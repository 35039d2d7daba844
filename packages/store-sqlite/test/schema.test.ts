import { readFileSync } from 'node:fs';
import { createSqliteHistory } from '@hexbus/store-sqlite';
import { afterAll, describe, expect, test } from 'vitest';
import { migrations } from '../src/schema.ts';
import { drivers, open, temporaryDirectory } from './support.ts';

const directory = temporaryDirectory();
afterAll(directory.remove);

/** A history of schema 1, as the first version wrote it. Never changed, like the step that it stands for. */
const version1 = `
  CREATE TABLE history (
    one INTEGER PRIMARY KEY CHECK (one = 1), epoch TEXT NOT NULL, head INTEGER NOT NULL, time INTEGER NOT NULL, reserved INTEGER NOT NULL
  );
  CREATE TABLE topics (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, mark INTEGER NOT NULL);
  CREATE TABLE messages (
    position INTEGER PRIMARY KEY, topic_id INTEGER NOT NULL, time INTEGER NOT NULL, id TEXT NOT NULL, type TEXT, body TEXT NOT NULL,
    attributes TEXT
  );
  CREATE INDEX messages_by_topic ON messages (topic_id);
  CREATE TABLE merged_marks (pattern TEXT PRIMARY KEY, mark INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE remembered_ids (position INTEGER PRIMARY KEY, topic TEXT NOT NULL, id TEXT NOT NULL, time INTEGER NOT NULL);
  CREATE TABLE cursors (name TEXT PRIMARY KEY, epoch TEXT NOT NULL, position INTEGER NOT NULL, filter TEXT NOT NULL) WITHOUT ROWID;
  PRAGMA application_id = 1752719987;
  PRAGMA user_version = 1;
  INSERT INTO history VALUES (1, 'old-epoch', 9, 1000, 0);
  INSERT INTO topics VALUES (1, 'order.created', 4), (2, 'wait.mail', 0);
  INSERT INTO messages VALUES
    (5, 1, 1000, 'five', 'Created', '{"n":5}', '{"sender":"ann"}'),
    (7, 2, 1000, 'seven', NULL, '7', NULL);
  INSERT INTO merged_marks VALUES ('order.>', 3);
  INSERT INTO remembered_ids VALUES (6, 'order.created', 'six', 1000);
  INSERT INTO cursors VALUES ('billing', 'old-epoch', 5, '["order.>"]');
`;

test('the step to schema 1 stays what it was', () => {
  const plain = (sql: string): string =>
    sql
      .replace(/--.*/g, '')
      .replace(/\s+/g, ' ')
      .replace(/ ?([()]) ?/g, '$1')
      .trim();
  expect(plain(version1)).toContain(plain(migrations[0] as string));
});

describe.each(drivers)('on $name', ({ name, open: connect }) => {
  const file = (label: string): string => directory.file(`${name.replace(':', '-')}-${label}.db`);

  test('a file of schema 1 is brought up to date with all that it holds', async () => {
    const database = connect(file('v1'));
    database.exec(version1);
    const history = await open(createSqliteHistory({ database, clock: { now: () => 1000 } }));
    expect(history.head).toEqual({ epoch: 'old-epoch', position: 9 });
    const page = await history.page(['order.>', 'wait.mail']);
    expect(page.messages).toEqual([
      {
        position: 5,
        topic: 'order.created',
        id: 'five',
        time: 1000,
        type: 'Created',
        body: '{"n":5}',
        attributes: '{"sender":"ann"}',
      },
      { position: 7, topic: 'wait.mail', id: 'seven', time: 1000, body: '7' },
    ]);
    expect(page.trimmed).toEqual([
      { topic: 'order.>', through: 3 },
      { topic: 'order.created', through: 4 },
    ]);
    expect(await history.store.loadCursor('billing')).toEqual({
      name: 'billing',
      epoch: 'old-epoch',
      position: 5,
      filter: ['order.>'],
    });
    const { appended, settled } = await history.write({
      append: [{ topic: 'order.created', id: 'six', body: '6', deduplicate: true }],
      settle: [{ outcome: 'dead', topic: 'wait.mail', position: 7, reason: 'no such address' }],
    });
    expect(appended).toEqual([{ status: 'duplicate', position: 6, time: 1000 }]);
    expect(settled).toEqual([true]);
    expect((await history.page(['wait.mail'], { state: 'dead' })).reasons).toEqual(['no such address']);
    expect(database.prepare('PRAGMA user_version').get()).toMatchObject({ user_version: migrations.length });
    await history.store.close();
  });

  test('a file of a newer schema is refused and left as it is', async () => {
    const path = file('newer');
    const database = connect(path);
    await (await open(createSqliteHistory({ database }))).store.close();
    database.exec(`PRAGMA user_version = ${migrations.length + 1}; PRAGMA wal_checkpoint(TRUNCATE)`);
    database.close();
    const before = readFileSync(path);
    const again = connect(path);
    await expect(open(createSqliteHistory({ database: again }))).rejects.toMatchObject({
      code: 'HEXBUS_HISTORY_NEWER',
      message: expect.stringMatching(/newer hexbus .* update @hexbus\/store-sqlite/),
    });
    again.close();
    expect(readFileSync(path)).toEqual(before);
  });

  test('a step that fails leaves the file in its old schema, and the next opening brings it up to date', async () => {
    const path = file('interrupted');
    const database = connect(path);
    database.exec(version1);
    const { page_count: pages } = database.prepare('PRAGMA page_count').get() as { page_count: number };
    database.exec(`PRAGMA main.max_page_count = ${pages}`);
    await expect(open(createSqliteHistory({ database }))).rejects.toMatchObject({ code: 'HEXBUS_HISTORY_FULL' });
    expect(database.prepare('PRAGMA user_version').get()).toMatchObject({ user_version: 1 });
    database.exec('PRAGMA main.max_page_count = 1000000');
    const history = await open(createSqliteHistory({ database }));
    expect(history.head.position).toBe(9);
    await history.store.close();
  });

  test('the reads of one topic go by the index', () => {
    const database = connect(file('plans'));
    for (const step of migrations) database.exec(step);
    for (const table of ['messages', 'dead_messages']) {
      const sql = `SELECT body FROM ${table} WHERE topic_id = ? AND position > ? ORDER BY position LIMIT ?`;
      const plan = database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(1, 1, 1) as { detail: string }[];
      expect(plan.map(({ detail }) => detail)).toEqual([
        `SEARCH ${table} USING INDEX ${table}_by_topic (topic_id=? AND rowid>?)`,
      ]);
    }
    database.close();
  });
});
