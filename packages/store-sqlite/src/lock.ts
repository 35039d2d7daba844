import { HexbusError } from '@hexbus/core';
import type { SqliteDatabase } from './driver.ts';
import { resultCodeOf } from './errors.ts';

/**
 * Makes this connection the only history on its file, over all processes, until it ends or `unlock` is called. Throws `HEXBUS_HISTORY_IN_USE` at
 * once if another one is. The lock is the operating system's, on an empty database beside the file: it goes with the process, however that ends,
 * and other programs can go on reading the file itself. The lock file stays when the history is closed, since removing it would race with
 * the next one to open it.
 */
export function lock(database: SqliteDatabase, file: string): void {
  if (holdsLock(database)) throw inUse(file);
  try {
    database.prepare('ATTACH ? AS hexbus_lock').run(`${file}.lock`);
    // In this mode SQLite keeps the write lock of a transaction for good. Nothing is written: a journal in memory, rolled back.
    database.exec('PRAGMA hexbus_lock.locking_mode = EXCLUSIVE; PRAGMA hexbus_lock.journal_mode = MEMORY; BEGIN');
    try {
      database.exec('CREATE TABLE hexbus_lock.holder (id)');
    } finally {
      database.exec('ROLLBACK');
    }
  } catch (error) {
    if (holdsLock(database)) unlock(database);
    throw resultCodeOf(error) === 'BUSY' ? inUse(file, error) : error;
  }
}

/** Lets the next one open the file. To be called outside a transaction. */
export function unlock(database: SqliteDatabase): void {
  database.exec('DETACH hexbus_lock');
}

function holdsLock(database: SqliteDatabase): boolean {
  const attached = database.prepare('PRAGMA database_list').all() as { name: string }[];
  return attached.some(({ name }) => name === 'hexbus_lock');
}

function inUse(file: string, cause?: unknown): HexbusError {
  return new HexbusError(
    'HEXBUS_HISTORY_IN_USE',
    `history ${file}: another bus has it open, in this or another process; close that one, or give this bus a file of its own`,
    { cause },
  );
}
