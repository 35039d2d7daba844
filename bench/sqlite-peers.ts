import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import BetterSqlite from 'better-sqlite3';
import { bodyOf } from './bodies.ts';

export type Durability = 'commit' | 'os';

/** Appends as one durable step the messages `from` up to, but not including, `to`. */
export type AppendBatch = (from: number, to: number) => unknown;

export interface Appender {
  readonly append: AppendBatch;
  close(): unknown;
}

/** A file of JSON lines: one write per batch, flushed if it is to survive a power cut. */
export function rawFile(folder: string, durability: Durability): Appender {
  const file = openSync(join(folder, 'raw.log'), 'a');
  return {
    append(from, to) {
      let lines = '';
      for (let index = from; index < to; index++) lines += `${JSON.stringify(bodyOf(index))}\n`;
      writeSync(file, lines);
      if (durability === 'commit') fdatasyncSync(file);
    },
    close: () => closeSync(file),
  };
}

/** What node:sqlite and better-sqlite3 have in common. */
export interface Database {
  exec(sql: string): unknown;
  prepare(sql: string): {
    run(...values: (number | string | null)[]): unknown;
    all(...values: (number | string)[]): unknown[];
  };
  close(): unknown;
}

export const drivers: Record<'node:sqlite' | 'better-sqlite3', (file: string) => Database> = {
  'node:sqlite': (file) => new DatabaseSync(file),
  'better-sqlite3': (file) => new BetterSqlite(file),
};

/** What one would write by hand: a prepared insert in a loop, with the columns and the index of the history of hexbus. */
export function handWritten(
  folder: string,
  durability: Durability,
  open: (file: string) => Database,
  topics: number,
): Appender {
  const database = open(join(folder, 'loop.db'));
  database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${durability === 'commit' ? 'FULL' : 'NORMAL'}`);
  database.exec(`
    CREATE TABLE messages (position INTEGER PRIMARY KEY, topic_id INTEGER NOT NULL, time INTEGER NOT NULL, id TEXT NOT NULL, type TEXT, body TEXT NOT NULL, attributes TEXT);
    CREATE INDEX messages_by_topic ON messages (topic_id)`);
  const begin = database.prepare('BEGIN IMMEDIATE');
  const insert = database.prepare('INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?)');
  const commit = database.prepare('COMMIT');
  return {
    append(from, to) {
      const now = Date.now();
      begin.run();
      for (let index = from; index < to; index++) {
        insert.run(
          index + 1,
          index % topics,
          now,
          `id-${index.toString(36)}`,
          null,
          JSON.stringify(bodyOf(index)),
          null,
        );
      }
      commit.run();
    },
    close: () => database.close(),
  };
}
