import {
  createTopicMatcher,
  type Head,
  type HistoryPage,
  type Located,
  type LocateQuery,
  type ReadQuery,
  type RetentionLookup,
  type StoredMessage,
  type TopicMatcher,
} from '@hexbus/core';
import type { MessageLog } from './message-log.ts';
import { sizeOf } from './message-size.ts';
import { openSource, type Search, type Source } from './source.ts';
import type { Topics } from './topics.ts';

/** A read looks at no more messages of other topics than this, so that it never holds up the program for long. */
const maxPassedPerRead = 10_000;

/** Answers reads. Changes nothing. */
export class Reader {
  readonly #log: MessageLog;
  readonly #topics: Topics;
  readonly #retention: RetentionLookup;

  constructor(log: MessageLog, topics: Topics, retention: RetentionLookup) {
    this.#log = log;
    this.#topics = topics;
    this.#retention = retention;
  }

  read(query: ReadQuery, head: Head): HistoryPage {
    const { filter, range, state } = query;
    const matcher = createTopicMatcher(filter, this.#retention);
    const up = 'after' in range;
    const position = up ? range.after : range.before;
    const search: Search = {
      filter,
      matcher,
      state,
      direction: up ? 'up' : 'down',
      position,
      maxPassed: maxPassedPerRead,
    };
    const page = collect(this.#open(search), query);
    const end = page.end ?? (up ? head.position : 0);
    if (!up) {
      page.messages.reverse();
      page.reasons.reverse();
    }
    return {
      ...head,
      messages: page.messages,
      through: end,
      trimmed: up ? this.#topics.marksAbove(position, filter, matcher) : [],
      reasons: page.reasons,
    };
  }

  locate({ filter, from }: LocateQuery, head: Head): Located {
    const matcher = createTopicMatcher(filter, this.#retention);
    const start = this.#startOf(filter, matcher, from) ?? head.position;
    return { ...head, start, trimmed: this.#topics.marksAbove(start, filter, matcher) };
  }

  #startOf(filter: LocateQuery['filter'], matcher: TopicMatcher, from: LocateQuery['from']): number | undefined {
    const all = { filter, matcher, state: 'live', maxPassed: Infinity } as const;
    if (!('last' in from)) {
      const position = 'since' in from ? this.#log.entries.positionBefore(from.since) : 0;
      return before(this.#open({ ...all, direction: 'up', position }).next()?.position);
    }
    const source = this.#open({ ...all, direction: 'down', position: Infinity });
    let oldest: number | undefined;
    for (let count = 0; count < from.last; count++) {
      const entry = source.next();
      if (entry === undefined) break;
      oldest = entry.position;
    }
    return before(oldest);
  }

  #open(search: Search): Source {
    return openSource(search, this.#topics, this.#log.entries);
  }
}

function before(position: number | undefined): number | undefined {
  return position === undefined ? undefined : position - 1;
}

interface Collected {
  readonly messages: StoredMessage[];
  readonly reasons: string[];
  /** Where the looking ended, undefined if nothing is left. */
  readonly end: number | undefined;
}

function collect(source: Source, { limit, maxBytes, state }: ReadQuery): Collected {
  const messages: StoredMessage[] = [];
  const reasons: string[] = [];
  let bytes = 0;
  for (let entry = source.next(); entry?.message !== undefined; entry = source.next()) {
    messages.push(entry.message);
    if (state === 'dead') reasons.push(entry.reason ?? '');
    bytes += sizeOf(entry.message);
    if (messages.length >= limit || bytes > maxBytes) return { messages, reasons, end: entry.position };
  }
  return { messages, reasons, end: source.stoppedAt };
}
