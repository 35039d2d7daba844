import type { Head } from '@hexbus/core';
import type { SqliteDatabase, SqliteStatement } from './driver.ts';

/** How many positions one durable commit reserves in `os` mode. */
const blockSize = 10_000;

interface Row {
  readonly epoch: string;
  readonly head: number;
  readonly time: number;
  readonly reserved: number;
}

/**
 * The epoch, the head and the last time. The file keeps the head only where no message bears it: as long as the message with the highest
 * position is there, that is the head. In `os` mode a power cut may take the last commits, so positions are reserved in blocks by a commit
 * that it cannot take, and a file that was not closed goes on behind its last block.
 */
export class HeadRow {
  readonly #epoch: string;
  #position: number;
  #time: number;
  #reserved: number;
  readonly #database: SqliteDatabase;
  readonly #store: SqliteStatement;
  readonly #reserve: SqliteStatement;
  readonly #release: SqliteStatement;

  constructor(database: SqliteDatabase) {
    this.#database = database;
    this.#store = database.prepare('UPDATE history SET head = ?, time = ?');
    this.#reserve = database.prepare('UPDATE history SET reserved = ?');
    this.#release = database.prepare('UPDATE history SET head = ?, time = ?, reserved = 0');
    const { epoch, head, time, reserved } = database.prepare('SELECT * FROM history').get() as unknown as Row;
    const last = database
      .prepare(
        `SELECT position, time FROM (SELECT * FROM (SELECT position, time FROM messages ORDER BY position DESC LIMIT 1)
         UNION ALL SELECT * FROM (SELECT position, time FROM dead_messages ORDER BY position DESC LIMIT 1)) ORDER BY position DESC LIMIT 1`,
      )
      .get() as { position: number; time: number } | undefined;
    this.#epoch = epoch;
    this.#position = Math.max(head, last?.position ?? 0);
    this.#time = Math.max(time, last?.time ?? 0);
    this.#reserved = reserved;
  }

  get value(): Head {
    return { epoch: this.#epoch, position: this.#position };
  }

  get position(): number {
    return this.#position;
  }

  /** The time of the last message, 0 before the first. */
  get time(): number {
    return this.#time;
  }

  moveTo(position: number, time: number): void {
    this.#position = position;
    this.#time = time;
  }

  /** To be called in the transaction that removes the message at the head. */
  store(): void {
    this.#store.run(this.#position, this.#time);
  }

  /** `os` mode, outside a transaction: makes sure that the next `count` positions are never used again. */
  reserve(count: number): void {
    if (this.#position + count <= this.#reserved) return;
    const reserved = this.#position + count + blockSize;
    this.#durably(() => this.#reserve.run(reserved));
    this.#reserved = reserved;
  }

  /** `os` mode, outside a transaction: makes everything durable, so that the next opening goes on right behind the head. */
  release(): void {
    this.#durably(() => this.#release.run(this.#position, this.#time));
  }

  #durably(work: () => void): void {
    this.#database.exec('PRAGMA main.synchronous = FULL');
    try {
      work();
    } finally {
      this.#database.exec('PRAGMA main.synchronous = NORMAL');
    }
  }
}
