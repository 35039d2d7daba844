import {
  createTopicMatcher,
  type Filter,
  type Head,
  isPattern,
  type Located,
  type LocateQuery,
  type RetentionLookup,
  type TopicMatcher,
} from '@hexbus/core';
import { prepareArrays, type SqliteDatabase, type SqliteStatement } from './driver.ts';
import { Newest } from './newest.ts';
import { afterAll, Rows } from './rows.ts';
import { Scan } from './search.ts';
import type { Topics } from './topics.ts';

/** Finds where a filter starts. A pattern is looked up near the wanted end first, then topic by topic. */
export class Locator {
  readonly #topics: Topics;
  readonly #retention: RetentionLookup;
  readonly #up: Rows;
  readonly #down: Rows;
  readonly #newestAbove: (topicId: number, floor: number, limit: number) => [position: number][];
  readonly #countUpTo: SqliteStatement;
  readonly #next: SqliteStatement;

  constructor(database: SqliteDatabase, topics: Topics, retention: RetentionLookup) {
    this.#topics = topics;
    this.#retention = retention;
    this.#up = new Rows(database, 'messages', 'up');
    this.#down = new Rows(database, 'messages', 'down');
    const byTopic = 'FROM messages INDEXED BY messages_by_topic WHERE topic_id = ?';
    this.#newestAbove = prepareArrays(
      database,
      `SELECT position ${byTopic} AND position > ? ORDER BY position DESC LIMIT ?`,
    ) as (...values: number[]) => [number][];
    this.#countUpTo = database.prepare(`SELECT COUNT(*) AS count FROM (SELECT 1 ${byTopic} LIMIT ?)`);
    this.#next = database.prepare('SELECT position, time FROM messages WHERE position > ? ORDER BY position LIMIT 1');
  }

  locate({ filter, from }: LocateQuery, head: Head): Located {
    const matcher = createTopicMatcher(filter, this.#retention);
    const first =
      'last' in from
        ? this.#nthNewest(filter, matcher, from.last)
        : this.#firstAfter(filter, matcher, 'since' in from ? this.#positionBefore(from.since, head.position) : 0);
    const start = first === undefined ? head.position : first - 1;
    return { ...head, start, trimmed: this.#topics.marksAbove(start, filter, matcher) };
  }

  #firstAfter(filter: Filter, matcher: TopicMatcher, position: number): number | undefined {
    let from = position;
    if (filter.some(isPattern)) {
      const scan = new Scan(this.#up, this.#topics, matcher);
      for (const [first] of scan.places(position)) return first;
      if (scan.stoppedAt === undefined) return undefined;
      from = scan.stoppedAt;
    }
    let first: number | undefined;
    for (const id of this.#idsOf(filter, matcher)) {
      const [place] = this.#up.placesOfTopic(id, from, 1);
      if (place !== undefined && (first === undefined || place[0] < first)) first = place[0];
    }
    return first;
  }

  /** The oldest of the newest `count`. */
  #nthNewest(filter: Filter, matcher: TopicMatcher, count: number): number | undefined {
    if (count <= 0) return undefined;
    if (filter.some(isPattern)) {
      const scan = new Scan(this.#down, this.#topics, matcher);
      let found = 0;
      let oldest: number | undefined;
      for (const [position] of scan.places(afterAll)) {
        oldest = position;
        if (++found === count) return oldest;
      }
      if (scan.stoppedAt === undefined) return oldest;
    }
    const ids = this.#idsOf(filter, matcher);
    if (!this.#haveMoreThan(count, ids)) return this.#firstAfter(filter, matcher, 0);
    const newest = new Newest(count);
    // What is new is mostly of topics that are new, and spares reading the others.
    for (const id of ids.reverse()) {
      for (const [position] of this.#newestAbove(id, newest.floor, count)) newest.add(position);
    }
    return newest.oldest;
  }

  /** Counted where nothing is read, and no further than it matters. */
  #haveMoreThan(count: number, ids: readonly number[]): boolean {
    let left = count;
    for (const id of ids) {
      left -= (this.#countUpTo.get(id, Math.min(left + 1, afterAll)) as { count: number }).count;
      if (left < 0) return true;
    }
    return false;
  }

  #idsOf(filter: Filter, matcher: TopicMatcher): number[] {
    if (filter.some(isPattern)) return this.#topics.matching(matcher);
    return [...new Set(filter)].flatMap((name) => this.#topics.find(name)?.id ?? []);
  }

  /** A position before the first message of that time or later, and not before any earlier one. Times never fall. */
  #positionBefore(time: number, head: number): number {
    let low = 0;
    let high = head;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const row = this.#next.get(middle) as { position: number; time: number } | undefined;
      if (row === undefined || row.time >= time) high = middle;
      else low = row.position;
    }
    return low;
  }
}
