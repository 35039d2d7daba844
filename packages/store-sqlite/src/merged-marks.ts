import { isPattern, patternsOverlap, type RetentionLookup } from '@hexbus/core';
import type { SqliteDatabase, SqliteStatement } from './driver.ts';

/** Trim marks that stand for all topics under a policy's pattern whose own were given up. There is at most one per policy, so all are in memory. */
export class MergedMarks {
  readonly #retention: RetentionLookup;
  readonly #marks: Map<string, number>;
  readonly #store: SqliteStatement;

  constructor(database: SqliteDatabase, retention: RetentionLookup) {
    this.#retention = retention;
    this.#store = database.prepare('INSERT OR REPLACE INTO merged_marks VALUES (?, ?)');
    const rows = database.prepare('SELECT pattern, mark FROM merged_marks').all() as {
      pattern: string;
      mark: number;
    }[];
    this.#marks = new Map(rows.map(({ pattern, mark }) => [pattern, mark]));
  }

  get highest(): number {
    return Math.max(0, ...this.#marks.values());
  }

  raise(pattern: string, mark: number): void {
    if (mark <= (this.#marks.get(pattern) ?? 0)) return;
    this.#marks.set(pattern, mark);
    this.#store.run(pattern, mark);
  }

  /** The mark that a topic may have given up: what it starts with when it appears anew. */
  inheritedBy(topic: string): number {
    let highest = 0;
    for (const [pattern, mark] of this.#marks) {
      if (mark > highest && patternsOverlap(pattern, topic)) highest = mark;
    }
    return highest;
  }

  /** Adds the marks above a position that concern an entry of a filter. */
  collect(entry: string, above: number, found: Map<string, number>): void {
    for (const [pattern, mark] of this.#marks) {
      // A pattern in place of a topic finds the policy that the topics under it have.
      const passedBy = isPattern(entry) && this.#retention.isHeld(pattern);
      if (mark > above && !passedBy && patternsOverlap(pattern, entry)) found.set(pattern, mark);
    }
  }
}
