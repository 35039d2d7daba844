import {
  createTopicMatcher,
  type Filter,
  type Head,
  type HistoryPage,
  isPattern,
  type NamedCursor,
  type ReadQuery,
  type RetentionLookup,
  type StoredMessage,
  type TopicMatcher,
  type TopicSummary,
} from '@hexbus/core';
import type { SqliteDatabase, SqliteStatement } from './driver.ts';
import { afterAll, messageOf, type Row, Rows } from './rows.ts';
import { namedRows, Scan, topicRows } from './search.ts';
import type { Topics } from './topics.ts';

/** Answers reads. Changes nothing. */
export class Reader {
  readonly #topics: Topics;
  readonly #retention: RetentionLookup;
  readonly #rows: Record<ReadQuery['state'], { readonly up: Rows; readonly down: Rows }>;
  readonly #cursor: SqliteStatement;
  readonly #countDead: SqliteStatement;

  constructor(database: SqliteDatabase, topics: Topics, retention: RetentionLookup) {
    this.#topics = topics;
    this.#retention = retention;
    this.#rows = {
      live: { up: new Rows(database, 'messages', 'up'), down: new Rows(database, 'messages', 'down') },
      dead: { up: new Rows(database, 'dead_messages', 'up'), down: new Rows(database, 'dead_messages', 'down') },
    };
    this.#cursor = database.prepare('SELECT name, epoch, position, filter FROM cursors WHERE name = ?');
    this.#countDead = database.prepare('SELECT COUNT(*) AS count FROM dead_messages WHERE topic_id = ?');
  }

  read(query: ReadQuery, head: Head): HistoryPage {
    this.#topics.forgetOld();
    const { filter, range } = query;
    const matcher = createTopicMatcher(filter, this.#retention);
    if ('after' in range) {
      const { messages, reasons, end } = this.#collect(query, matcher, 'up', range.after);
      const trimmed = this.#topics.marksAbove(range.after, filter, matcher);
      return { ...head, messages, through: end ?? head.position, trimmed, reasons };
    }
    const { messages, reasons, end } = this.#collect(query, matcher, 'down', Math.min(range.before, afterAll));
    return { ...head, messages: messages.reverse(), through: end ?? 0, trimmed: [], reasons: reasons.reverse() };
  }

  loadCursor(name: string): NamedCursor | undefined {
    const row = this.#cursor.get(name) as (Omit<NamedCursor, 'filter'> & { readonly filter: string }) | undefined;
    if (row === undefined) return undefined;
    return { name, epoch: row.epoch, position: row.position, filter: JSON.parse(row.filter) as Filter };
  }

  summarize(name: string): TopicSummary {
    const topic = this.#topics.find(name);
    if (topic === undefined) return { count: 0, dead: 0, first: undefined, last: undefined };
    const { up, down } = this.#rows.live;
    return {
      count: this.#topics.countOf(topic),
      dead: (this.#countDead.get(topic.id) as { count: number }).count,
      first: up.placesOfTopic(topic.id, 0, 1)[0]?.[0],
      last: down.placesOfTopic(topic.id, afterAll, 1)[0]?.[0],
    };
  }

  /** The messages of a page, in the order of the direction, and where the looking ended; undefined if nothing is left. */
  #collect(query: ReadQuery, matcher: TopicMatcher, direction: 'up' | 'down', position: number): Collected {
    const rows = this.#rows[query.state][direction];
    const scan = query.filter.some(isPattern) ? new Scan(rows, this.#topics, matcher) : undefined;
    const found = scan?.matching(position) ?? this.#byNames(rows, direction, query, position);
    const messages: StoredMessage[] = [];
    const reasons: string[] = [];
    let bytes = 0;
    for (const row of found) {
      const message = messageOf(row, this.#topics.byId(row[1])?.name ?? '');
      messages.push(message);
      if (query.state === 'dead') reasons.push(row[7] ?? '');
      bytes += sizeOf(message);
      if (messages.length >= query.limit || bytes > query.maxBytes) return { messages, reasons, end: message.position };
    }
    return { messages, reasons, end: scan?.stoppedAt };
  }

  #byNames(rows: Rows, direction: 'up' | 'down', { filter, limit }: ReadQuery, position: number): Iterable<Row> {
    const ids = this.#idsOf(filter);
    const [only] = ids;
    if (only === undefined) return [];
    return ids.length === 1
      ? topicRows(rows, only, position)
      : namedRows(rows, direction, ids, position, Math.min(limit, afterAll));
  }

  #idsOf(filter: Filter): number[] {
    return [...new Set(filter)].flatMap((name) => this.#topics.find(name)?.id ?? []);
  }
}

interface Collected {
  readonly messages: StoredMessage[];
  readonly reasons: string[];
  readonly end: number | undefined;
}

/** What `maxBytes` counts: the length of a message's own texts. */
function sizeOf({ id, type, body, attributes }: StoredMessage): number {
  return id.length + (type?.length ?? 0) + body.length + (attributes?.length ?? 0);
}
