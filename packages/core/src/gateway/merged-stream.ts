import { Backoff } from '../bus/backoff.ts';
import { Feed, type FeedStart } from '../bus/feed.ts';
import type { Gap } from '../bus/losses.ts';
import { busDefaults } from '../bus/options.ts';
import type { RetainedParts } from '../bus/retained-parts.ts';
import { WakeLoop } from '../bus/wake-loop.ts';
import type { CursorParts } from '../cursor.ts';
import { RetainedMessage } from '../message.ts';
import { patternsOverlap } from '../pattern.ts';
import type { Filter } from '../ports/history-store.ts';
import type { TopicMatcher } from '../retention.ts';
import { formatToken } from './token.ts';

/** Where a merged stream goes. Every method returns at once. */
export interface StreamSink {
  /** Whether another message may be given. When there is room again, the stream must be woken. */
  readonly hasRoom: boolean;
  /** A message for every subscription that it matches, all of which are settled. */
  event(message: RetainedMessage): void;
  /** A message for these subscriptions alone. */
  eventFor(message: RetainedMessage, subs: readonly number[], token: string): void;
  gap(gap: Gap, subs: readonly number[]): void;
  /** All positions are void, of these subscriptions or of all: they go on at the beginning of another epoch. */
  reset(token: string, subs?: readonly number[]): void;
  error(error: unknown): void;
}

/** One subscription of a connection. */
interface StreamFilter {
  readonly id: number;
  readonly entries: Filter;
  readonly matcher: TopicMatcher;
  /** Behind the main position: what feeds it. */
  feed?: Feed | undefined;
  /** Ahead of the main position: where it begins, and the losses before that. */
  ahead?: FeedStart | undefined;
}

/**
 * Everything retained that one connection follows, as one stream with one main position. A subscription is settled (it follows the main position),
 * behind (it started earlier, and is fed by itself until it meets the main position), or ahead (it starts later). Nothing is held for a sink
 * without room: the position waits, and the history is read again. Knows no frames, no clients and no rights.
 */
export class MergedStream {
  readonly #side: RetainedParts;
  readonly #sink: StreamSink;
  readonly #filters = new Map<number, StreamFilter>();
  readonly #loop: WakeLoop;
  readonly #backoff: Backoff;
  #main: Feed;
  /** None of the filters is behind or ahead. */
  #allSettled = true;
  /** How many subscriptions the main stream feeds. Without any it reads nothing and stays where it is. */
  #served = 0;
  #ended = false;

  constructor(side: RetainedParts, sink: StreamSink, start: CursorParts) {
    this.#side = side;
    this.#sink = sink;
    this.#loop = new WakeLoop(() => this.#run(), sink.error.bind(sink));
    this.#backoff = new Backoff(side.clock, busDefaults.retryDelayMs, busDefaults.maxRetryDelayMs);
    this.#main = this.#makeMain(start);
  }

  get epoch(): string {
    return this.#main.epoch;
  }

  /** Everything of the settled subscriptions up to here was given to the sink. */
  get position(): CursorParts {
    return { epoch: this.#main.epoch, position: this.#main.position };
  }

  get token(): string {
    return this.#tokenAt(this.#main.position);
  }

  /** How many positions of the history lie between the stream and the head. */
  get lag(): number {
    const { tail } = this.#side;
    return tail.epoch === this.#main.epoch ? Math.max(0, tail.head - this.#main.position) : tail.head;
  }

  /** How far the stream is for one subscription; undefined if it has none of that id. */
  positionOf(id: number): number | undefined {
    const filter = this.#filters.get(id);
    return filter === undefined ? undefined : (this.#ownPosition(filter) ?? this.#main.position);
  }

  /**
   * Adds a subscription that begins at `start`. It counts from this call on: the token covers it. The messages of its topics must be pushed from
   * before `start` was resolved.
   */
  add(id: number, entries: Filter, matcher: TopicMatcher, start: FeedStart): void {
    const filter: StreamFilter = { id, entries, matcher };
    const { epoch, position } = this.position;
    this.#filters.set(id, filter);
    if (start.epoch !== epoch || start.position < position) filter.feed = this.#feed(filter, start);
    else if (start.position > position) filter.ahead = start;
    this.#replaceMain();
    this.#loop.wake();
  }

  remove(id: number): void {
    const filter = this.#filters.get(id);
    if (filter === undefined) return;
    this.#filters.delete(id);
    filter.feed?.end();
    this.#replaceMain();
  }

  /** A message was committed that some subscription matches. */
  push(message: RetainedMessage): void {
    if (this.#allSettled) {
      this.#main.push(message);
      return;
    }
    let forMain = false;
    for (const filter of this.#filters.values()) {
      if (!filter.matcher.matches(message.topic)) continue;
      if (filter.feed === undefined) forMain = true;
      else filter.feed.push(message);
    }
    if (forMain) this.#main.push(message);
  }

  /** What the bus knew of the head is no longer sure. */
  doubt(): void {
    this.#main.doubt();
    for (const { feed } of this.#filters.values()) feed?.doubt();
  }

  /** The sink may have room again. */
  wake(): void {
    this.#loop.wake();
  }

  end(): void {
    this.#ended = true;
    this.#main.end();
    for (const { feed } of this.#filters.values()) feed?.end();
    this.#filters.clear();
    this.#backoff.end();
    void this.#loop.stop();
  }

  /** A page of each subscription that is behind, then one of the main stream, and again, until nothing follows or there is no room. */
  async #run(): Promise<void> {
    while (!this.#ended && this.#sink.hasRoom) {
      try {
        let moved = false;
        for (const filter of [...this.#filters.values()]) moved = (await this.#feedBehind(filter)) || moved;
        moved = (await this.#feedMain()) || moved;
        this.#backoff.reset();
        if (!moved) return;
      } catch (error) {
        if (this.#ended) return;
        this.#sink.error(error);
        await this.#backoff.pause();
      }
      // Between two pages the others have their turn, and what was given so far is sent.
      await new Promise<void>((resolve) => this.#side.clock.nextTurn(resolve));
    }
  }

  /** Resolves with whether there may be more. */
  async #feedMain(): Promise<boolean> {
    const main = this.#main;
    if (this.#served === 0) return false;
    if (main.peek() === undefined && !main.idle) await main.fill();
    // A subscription was added or removed meanwhile: the page was read for the wrong ones.
    if (this.#main !== main) return true;
    for (;;) {
      const item = main.peek();
      if (item === undefined) break;
      if (item instanceof RetainedMessage) {
        if (!this.#sink.hasRoom) {
          main.release();
          return false;
        }
        main.take();
        this.#give(item);
      } else {
        main.take();
        if (item.kind === 'gap') this.#tellGap(item.gap);
        else this.#goOver(main.epoch);
      }
    }
    this.#settleAhead();
    return !main.idle;
  }

  /** Resolves with whether there may be more. */
  async #feedBehind(filter: StreamFilter): Promise<boolean> {
    const { feed } = filter;
    if (feed === undefined) return false;
    const foreign = feed.epoch !== this.#main.epoch;
    // The main stream is about to be told of the epoch in which this one starts.
    if (foreign && feed.epoch === this.#side.tail.epoch) return false;
    if (feed.peek() === undefined && !feed.idle && (foreign || feed.position < this.#main.position)) await feed.fill();
    if (filter.feed !== feed || this.#ended) return true;
    for (;;) {
      const item = feed.peek();
      if (item === undefined) break;
      if (item instanceof RetainedMessage) {
        if (item.position > this.#main.position) break;
        if (!this.#sink.hasRoom) {
          feed.release();
          return false;
        }
        feed.take();
        this.#sink.eventFor(item, [filter.id], this.token);
      } else {
        feed.take();
        if (item.kind === 'gap') this.#tellOwnGap(filter, item.gap);
        else if (feed.epoch === this.#main.epoch) this.#sink.reset(this.token, [filter.id]);
        else {
          this.#goOver(feed.epoch);
          return true;
        }
      }
    }
    if (feed.peek() === undefined && feed.position < this.#main.position) return !feed.idle;
    this.#settle(filter);
    return true;
  }

  /** It has met the main position: the main stream goes on for it too. */
  #settle(filter: StreamFilter): void {
    filter.feed?.end();
    filter.feed = undefined;
    this.#replaceMain();
  }

  #settleAhead(): void {
    if (this.#allSettled) return;
    const { position } = this.#main;
    let settled = false;
    for (const filter of this.#filters.values()) {
      if (filter.ahead === undefined || filter.ahead.position > position) continue;
      filter.ahead = undefined;
      settled = true;
    }
    if (settled) this.#noteSettled();
  }

  #give(message: RetainedMessage): void {
    if (this.#allSettled) {
      this.#sink.event(message);
      return;
    }
    const subs: number[] = [];
    for (const { id, feed, ahead, matcher } of this.#filters.values()) {
      if (feed !== undefined || message.position <= (ahead?.position ?? 0)) continue;
      if (matcher.matches(message.topic)) subs.push(id);
    }
    if (subs.length > 0) this.#sink.eventFor(message, subs, this.#tokenAt(message.position));
  }

  #tellGap(gap: Gap): void {
    const subs: number[] = [];
    for (const { id, feed, ahead, entries } of this.#filters.values()) {
      if (feed !== undefined || gap.to <= (ahead?.position ?? 0)) continue;
      if (ahead?.known?.some(({ topic, through }) => through >= gap.to && gap.topics.includes(topic)) === true)
        continue;
      if (touches(gap.topics, entries)) subs.push(id);
    }
    if (subs.length > 0) this.#sink.gap(gap, subs);
  }

  /** Of what lies beyond the main position, the main stream will tell. */
  #tellOwnGap(filter: StreamFilter, gap: Gap): void {
    const { position } = this.#main;
    if (gap.from <= position) this.#sink.gap({ ...gap, to: Math.min(gap.to, position) }, [filter.id]);
  }

  /** The stream goes on at the beginning of another epoch. What starts in that epoch already keeps its start. */
  #goOver(epoch: string): void {
    for (const filter of this.#filters.values()) {
      const { feed, ahead } = filter;
      if (feed !== undefined) {
        const starts = feed.epoch === epoch && feed.position > 0;
        filter.ahead = starts ? { epoch, position: feed.position, known: feed.known } : undefined;
        feed.end();
        filter.feed = undefined;
      } else if (ahead?.epoch !== epoch) filter.ahead = undefined;
    }
    this.#replaceMain({ epoch, position: 0, afterReset: true });
    this.#sink.reset(this.token);
  }

  #ownPosition({ feed, ahead }: StreamFilter): number | undefined {
    return feed?.position ?? ahead?.position;
  }

  #tokenAt(position: number): string {
    const own: [number, number][] = [];
    if (!this.#allSettled) {
      for (const filter of this.#filters.values()) {
        const at = this.#ownPosition(filter);
        if (at !== undefined) own.push([filter.id, at]);
      }
    }
    return formatToken(this.#main.epoch, position, own);
  }

  #feed(filter: StreamFilter, start: FeedStart): Feed {
    const { history, tail } = this.#side;
    const { entries, matcher } = filter;
    return new Feed({ history, tail, filter: entries, matcher, start, wake: () => this.#loop.wake() });
  }

  /** The subscriptions that the main stream serves have changed: it goes on from where it is, and a page that is being read for the old ones is void. */
  #replaceMain(start: FeedStart = { ...this.position, known: this.#main.known }): void {
    this.#main.end();
    this.#main = this.#makeMain(start);
    this.#noteSettled();
    this.#loop.wake();
  }

  #noteSettled(): void {
    this.#allSettled = true;
    for (const { feed, ahead } of this.#filters.values()) {
      if (feed !== undefined || ahead !== undefined) this.#allSettled = false;
    }
  }

  #makeMain(start: FeedStart): Feed {
    const { history, tail } = this.#side;
    const served = [...this.#filters.values()].filter(({ feed }) => feed === undefined);
    const filter = [...new Set(served.flatMap(({ entries }) => entries))].sort();
    this.#served = served.length;
    const matcher: TopicMatcher = {
      only: undefined,
      matches: (topic) => served.some((one) => one.matcher.matches(topic)),
    };
    return new Feed({
      history,
      tail,
      filter,
      matcher,
      start,
      wake: () => this.#loop.wake(),
      takeLive: (message) => this.#takeLive(message),
    });
  }

  #takeLive(message: RetainedMessage): boolean {
    if (!this.#sink.hasRoom) return false;
    this.#give(message);
    return true;
  }
}

function touches(topics: readonly string[], entries: Filter): boolean {
  return topics.some((topic) => entries.some((entry) => patternsOverlap(topic, entry)));
}
