import { Backoff } from '../../bus/delivery/backoff.ts';
import { Feed, type FeedStart, type LiveTaker } from '../../bus/log/feed.ts';
import type { Gap } from '../../bus/log/losses.ts';
import type { RetainedParts } from '../../bus/log/retained-parts.ts';
import { WakeLoop } from '../../bus/log/wake-loop.ts';
import type { CursorParts } from '../../cursor.ts';
import { RetainedMessage } from '../../message.ts';
import type { Filter, TrimMark } from '../../ports/history-store.ts';
import type { TopicMatcher } from '../../retention.ts';
import type { SharedTurns } from './shared-turns.ts';
import { positionsBeside, StreamFilter } from './stream-filter.ts';
import type { StreamSink } from './stream-sink.ts';
import { formatToken } from './token.ts';

/**
 * Everything retained that one connection follows, as one stream with one main position. A subscription is settled (it follows the main position),
 * behind (it started earlier, and is fed by itself until it meets the main position), ahead (it starts later), or unsure (the bus knows no such start). Nothing is held for a sink
 * without room: the position waits, and the history is read again. Knows no frames, no clients and no rights.
 */
export class MergedStream implements LiveTaker {
  readonly #side: RetainedParts;
  readonly #sink: StreamSink;
  readonly #turns: Pick<SharedTurns, 'run'>;
  readonly #filters = new Map<number, StreamFilter>();
  readonly #loop: WakeLoop;
  #backoff: Backoff | undefined;
  /** The main stream, if it was made. */
  #feed: Feed | undefined;
  /** Where it begins. */
  #start: FeedStart;
  #epoch: string;
  /** None of the filters is unsure, behind or ahead. */
  #allSettled = true;
  /** How many subscriptions the main stream feeds. Without any it reads nothing and stays where it is. */
  #served = 0;
  /** The last token that was given is not that of a stream whose subscriptions are all settled. */
  #owesToken = false;
  /** The main stream begins where there is a position. A start is a client's word, until the tail or a page tells. */
  #isCertain: boolean;
  #ended = false;

  constructor(side: RetainedParts, sink: StreamSink, start: CursorParts, turns: Pick<SharedTurns, 'run'>) {
    this.#side = side;
    this.#sink = sink;
    this.#turns = turns;
    this.#loop = new WakeLoop(() => this.#run(), sink.error.bind(sink));
    this.#epoch = start.epoch;
    this.#isCertain = side.tail.has(start);
    this.#start = start;
  }

  /** The epoch that the sink knows of. */
  get epoch(): string {
    return this.#epoch;
  }

  /** Everything of the settled subscriptions up to here was given to the sink. */
  get position(): CursorParts {
    const { epoch, position } = this.#here;
    // A reset that was read and not yet told: of the old epoch nothing can be claimed any more.
    return { epoch: this.#epoch, position: epoch === this.#epoch ? position : 0 };
  }

  get token(): string {
    return this.#tokenAt(this.position.position);
  }

  /** How many positions of the history the subscription that is furthest behind is behind its head. */
  get lag(): number {
    const { epoch, head } = this.#side.tail;
    const main = epoch === this.#epoch ? this.position.position : 0;
    const own = positionsBeside(this.#filters.values(), epoch, main).map(([, position]) => position);
    return Math.max(0, head - Math.min(main, ...own));
  }

  has(id: number): boolean {
    return this.#filters.has(id);
  }

  /** Everything of one subscription up to here was given to the sink. Undefined while that is not certain. */
  sent(id: number): CursorParts | undefined {
    const filter = this.#filters.get(id);
    if (filter === undefined || filter.unsure || !this.#isCertain) return undefined;
    const { epoch, position } = this.position;
    return { epoch, position: filter.positionBeside(epoch, position) ?? position };
  }

  /** Adds a subscription that begins at `start`. It counts from this call on: the token covers it, and its messages are to be pushed. */
  add(id: number, entries: Filter, matcher: TopicMatcher, start: FeedStart): void {
    this.#tellSignals();
    const filter = new StreamFilter(id, entries, matcher, start);
    this.#filters.set(id, filter);
    filter.unsure = !this.#isKnown(start);
    if (!filter.unsure) this.#place(filter);
    this.#replaceMain();
  }

  remove(id: number): void {
    const filter = this.#filters.get(id);
    if (filter === undefined) return;
    this.#tellSignals();
    this.#filters.delete(id);
    filter.end();
    this.#replaceMain();
  }

  /** A message was committed. */
  push(message: RetainedMessage): void {
    let forMain = false;
    for (const { matcher, feed, isFedByMain } of this.#filters.values()) {
      if (!matcher.matches(message.topic)) continue;
      feed?.push(message);
      if (isFedByMain) forMain = true;
    }
    if (forMain) this.#main.push(message);
  }

  /** What the bus knew of the head is no longer sure. */
  doubt(): void {
    this.#feed?.doubt();
    for (const { feed } of this.#filters.values()) feed?.doubt();
  }

  /** The sink may have room again. */
  wake(): void {
    this.#loop.wake();
  }

  /** What the main stream feeds. */
  matches(topic: string): boolean {
    for (const { matcher, isFedByMain } of this.#filters.values())
      if (isFedByMain && matcher.matches(topic)) return true;
    return false;
  }

  takeLive(message: RetainedMessage): boolean {
    if (!this.#sink.hasRoom) return false;
    this.#give(message);
    return true;
  }

  end(): void {
    this.#ended = true;
    this.#feed?.end();
    for (const filter of this.#filters.values()) filter.end();
    this.#filters.clear();
    this.#backoff?.end();
    void this.#loop.stop();
  }

  /** A page of each subscription that is behind, then one of the main stream, and again, until nothing follows or there is no room. */
  async #run(): Promise<void> {
    while (!this.#ended && this.#sink.hasRoom) {
      try {
        let moved = false;
        for (const filter of [...this.#filters.values()])
          if (!filter.isFedByMain) moved = (await this.#turns.run(() => this.#feedBehind(filter))) || moved;
        moved = (await this.#turns.run(() => this.#feedMain())) || moved;
        if (this.#ended) return;
        this.#backoff?.reset();
        if (!moved) {
          this.#tellSettled();
          return;
        }
      } catch (error) {
        if (this.#ended) return;
        this.#sink.error(error);
        // Whoever was told may have ended it.
        if (this.#ended) return;
        this.#backoff ??= new Backoff(this.#side.clock);
        await this.#backoff.pause();
      }
      // Between two pages the others have their turn, and what was given so far is sent.
      await new Promise<void>((resolve) => this.#side.clock.nextTurn(resolve));
    }
  }

  /** Resolves with whether there may be more. */
  async #feedMain(): Promise<boolean> {
    const main = this.#main;
    if (this.#served === 0 || !this.#sink.hasRoom) return false;
    if (main.peek() === undefined && !main.idle) await main.fill();
    for (;;) {
      // A subscription was added or removed meanwhile: the page was read for the wrong ones.
      if (this.#feed !== main) return true;
      this.#isCertain = true;
      this.#tellSignals();
      const message = main.peek();
      if (!(message instanceof RetainedMessage)) break;
      if (!this.#sink.hasRoom) {
        main.release();
        return false;
      }
      main.take();
      this.#give(message);
    }
    if (this.#feed !== main) return true;
    this.#settleAhead(main.position);
    return !main.idle;
  }

  /** Tells what stands before the next message of the main stream. */
  #tellSignals(): void {
    const main = this.#feed;
    if (main === undefined) return;
    for (let item = main.peek(); item !== undefined && !(item instanceof RetainedMessage); item = main.peek()) {
      // A token does not pass a gap before everybody was told of it.
      if (item.kind === 'gap') this.#tellGap(item.gap);
      main.take();
      if (item.kind === 'reset') this.#goOver(main.epoch);
    }
  }

  /** Feeds one that is not settled by itself. Resolves with whether there may be more. */
  async #feedBehind(filter: StreamFilter): Promise<boolean> {
    if (this.#ended || !this.#sink.hasRoom) return false;
    if (filter.unsure) return this.#findStart(filter);
    const { feed } = filter;
    if (feed === undefined) return false;
    if (feed.peek() === undefined && !feed.idle && feed.position < this.#here.position) await feed.fill();
    if (filter.feed !== feed || this.#ended) return true;
    for (let item = feed.peek(); item !== undefined; item = feed.peek()) {
      if (item instanceof RetainedMessage) {
        if (item.position > this.#here.position) break;
        if (!this.#sink.hasRoom) {
          feed.release();
          return false;
        }
        feed.take();
        this.#sink.eventFor(item, [filter.id], this.token);
      } else {
        if (item.kind === 'gap') this.#sink.gap(item.gap, [filter]);
        feed.take();
        if (item.kind === 'reset') {
          if (feed.epoch === this.#epoch) this.#startOver(filter);
          else this.#goOver(feed.epoch);
          return true;
        }
      }
    }
    if (feed.peek() === undefined && feed.position < this.#here.position) return !feed.idle;
    this.#meet(filter, feed);
    return true;
  }

  /** Asks the history for a start that the bus does not know. */
  async #findStart(filter: StreamFilter): Promise<boolean> {
    const { start, entries } = filter;
    const head = await this.#side.history.locate({ epoch: start.epoch, filter: entries, from: { last: 0 } });
    if (this.#filters.get(filter.id) !== filter) return true;
    if (head.epoch !== this.#epoch) this.#goOver(head.epoch);
    filter.unsure = false;
    if (start.epoch !== head.epoch || start.position > head.position) this.#startOver(filter);
    else {
      this.#place(filter);
      this.#replaceMain();
    }
    return true;
  }

  /** Whether nobody need be asked for a start: it is there, or the main position is not there either, which the main stream finds out. */
  #isKnown(start: CursorParts): boolean {
    if (start.epoch !== this.#epoch) return false;
    return start.position <= this.#here.position || this.#side.tail.has(start);
  }

  #place(filter: StreamFilter): void {
    const { start } = filter;
    const { position, known = [] } = this.#here;
    // What the others were told of losses beyond, it is told when it meets them.
    if (start.position < position || known.some(({ through }) => through > position))
      filter.feedBy(this.#feedOf(filter));
    else filter.follow(position, start.known);
  }

  /** All that a subscription stands for is void, and it begins again. */
  #startOver(filter: StreamFilter): void {
    filter.end();
    filter.start = { epoch: this.#epoch, position: 0, afterReset: true };
    this.#place(filter);
    this.#replaceMain();
    this.#sink.reset(this.token, [filter.id]);
  }

  /** It has met the main position: the main stream goes on for it too. */
  #meet(filter: StreamFilter, feed: Feed): void {
    const { position, known = [] } = this.#here;
    // Beyond the main position, which an unsure head can set back.
    filter.start = { epoch: this.#epoch, position: feed.position };
    filter.follow(position, feed.known);
    const untold = filter.losses(known.filter(({ through }) => through > position));
    this.#tellLosses(filter, untold, Math.max(position, filter.start.position) + 1);
    this.#replaceMain();
  }

  #settleAhead(position: number): void {
    if (this.#allSettled) return;
    let settled = false;
    for (const filter of this.#filters.values()) settled = filter.settle(position) || settled;
    if (settled) this.#noteSettled();
  }

  #give(message: RetainedMessage): void {
    if (this.#allSettled) {
      this.#owesToken = false;
      this.#sink.event(message);
      return;
    }
    const subs: number[] = [];
    for (const filter of this.#filters.values()) if (filter.gets(message)) subs.push(filter.id);
    if (subs.length > 0) this.#sink.eventFor(message, subs, this.#tokenAt(message.position));
    this.#settleAhead(message.position);
  }

  #tellGap(gap: Gap): void {
    const lost = new Set(gap.topics);
    const marks = this.#main.known.filter(({ topic }) => lost.has(topic));
    const settled: StreamFilter[] = [];
    for (const filter of this.#filters.values()) {
      if (filter.isSettled) {
        if (filter.touches(gap.topics)) settled.push(filter);
      } else if (filter.isFedByMain) {
        this.#tellLosses(filter, filter.losses(marks), Math.max(gap.from, filter.start.position + 1));
      }
    }
    if (settled.length > 0) this.#sink.gap(gap, settled);
  }

  #tellLosses(filter: StreamFilter, marks: readonly TrimMark[], from: number): void {
    if (marks.length === 0) return;
    const to = Math.max(...marks.map(({ through }) => through));
    this.#sink.gap({ topics: marks.map(({ topic }) => topic), from, to }, [filter]);
  }

  /** The stream goes on at the beginning of another epoch. A subscription of which it is not known where it begins may begin there. */
  #goOver(epoch: string): void {
    const subs: number[] = [];
    const { tail } = this.#side;
    // At its very beginning the epoch has lost nothing yet, whenever the feed is made that would tell.
    const start = { epoch, position: 0, afterReset: tail.epoch !== epoch || tail.head > 0 };
    for (const filter of this.#filters.values()) {
      if (filter.unsure) continue;
      filter.start = start;
      filter.follow(0);
      subs.push(filter.id);
    }
    this.#epoch = epoch;
    this.#isCertain = true;
    this.#replaceMain(start);
    if (subs.length > 0) this.#sink.reset(this.token, subs.length === this.#filters.size ? undefined : subs);
  }

  #tokenAt(position: number): string {
    const own = this.#allSettled ? [] : positionsBeside(this.#filters.values(), this.#epoch, position);
    return formatToken(this.#epoch, position, own);
  }

  #feedOf({ entries, matcher, start }: StreamFilter): Feed {
    const { history, tail } = this.#side;
    return new Feed({ history, tail, filter: entries, matcher, loop: this.#loop }, start);
  }

  /** Where the main stream is. */
  get #here(): FeedStart {
    return this.#feed ?? this.#start;
  }

  /** The subscriptions that the main stream serves have changed: it goes on from where it is, and a page that is being read for the old ones is void. */
  #replaceMain(start: FeedStart = { ...this.position, known: this.#here.known ?? [] }): void {
    this.#feed?.end();
    this.#feed = undefined;
    this.#start = start;
    this.#noteSettled();
    this.#loop.wake();
  }

  #noteSettled(): void {
    this.#allSettled = true;
    for (const { isSettled } of this.#filters.values()) if (!isSettled) this.#allSettled = false;
    if (!this.#allSettled) this.#owesToken = true;
  }

  /** The client's last token is of a time when not all were settled, and perhaps nothing comes that would bring another. */
  #tellSettled(): void {
    if (!this.#owesToken || !this.#allSettled) return;
    this.#owesToken = false;
    this.#sink.settled(this.token);
  }

  /** The main stream, made when it is needed, so that subscriptions which come together make one. */
  get #main(): Feed {
    if (this.#feed !== undefined) return this.#feed;
    const { history, tail } = this.#side;
    const served = [...this.#filters.values()].filter(({ isFedByMain }) => isFedByMain);
    const filter = [...new Set(served.flatMap(({ entries }) => entries))].sort();
    this.#served = served.length;
    this.#feed = new Feed({ history, tail, filter, matcher: this, loop: this.#loop, taker: this }, this.#start);
    return this.#feed;
  }
}
