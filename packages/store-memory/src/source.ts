import { isPattern, type ReadQuery, type TopicMatcher } from '@hexbus/core';
import type { EntryLog } from './entry-log.ts';
import type { PositionList } from './position-list.ts';
import type { Entry, TopicLog } from './topic-log.ts';
import type { Topics } from './topics.ts';

/** What to look for, and from where: above a position in rising order, or below it in falling order. */
export interface Search {
  readonly filter: readonly string[];
  readonly matcher: TopicMatcher;
  readonly state: ReadQuery['state'];
  readonly direction: 'up' | 'down';
  readonly position: number;
  /** How many messages of other topics to pass before giving up. */
  readonly maxPassed: number;
}

/** Hands out the entries of a search one by one. */
export interface Source {
  next(): Entry | undefined;
  /** After `next` gave undefined: where it gave up; undefined if it looked to the end. */
  readonly stoppedAt: number | undefined;
}

export function openSource(search: Search, topics: Topics, entries: EntryLog): Source {
  if (search.filter.some(isPattern)) return new ScanSource(search, entries);
  const names = [...new Set(search.filter)];
  const lists = names.flatMap((name) => topics.get(name)?.[search.state] ?? []);
  const sources = lists.map((list) => new ListSource(list, search));
  return sources.length === 1 ? (sources[0] as Source) : new MergeSource(sources, search.direction);
}

/** One topic, by its own list. */
class ListSource implements Source {
  readonly stoppedAt = undefined;
  readonly #list: PositionList<Entry>;
  readonly #step: 1 | -1;
  #index: number;

  constructor(list: PositionList<Entry>, { direction, position }: Search) {
    this.#list = list;
    this.#step = direction === 'up' ? 1 : -1;
    this.#index = direction === 'up' ? list.indexAfter(position) : list.indexAfter(position - 1) - 1;
  }

  next(): Entry | undefined {
    if (this.#index < 0) return undefined;
    const entry = this.#list.at(this.#index);
    this.#index += this.#step;
    return entry;
  }
}

/** Several topics by name. */
class MergeSource implements Source {
  readonly stoppedAt = undefined;
  readonly #sources: readonly ListSource[];
  readonly #heads: (Entry | undefined)[];
  readonly #sign: 1 | -1;

  constructor(sources: readonly ListSource[], direction: Search['direction']) {
    this.#sources = sources;
    this.#heads = sources.map((source) => source.next());
    this.#sign = direction === 'up' ? 1 : -1;
  }

  next(): Entry | undefined {
    let best = -1;
    let found: Entry | undefined;
    for (const [index, entry] of this.#heads.entries()) {
      if (entry === undefined || (found !== undefined && (entry.position - found.position) * this.#sign > 0)) continue;
      best = index;
      found = entry;
    }
    if (found !== undefined) this.#heads[best] = this.#sources[best]?.next();
    return found;
  }
}

/** Patterns: looks at every message, and asks the matcher once for each topic. */
class ScanSource implements Source {
  stoppedAt: number | undefined;
  readonly #entries: EntryLog;
  readonly #matcher: TopicMatcher;
  readonly #isDead: boolean;
  readonly #known = new Map<TopicLog, boolean>();
  readonly #step: 1 | -1;
  #mayPass: number;
  #index: number;

  constructor({ matcher, state, direction, position, maxPassed }: Search, entries: EntryLog) {
    this.#entries = entries;
    this.#matcher = matcher;
    this.#isDead = state === 'dead';
    this.#mayPass = maxPassed;
    this.#step = direction === 'up' ? 1 : -1;
    this.#index = direction === 'up' ? entries.indexAfter(position) : entries.indexAfter(position - 1) - 1;
  }

  next(): Entry | undefined {
    for (;;) {
      const entry = this.#entries.at(this.#index);
      if (entry === undefined) return undefined;
      this.#index += this.#step;
      const inState = entry.message !== undefined && (entry.reason !== undefined) === this.#isDead;
      if (inState && this.#matches(entry.topic)) return entry;
      if (--this.#mayPass > 0) continue;
      this.stoppedAt = entry.position;
      return undefined;
    }
  }

  #matches(topic: TopicLog): boolean {
    let known = this.#known.get(topic);
    if (known === undefined) {
      known = this.#matcher.matches(topic.name);
      this.#known.set(topic, known);
    }
    return known;
  }
}
