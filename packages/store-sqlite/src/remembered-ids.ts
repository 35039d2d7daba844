import type { OpenHistoryOptions } from '@hexbus/core';
import type { SqliteDatabase, SqliteStatement } from './driver.ts';

interface FirstAppend {
  readonly topic: string;
  readonly id: string;
  readonly position: number;
  readonly time: number;
}

/** The last ids that callers gave, with where and when each was first appended. Memory answers; the file keeps them for the next opening. */
export class RememberedIds {
  readonly #maxIds: number;
  readonly #maxAgeMs: number;
  readonly #insert: SqliteStatement;
  readonly #deleteThrough: SqliteStatement;
  readonly #byKey = new Map<string, FirstAppend>();
  #oldestFirst: FirstAppend[];
  /** How many of `#oldestFirst` are forgotten already. */
  #start = 0;
  #forgotten = 0;

  constructor(database: SqliteDatabase, { maxIds, maxAgeMs }: OpenHistoryOptions['deduplication']) {
    this.#maxIds = maxIds;
    this.#maxAgeMs = maxAgeMs;
    this.#insert = database.prepare('INSERT INTO remembered_ids (position, topic, id, time) VALUES (?, ?, ?, ?)');
    this.#deleteThrough = database.prepare('DELETE FROM remembered_ids WHERE position <= ?');
    const rows = database.prepare(
      'SELECT position, topic, id, time FROM remembered_ids ORDER BY position DESC LIMIT ?',
    );
    this.#oldestFirst = (rows.all(Math.min(maxIds, Number.MAX_SAFE_INTEGER)) as FirstAppend[]).reverse();
    for (const first of this.#oldestFirst) this.#byKey.set(keyOf(first.topic, first.id), first);
  }

  find(topic: string, id: string, now: number): FirstAppend | undefined {
    const first = this.#byKey.get(keyOf(topic, id));
    return first !== undefined && first.time >= now - this.#maxAgeMs ? first : undefined;
  }

  add(first: FirstAppend): void {
    this.#insert.run(first.position, first.topic, first.id, first.time);
    this.#forgetWhile((oldest) => oldest.time < first.time - this.#maxAgeMs);
    this.#byKey.set(keyOf(first.topic, first.id), first);
    this.#oldestFirst.push(first);
    this.#forgetWhile(() => this.#oldestFirst.length - this.#start > this.#maxIds);
  }

  /** Ends a batch, inside its transaction. */
  tidy(): void {
    if (this.#forgotten === 0) return;
    this.#deleteThrough.run(this.#forgotten);
    this.#forgotten = 0;
  }

  #forgetWhile(condition: (oldest: FirstAppend) => boolean): void {
    for (let oldest = this.#oldestFirst[this.#start]; oldest !== undefined && condition(oldest); ) {
      this.#byKey.delete(keyOf(oldest.topic, oldest.id));
      this.#forgotten = oldest.position;
      oldest = this.#oldestFirst[++this.#start];
    }
    if (this.#start < 32 || this.#start * 2 < this.#oldestFirst.length) return;
    this.#oldestFirst = this.#oldestFirst.slice(this.#start);
    this.#start = 0;
  }
}

/** A topic has no blanks, so that no two pairs share a key. */
function keyOf(topic: string, id: string): string {
  return `${topic} ${id}`;
}
