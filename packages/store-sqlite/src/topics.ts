import { isPattern, type RetentionLookup, type RetentionPolicy, type TopicMatcher, type TrimMark } from '@hexbus/core';
import type { SqliteDatabase, SqliteStatement } from './driver.ts';
import { MergedMarks } from './merged-marks.ts';
import { TopicCache } from './topic-cache.ts';

/** How many topics without messages keep a trim mark of their own. */
const maxEmptyTopics = 10_000;

/** How many rows are fetched in one query. */
const rowsAtOnce = 1000;

/** What is known of a topic that has messages or a mark. */
export interface Topic {
  readonly id: number;
  readonly name: string;
  readonly policy: RetentionPolicy | undefined;
  /** The highest position that a limit removed. */
  mark: number;
  /** How many messages are live; undefined until somebody needs to know. */
  count: number | undefined;
  /** Whether it has neither live nor dead messages; undefined until somebody needs to know. */
  isEmpty: boolean | undefined;
}

interface Row {
  readonly id: number;
  readonly name: string;
  readonly mark: number;
}

const isEmptySql =
  'NOT EXISTS (SELECT 1 FROM messages WHERE topic_id = topics.id) AND NOT EXISTS (SELECT 1 FROM dead_messages WHERE topic_id = topics.id)';

/** The topics of the file. Those of late are cached; whatever changes the cache and the file does so in one transaction. */
export class Topics {
  readonly #retention: RetentionLookup;
  readonly #cache = new TopicCache<Topic>();
  readonly #merged: MergedMarks;
  readonly #byName: SqliteStatement;
  readonly #byId: SqliteStatement;
  readonly #insert: SqliteStatement;
  readonly #delete: SqliteStatement;
  readonly #count: SqliteStatement;
  readonly #probeEmpty: SqliteStatement;
  readonly #lowestEmpty: SqliteStatement;
  readonly #mark: SqliteStatement;
  readonly #marksAbove: SqliteStatement;
  readonly #following: SqliteStatement;
  #nextId: number;
  #highestMark: number;
  #empty: number;

  constructor(database: SqliteDatabase, retention: RetentionLookup) {
    this.#retention = retention;
    this.#merged = new MergedMarks(database, retention);
    this.#byName = database.prepare('SELECT id, name, mark FROM topics WHERE name = ?');
    this.#byId = database.prepare('SELECT id, name, mark FROM topics WHERE id = ?');
    this.#insert = database.prepare('INSERT INTO topics (id, name, mark) VALUES (?, ?, ?)');
    this.#delete = database.prepare('DELETE FROM topics WHERE id = ?');
    this.#count = database.prepare('SELECT COUNT(*) AS count FROM messages WHERE topic_id = ?');
    this.#probeEmpty = database.prepare(`SELECT ${isEmptySql} AS empty FROM topics WHERE id = ?`);
    this.#lowestEmpty = database.prepare(`SELECT id, name, mark FROM topics WHERE ${isEmptySql} ORDER BY mark LIMIT ?`);
    this.#mark = database.prepare('UPDATE topics SET mark = ? WHERE id = ?');
    // The first condition is the one that SQLite looks up in the index, the second one says that the index may be used.
    this.#marksAbove = database.prepare(
      'SELECT id, name, mark FROM topics INDEXED BY topics_by_mark WHERE mark > ? AND mark > 0',
    );
    this.#following = database.prepare('SELECT id, name, mark FROM topics WHERE id > ? ORDER BY id LIMIT ?');
    const totals = database
      .prepare(`SELECT MAX(id) AS last, MAX(mark) AS highest, TOTAL(${isEmptySql}) AS empty FROM topics`)
      .get() as { last: number | null; highest: number | null; empty: number };
    this.#nextId = (totals.last ?? 0) + 1;
    this.#highestMark = Math.max(totals.highest ?? 0, this.#merged.highest);
    this.#empty = totals.empty;
  }

  find(name: string): Topic | undefined {
    return this.#cache.byName(name) ?? this.#loaded(this.#byName.get(name));
  }

  byId(id: number): Topic | undefined {
    return this.#cache.byId(id) ?? this.#loaded(this.#byId.get(id));
  }

  /** The topic of a message about to be appended. */
  obtain(name: string): Topic {
    const topic = this.find(name) ?? this.#create(name);
    if (this.#isEmpty(topic)) this.#empty--;
    topic.isEmpty = false;
    return topic;
  }

  countOf(topic: Topic): number {
    topic.count ??= (this.#count.get(topic.id) as { count: number }).count;
    return topic.count;
  }

  /** To be called when live messages have come or gone. */
  countChanged(topic: Topic, by: number): void {
    if (topic.count !== undefined) topic.count += by;
  }

  /** To be called when messages of a topic were removed. */
  shrunk(topic: Topic): void {
    if (topic.isEmpty === true || (topic.count ?? 0) > 0) return;
    topic.isEmpty = undefined;
    if (this.#isEmpty(topic)) this.#empty++;
  }

  raiseMark(topic: Topic, position: number): void {
    if (position <= topic.mark) return;
    topic.mark = position;
    this.#highestMark = Math.max(this.#highestMark, position);
    this.#mark.run(position, topic.id);
  }

  /** Keeps the number of empty topics bounded. To be called at the end of a batch, inside its transaction. */
  tidy(): void {
    while (this.#empty > maxEmptyTopics) this.#dropLowestEmpty();
  }

  /** Keeps the number of cached topics bounded. To be called when nobody holds one. */
  forgetOld(): void {
    this.#cache.age();
  }

  /** The marks above a position that a reader of the filter has to know. */
  marksAbove(position: number, filter: readonly string[], matcher: TopicMatcher): TrimMark[] {
    if (position >= this.#highestMark) return [];
    const found = new Map<string, number>();
    for (const entry of filter) {
      const topic = isPattern(entry) ? undefined : this.find(entry);
      if (topic === undefined) this.#merged.collect(entry, position, found);
      else if (topic.mark > position) found.set(entry, topic.mark);
    }
    if (filter.some(isPattern)) {
      for (const { name, mark } of this.#marksAbove.all(position) as Row[]) {
        if (matcher.matches(name)) found.set(name, mark);
      }
    }
    return Array.from(found, ([topic, through]) => ({ topic, through }));
  }

  /** The ids of all topics that a filter matches. Looks at every topic. */
  matching(matcher: TopicMatcher): number[] {
    const ids: number[] = [];
    for (let after = 0, more = true; more; ) {
      const rows = this.#following.all(after, rowsAtOnce) as Row[];
      for (const { id, name } of rows) if (matcher.matches(name)) ids.push(id);
      after = rows.at(-1)?.id ?? after;
      more = rows.length === rowsAtOnce;
    }
    return ids;
  }

  #create(name: string): Topic {
    const mark = this.#merged.inheritedBy(name);
    const id = this.#nextId++;
    this.#insert.run(id, name, mark);
    this.#empty++;
    return this.#cache.add({ id, name, policy: this.#retention.policyOf(name), mark, count: 0, isEmpty: true });
  }

  #loaded(row: unknown): Topic | undefined {
    if (row === undefined) return undefined;
    const { id, name, mark } = row as Row;
    return this.#cache.add({
      id,
      name,
      policy: this.#retention.policyOf(name),
      mark,
      count: undefined,
      isEmpty: undefined,
    });
  }

  #isEmpty(topic: Topic): boolean {
    topic.isEmpty ??= (this.#probeEmpty.get(topic.id) as { empty: number }).empty === 1;
    return topic.isEmpty;
  }

  /** The half with the lowest marks becomes one mark per policy. Those without a mark are simply forgotten. */
  #dropLowestEmpty(): void {
    const rows = this.#lowestEmpty.all(this.#empty >>> 1) as Row[];
    for (const { id, name, mark } of rows) {
      if (mark > 0) this.#merged.raise(this.#retention.policyOf(name)?.pattern ?? name, mark);
      this.#delete.run(id);
      this.#cache.remove(id, name);
    }
    // Should the count ever be wrong, this must still come to an end.
    this.#empty = rows.length === 0 ? 0 : this.#empty - rows.length;
  }
}
