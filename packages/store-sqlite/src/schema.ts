import { HexbusError } from '@hexbus/core';
import type { SqliteDatabase } from './driver.ts';

/** Marks a file as a history of hexbus: "hxbs". */
export const applicationId = 0x68786273;

/** Each step leads from the version of its index to the next. A step that was released is never changed. */
export const migrations: readonly string[] = [
  `
  -- One row. 'head' and 'time' count only where no message lies above 'head'; 'reserved' is the last position that may have been used.
  CREATE TABLE history (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    epoch TEXT NOT NULL,
    head INTEGER NOT NULL,
    time INTEGER NOT NULL,
    reserved INTEGER NOT NULL
  );
  -- Topics with messages or a trim mark. 'mark' is the highest position that a limit removed, 0 for none.
  CREATE TABLE topics (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    mark INTEGER NOT NULL
  );
  -- Streams, and what waits in held topics. 'attributes' is JSON, 'body' too.
  CREATE TABLE messages (
    position INTEGER PRIMARY KEY,
    topic_id INTEGER NOT NULL,
    time INTEGER NOT NULL,
    id TEXT NOT NULL,
    type TEXT,
    body TEXT NOT NULL,
    attributes TEXT
  );
  -- The position is part of every index entry.
  CREATE INDEX messages_by_topic ON messages (topic_id);
  -- Marks that empty topics gave up, by the pattern of their policy.
  CREATE TABLE merged_marks (pattern TEXT PRIMARY KEY, mark INTEGER NOT NULL) WITHOUT ROWID;
  -- Ids that callers gave, for deduplication, with the position and time of the first message.
  CREATE TABLE remembered_ids (position INTEGER PRIMARY KEY, topic TEXT NOT NULL, id TEXT NOT NULL, time INTEGER NOT NULL);
  -- Cursors of durable subscriptions. 'filter' is a JSON array.
  CREATE TABLE cursors (name TEXT PRIMARY KEY, epoch TEXT NOT NULL, position INTEGER NOT NULL, filter TEXT NOT NULL) WITHOUT ROWID;
  `,
  `
  -- Messages of held topics that were set aside, and why.
  CREATE TABLE dead_messages (
    position INTEGER PRIMARY KEY,
    topic_id INTEGER NOT NULL,
    time INTEGER NOT NULL,
    id TEXT NOT NULL,
    type TEXT,
    body TEXT NOT NULL,
    attributes TEXT,
    reason TEXT NOT NULL
  );
  CREATE INDEX dead_messages_by_topic ON dead_messages (topic_id);
  -- The policies that the last write brought about, as JSON; empty for none yet.
  ALTER TABLE history ADD COLUMN policies TEXT NOT NULL DEFAULT '';
  -- How far was looked for messages older than a limit, under these policies.
  CREATE TABLE age_sweeps (max_age_ms REAL PRIMARY KEY, through INTEGER NOT NULL) WITHOUT ROWID;
  `,
  `
  -- A read by a pattern asks for the marks above its start, of which there are few.
  CREATE INDEX topics_by_mark ON topics (mark) WHERE mark > 0;
  `,
];

/** Finds out what a file is, and changes nothing. Returns its schema version, 0 for an empty file; throws unless it is empty or a history. */
export function inspect(database: SqliteDatabase, file: string): number {
  // In one statement, as another process may make the file meanwhile.
  const { application, version, tables } = database
    .prepare(
      `SELECT application_id AS application, user_version AS version, (SELECT COUNT(*) FROM main.sqlite_schema) AS tables
       FROM pragma_application_id, pragma_user_version`,
    )
    .get() as { application: number; version: number; tables: number };
  if (application === 0 && version === 0 && tables === 0) return 0;
  if (application !== applicationId) {
    throw new HexbusError(
      'HEXBUS_CONFIG',
      `history ${file}: it is a database of another program, and was left as it is; give the history a file of its own`,
    );
  }
  if (version > migrations.length) {
    throw new HexbusError(
      'HEXBUS_HISTORY_NEWER',
      `history ${file}: it was written by a newer hexbus (schema ${version}, known up to ${migrations.length}), and was left as it is; ` +
        'update @hexbus/store-sqlite',
    );
  }
  return version;
}

/** Brings a file to the newest schema. To be called inside a transaction. */
export function migrate(database: SqliteDatabase, file: string): void {
  const version = inspect(database, file);
  if (version === migrations.length) return;
  for (const step of migrations.slice(version)) database.exec(step);
  database.exec(`PRAGMA main.application_id = ${applicationId}; PRAGMA main.user_version = ${migrations.length}`);
}
