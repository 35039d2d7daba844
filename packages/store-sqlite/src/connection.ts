import { HexbusError, type OpenHistoryOptions } from '@hexbus/core';
import { fileOf, openWithNode, type SqliteDatabase, type SqliteStatement } from './driver.ts';
import { type Step, translated } from './errors.ts';
import { lock, unlock } from './lock.ts';
import { inspect, migrate } from './schema.ts';

/** How long a write waits for another program's lock on the file. The program stands still meanwhile, so it is short. */
const busyTimeoutMs = 50;

/** What a resolved write survives: `commit` the end of the process and a power cut; `os` the end of the process only. */
export type SqliteDurability = 'commit' | 'os';

/** A locked history file of the newest schema. All its errors are HexbusErrors. */
export class Connection {
  readonly database: SqliteDatabase;
  readonly file: string;
  readonly #isOwn: boolean;
  readonly #begin: SqliteStatement;
  #takeWriteLock: SqliteStatement | undefined;
  readonly #commit: SqliteStatement;
  readonly #rollback: SqliteStatement;

  private constructor(database: SqliteDatabase, file: string, isOwn: boolean) {
    this.database = database;
    this.file = file;
    this.#isOwn = isOwn;
    this.#begin = database.prepare('BEGIN');
    this.#commit = database.prepare('COMMIT');
    this.#rollback = database.prepare('ROLLBACK');
  }

  /** Opens a path, which it will close, or takes an open database, which it will not. What fails leaves the file as it was, and unlocked. */
  static open(place: string | SqliteDatabase): Connection {
    if (typeof place !== 'string') {
      const file = attempt('open', 'of the database passed in', () => fileOf(place));
      return attempt('open', file, () => Connection.#take(place, file, false));
    }
    const database = attempt('open', place, () => openWithNode(place));
    try {
      return attempt('open', place, () => Connection.#take(database, fileOf(database), true));
    } catch (error) {
      database.close();
      throw error;
    }
  }

  static #take(database: SqliteDatabase, file: string, isOwn: boolean): Connection {
    if (file === '') {
      throw new HexbusError(
        'HEXBUS_CONFIG',
        'a SQLite history needs a file; for one in memory use createMemoryHistory of @hexbus/store-memory',
      );
    }
    database.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
    inspect(database, file);
    // Whoever has the file keeps it: no use waiting.
    database.exec('PRAGMA busy_timeout = 0');
    lock(database, file);
    try {
      setPragmas(database, file);
      return new Connection(database, file, isOwn);
    } catch (error) {
      unlock(database);
      throw error;
    }
  }

  /** Brings the file to the newest schema and begins an epoch where there is none or a new one is wanted. */
  prepare({ retention, newEpoch }: OpenHistoryOptions, makeEpoch: () => string): void {
    const { database } = this;
    this.transaction(() => {
      migrate(database, this.file);
      database.exec("INSERT OR IGNORE INTO history (one, epoch, head, time, reserved) VALUES (1, '', 0, 0, 0)");
      database
        .prepare("UPDATE history SET epoch = ? WHERE epoch = '' OR ?")
        .run(makeEpoch(), newEpoch === true ? 1 : 0);
      // Of the positions that a power cut made uncertain none is used again.
      database.exec('UPDATE history SET head = MAX(head, reserved), reserved = 0 WHERE reserved > 0');
      database
        .prepare('DELETE FROM age_sweeps WHERE (SELECT policies FROM history) <> ?')
        .run(JSON.stringify(retention));
    });
    // In place of BEGIN IMMEDIATE, which would write to the lock file too: a power cut could then damage it.
    this.#takeWriteLock = database.prepare('UPDATE history SET one = 1 WHERE one = 0');
  }

  /** From now on commits are not flushed to the disk one by one. */
  relax(): void {
    this.database.exec('PRAGMA main.synchronous = NORMAL');
  }

  read<T>(work: () => T): T {
    return attempt('read', this.file, work);
  }

  write<T>(work: () => T): T {
    return attempt('write', this.file, work);
  }

  /** Runs `work` and commits. `onFailure` is called when the file may not be what `work` believed; not when nothing was begun. */
  transaction<T>(work: () => T, onFailure?: () => void): T {
    try {
      this.#begin.run();
      this.#takeWriteLock?.run();
    } catch (error) {
      this.#undo();
      throw translated(error, 'write', this.file);
    }
    let step: Step = 'write';
    try {
      const result = work();
      step = 'commit';
      this.#commit.run();
      return result;
    } catch (error) {
      this.#undo();
      onFailure?.();
      throw translated(error, step, this.file);
    }
  }

  /** For what is good to have and not needed. */
  tryTo(work: () => void): void {
    quietly(work);
  }

  /** Frees the file. Never throws: what was committed is safe, and the lock goes with the process at the latest. */
  close(): void {
    quietly(() => unlock(this.database));
    if (this.#isOwn) quietly(() => this.database.close());
  }

  #undo(): void {
    // SQLite may have rolled back by itself, and says so by an error.
    quietly(() => this.#rollback.run());
  }
}

function setPragmas(database: SqliteDatabase, file: string): void {
  // Another process that looks at the file may be in the way for a moment.
  database.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
  const { journal_mode: mode } = database.prepare('PRAGMA main.journal_mode = WAL').get() as { journal_mode: string };
  if (mode !== 'wal') {
    throw new HexbusError(
      'HEXBUS_UNSUPPORTED',
      `history ${file}: SQLite cannot keep a write-ahead log here (mode ${mode}); use a local disk, not a network share`,
    );
  }
  // fullfsync counts on macOS only, where an ordinary flush stops at the drive's cache.
  database.exec('PRAGMA main.synchronous = FULL; PRAGMA fullfsync = ON');
}

function attempt<T>(step: Step, file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw translated(error, step, file);
  }
}

function quietly(work: () => void): void {
  try {
    work();
  } catch {
    // Nothing is left to be done about it.
  }
}
