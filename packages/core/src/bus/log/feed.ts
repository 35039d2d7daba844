import { type Cursor, type CursorParts, formatCursor } from '../../cursor.ts';
import { RetainedMessage } from '../../message.ts';
import type { Filter, HistoryStore, TrimMark } from '../../ports/history-store.ts';
import type { TopicMatcher } from '../../retention.ts';
import type { Gap, Reset } from './losses.ts';
import type { FeedPage, Tail } from './tail.ts';
import type { WakeLoop } from './wake-loop.ts';

/** What a feed gives, in order: messages, and the signals that stand before the first message they concern. */
export type FeedItem = RetainedMessage | FeedSignal;

export type FeedSignal =
  | { readonly kind: 'gap'; readonly gap: Gap }
  | { readonly kind: 'reset'; readonly reset: Reset };

/** Where a feed begins: after `position`. Marks known at a relative start (`earliest`, `last`, `since`) are no losses of this feed. */
export interface FeedStart extends CursorParts {
  readonly known?: readonly TrimMark[];
  /** The start is the beginning of an epoch that a reset led to: the marks of the first page belong to that reset. */
  readonly afterReset?: boolean;
}

export interface FeedOptions {
  readonly history: HistoryStore;
  readonly tail: Tail;
  readonly filter: Filter;
  readonly matcher: Pick<TopicMatcher, 'matches'>;
  /** Held topics read the store only: the tail does not know what was settled. */
  readonly storeOnly?: boolean;
  /** Woken when there may be something to take. */
  readonly loop: WakeLoop;
  readonly taker?: LiveTaker;
}

/** Takes what was just committed at once, without a queue. */
export interface LiveTaker {
  /** False: not now, the feed reads it again when woken. */
  takeLive(message: RetainedMessage): boolean;
}

/** How many pushed messages wait in a feed before it reads on by itself. */
const maxQueued = 64;
/** How much is read at once. SQLite gave 500k rows/s with pages of 256, 420k with 64, 525k with 1,024. */
const pageLimit = 256;
const pageBytes = 1024 * 1024;

/**
 * What follows a cursor in a filter, as one stream. It is `live` when everything committed up to the tail's head has been queued: then new messages are
 * pushed into it by reference. Otherwise it reads on, from the tail or the store, until it is. It knows nothing of handlers.
 */
export class Feed {
  readonly #options: FeedOptions;
  #epoch: string;
  /** Everything of the filter up to here was queued or reported. */
  #through: number;
  /** The last message that was taken; everything of the filter between it and the queue is in the queue. */
  #taken: number;
  #queue: FeedItem[] = [];
  #next = 0;
  #live: boolean;
  #parked = false;
  #ended = false;
  #wakes = 0;
  #doubts = 0;
  /** Losses that were reported, or that lie before a relative start, by topic; kept until the feed has passed them. */
  #known: Map<string, number> | undefined;
  #ignoresMarks = false;
  /** The next page is the first of a new epoch: its marks belong to the reset. */
  #afterReset: boolean;

  constructor(options: FeedOptions, start: FeedStart) {
    this.#options = options;
    this.#epoch = start.epoch;
    this.#through = start.position;
    this.#taken = start.position;
    for (const mark of start.known ?? []) this.setKnown(mark);
    // A start above the head must be shown to the store, which may answer that there is no such position; one at a head that is in doubt too.
    this.#live = options.storeOnly !== true && this.#reachesHead() && options.tail.knows(this.#epoch, this.#through);
    // Where nothing is to be read, nothing was lost.
    this.#afterReset = start.afterReset === true && !this.#live;
    this.#reportReached();
  }

  get epoch(): string {
    return this.#epoch;
  }

  /** Nothing is queued and nothing is to be read: sleep until woken. */
  get idle(): boolean {
    return this.#next === this.#queue.length && (this.#live || this.#parked);
  }

  /** Everything up to here was taken. While idle that is at least the head, since any message that concerns the feed would have woken it. */
  get position(): number {
    if (this.#next < this.#queue.length) return this.#taken;
    const { tail } = this.#options;
    const sleeps = (this.#live || this.#parked) && tail.epoch === this.#epoch;
    return sleeps ? Math.max(this.#through, tail.head) : this.#through;
  }

  /** The losses that were reported, or need not be, and that the feed has not passed: for a feed that goes on from here. */
  get known(): readonly TrimMark[] {
    return [...(this.#known ?? [])].map(([topic, through]) => ({ topic, through }));
  }

  /** A message was committed. Called in the order of the history, in the turn of its acknowledgement. */
  push(message: RetainedMessage): void {
    this.#keepPlace(message.position - 1);
    if (!this.#live) {
      this.wake();
      return;
    }
    // A store page may have been ahead of the tail.
    if (message.position <= this.#through || this.#isReported(message)) return;
    const { taker, tail, loop } = this.#options;
    const waiting = this.#queue.length - this.#next;
    const hasPlace = taker === undefined ? waiting < maxQueued : waiting === 0 && taker.takeLive(message);
    if (!hasPlace) {
      this.#live = false;
      return;
    }
    this.#through = message.position;
    tail.reached(message.position);
    if (taker !== undefined) this.#taken = message.position;
    else {
      this.#queue.push(message);
      loop.wake();
    }
  }

  /** What the feed believes of the tail is no longer sure: it reads on before it is live again. To be called before the tail itself starts anew. */
  doubt(): void {
    this.#keepPlace(this.#options.tail.head);
    this.#doubts += 1;
    this.#live = false;
    this.wake();
  }

  wake(): void {
    this.#wakes += 1;
    this.#parked = false;
    this.#options.loop.wake();
  }

  /** What `take` would give. */
  peek(): FeedItem | undefined {
    return this.#queue[this.#next];
  }

  take(): FeedItem | undefined {
    if (this.#next === this.#queue.length) return undefined;
    const item = this.#queue[this.#next] as FeedItem;
    this.#next += 1;
    if (item instanceof RetainedMessage) this.#taken = item.position;
    if (this.#next === this.#queue.length) {
      this.#queue.length = 0;
      this.#next = 0;
    } else if (this.#next >= maxQueued && this.#next * 2 >= this.#queue.length) {
      // A queue that is never empty would keep all that it ever had. By half, so that the cost per message stays constant.
      this.#queue = this.#queue.slice(this.#next);
      this.#next = 0;
    }
    return item;
  }

  /** Takes a message out of the queue again, because it is gone from the history. */
  remove(position: number): void {
    const rest = this.#queue.slice(this.#next);
    this.#queue = rest.filter((item) => !(item instanceof RetainedMessage) || item.position !== position);
    this.#next = 0;
  }

  /** Starts over at the beginning of the epoch. */
  rewind(): void {
    this.#forget(0);
    this.doubt();
  }

  /** Lets go of queued messages; they are read again. */
  release(): void {
    if (this.#next < this.#queue.length) this.#forget(this.#taken);
  }

  /** Whether trim marks are no news from now on, because somebody else tells of the losses. */
  ignoreMarks(ignores: boolean): void {
    this.#ignoresMarks = ignores;
  }

  /** Somebody else has told of the losses of a topic up to here, and of none behind. */
  setKnown({ topic, through }: TrimMark): void {
    this.#known ??= new Map();
    this.#known.set(topic, through);
  }

  /** Nothing is queued or signalled any more, also not by a read that is under way. */
  end(): void {
    this.#ended = true;
    this.#live = false;
    this.#queue = [];
    this.#next = 0;
  }

  /** Reads on once, after everything queued was taken. Rejects with what the store rejects with; the feed is then as before. */
  async fill(): Promise<void> {
    const { tail, history, filter, storeOnly } = this.#options;
    if (storeOnly !== true) {
      const completing = tail.complete(this.#epoch, this.#through);
      // Whoever waited for it looks again whether to read at all.
      if (completing !== undefined) return completing;
    }
    this.#taken = this.#through;
    const page = storeOnly === true ? undefined : tail.read(this.#epoch, this.#through, this.#options, pageLimit);
    if (page !== undefined) {
      const messages = page.messages.filter((message) => !this.#isReported(message));
      this.#accept({ ...page, messages });
      return;
    }
    const wakesBefore = this.#wakes;
    const doubtsBefore = this.#doubts;
    const after = this.#through;
    const read = await history.read({
      epoch: this.#epoch,
      filter,
      range: { after },
      limit: pageLimit,
      maxBytes: pageBytes,
      state: 'live',
    });
    if (this.#ended) return;
    if (read.epoch !== this.#epoch || after > read.position) {
      this.#reset(read.epoch);
      return;
    }
    tail.noteTrimmed(tail.epoch === read.epoch ? read.trimmed : []);
    this.#accept({ ...read, messages: read.messages.map((stored) => new RetainedMessage(stored)) });
    // The page is from before the doubt.
    if (doubtsBefore !== this.#doubts) this.#live = false;
    // Ahead of the bus, or the tail is of another epoch: only a wake can bring more, so polling would be in vain.
    const nothingNew = read.messages.length === 0 && read.through >= read.position;
    if (!this.#live && nothingNew && wakesBefore === this.#wakes) this.#parked = true;
  }

  /** A feed that slept has passed everything before the message that wakes it. */
  #keepPlace(position: number): void {
    if (!this.idle || this.#options.tail.epoch !== this.#epoch || position <= this.#through) return;
    this.#through = position;
    this.#taken = position;
  }

  #forget(after: number): void {
    // Signals stay: what they tell is not read again.
    this.#queue = this.#queue.slice(this.#next).filter((item) => !(item instanceof RetainedMessage));
    this.#next = 0;
    this.#through = after;
    this.#taken = after;
    this.#live = false;
    this.#parked = false;
  }

  /** It was reported as lost by a page that was ahead of the tail, which has it still. Of a held topic the tail has nothing. */
  #isReported({ topic, position }: RetainedMessage): boolean {
    return this.#options.storeOnly !== true && position <= (this.#known?.get(topic) ?? 0);
  }

  #accept(page: FeedPage): void {
    const gap = this.#lossesIn(page);
    this.#afterReset = false;
    if (gap !== undefined) this.#queue.push({ kind: 'gap', gap });
    for (const message of page.messages) this.#queue.push(message);
    this.#through = Math.max(this.#through, page.through);
    this.#reportReached();
    // What is released is read again, so only what was taken is passed.
    for (const [topic, through] of this.#known ?? []) if (through <= this.#taken) this.#known?.delete(topic);
    // The store may be ahead of the bus, after a write whose outcome is not known: then the head is not the end.
    this.#live = this.#reachesHead() && page.through >= page.position;
  }

  #reportReached(): void {
    const { tail, storeOnly } = this.#options;
    if (storeOnly !== true && tail.epoch === this.#epoch) tail.reached(this.#through);
  }

  #reachesHead(): boolean {
    const { tail } = this.#options;
    return tail.epoch === this.#epoch && this.#through >= tail.head;
  }

  /** The part of a page's marks that was not known, as one gap. */
  #lossesIn(page: FeedPage): Gap | undefined {
    const topics: string[] = [];
    let from = Infinity;
    let to = 0;
    for (const { topic, through } of page.trimmed) {
      const known = Math.max(this.#through, this.#known?.get(topic) ?? 0);
      // What is ignored counts as told by nobody: whoever was to tell may not come to it.
      if (through <= known || this.#ignoresMarks) continue;
      this.setKnown({ topic, through });
      if (this.#afterReset) continue;
      topics.push(topic);
      from = Math.min(from, known + 1);
      to = Math.max(to, through);
    }
    return topics.length === 0 ? undefined : { topics, from, to };
  }

  #reset(epoch: string): void {
    const from: Cursor = formatCursor(this.#epoch, this.#through);
    this.#epoch = epoch;
    this.#through = 0;
    this.#taken = 0;
    this.#known = undefined;
    this.#afterReset = true;
    this.#queue.push({ kind: 'reset', reset: { from, to: formatCursor(epoch, 0) } });
  }
}
