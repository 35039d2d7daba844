import type { RetainedMessage } from '../../message.ts';
import { isPattern, matchesPattern, patternsOverlap } from '../../pattern.ts';
import type { Filter, Head, TrimMark } from '../../ports/history-store.ts';
import type { TopicMatcher } from '../../retention.ts';
import type { ReadEarlier } from './earlier-messages.ts';
import { memoryLengthOf } from './memory-length.ts';

/** A part of the history after a position, from memory or from the store. The fields mean what they mean in `HistoryPage`. */
export interface FeedPage extends Head {
  readonly messages: readonly RetainedMessage[];
  readonly through: number;
  readonly trimmed: readonly TrimMark[];
}

/** How much of the newest history is kept in memory, over all topics: messages, and what they take in memory, in UTF-16 units. */
const maxMessages = 1_024;
const maxLength = 1024 * 1024;

/**
 * The newest part of the history that this bus appended, without held topics, and the head that the store has acknowledged. It serves
 * subscriptions that are a little behind, and keeps nothing while there are none; it knows neither subscriptions nor the store.
 */
export class Tail {
  #epoch = '';
  #head = 0;
  /** Everything after `base` is here. */
  #base = 0;
  #messages: RetainedMessage[] = [];
  #length = 0;
  /** No feed has got further, as far as was reported. */
  #furthest = 0;
  readonly #trimmed = new Map<string, number>();
  readonly #readEarlier: ReadEarlier | undefined;
  /** Asks for what the store had before a restart. */
  #completing: Promise<void> | undefined;
  #isComplete = false;
  #restarts = 0;

  /** `readEarlier` completes what is here with what the store has before it. */
  constructor(head: Head, readEarlier?: ReadEarlier) {
    this.#readEarlier = readEarlier;
    this.restart(head.epoch, head.position);
  }

  get epoch(): string {
    return this.#epoch;
  }

  get head(): number {
    return this.#head;
  }

  /** Starts anew after `position`: what lies before it is for the store to tell. */
  restart(epoch: string, position: number): void {
    this.#epoch = epoch;
    this.#head = position;
    this.#base = position;
    this.#furthest = position;
    this.#messages = [];
    this.#length = 0;
    this.#trimmed.clear();
    this.#completing = undefined;
    this.#isComplete = false;
    this.#restarts += 1;
  }

  /** Starts anew at the same head, behind which there may be more: until the next append or restart, what follows it is for the store to tell. */
  doubt(): void {
    this.restart(this.#epoch, this.#head);
    this.#base = this.#head + 1;
  }

  /** A feed has got to `position`, so it may ask for what follows. */
  reached(position: number): void {
    if (position > this.#furthest) this.#furthest = Math.min(position, this.#head);
  }

  append(message: RetainedMessage): void {
    this.#head = message.position;
    if (message.position - this.#furthest > 2 * maxMessages) {
      this.#keepNone();
      return;
    }
    this.#messages.push(message);
    this.#length += memoryLengthOf(message.encoded);
    // Cut by half when twice the bound is reached, so that the cost per message stays constant.
    if (this.#messages.length > 2 * maxMessages || this.#length > 2 * maxLength) this.#cut();
  }

  /** The store's head is known to be at `position`, beyond the last message appended here. */
  advance(position: number): void {
    if (position > this.#head) this.#head = position;
  }

  /** A store page told that these were trimmed: from now on they are skipped, and the same marks reported to all. */
  noteTrimmed(marks: readonly TrimMark[]): void {
    for (const { topic, through } of marks) {
      if (through > this.#base && through > (this.#trimmed.get(topic) ?? 0)) this.#trimmed.set(topic, through);
    }
  }

  /** Up to where messages are known to be there; infinitely far while it is not known how far they reach. */
  get certainHead(): Head {
    return { epoch: this.#epoch, position: this.#base > this.#head ? Infinity : this.#head };
  }

  /** Whether there is such a position, as far as is known here: beyond the head, and of other epochs, only the store can tell. */
  has({ epoch, position }: Head): boolean {
    return epoch === this.#epoch && position <= this.#head;
  }

  /** Whether what follows a position is known here. */
  knows(epoch: string, after: number): boolean {
    return epoch === this.#epoch && after >= this.#base && after <= this.#head;
  }

  /**
   * Reads the newest part of what the store had before, where that may be what follows a position: once after each restart, for all who come back
   * then. Undefined where it is of no use or done. Rejects with what the store rejects with.
   */
  complete(epoch: string, after: number): Promise<void> | undefined {
    const isNear = epoch === this.#epoch && after < this.#base && after >= this.#head - maxMessages;
    if (this.#readEarlier === undefined || this.#isComplete || !isNear || this.#base > this.#head) return undefined;
    this.#completing ??= this.#complete(this.#readEarlier);
    return this.#completing;
  }

  /** What follows a position, or undefined when only the store can tell. */
  read(
    epoch: string,
    after: number,
    { filter, matcher }: { readonly filter: Filter; readonly matcher: Pick<TopicMatcher, 'matches'> },
    limit: number,
  ): FeedPage | undefined {
    if (!this.knows(epoch, after)) return undefined;
    const messages: RetainedMessage[] = [];
    let through = this.#head;
    for (let index = this.#indexAfter(after); index < this.#messages.length; index++) {
      const message = this.#messages[index] as RetainedMessage;
      if (!matcher.matches(message.topic) || this.#isTrimmed(message)) continue;
      messages.push(message);
      if (messages.length === limit) {
        through = message.position;
        break;
      }
    }
    const trimmed: TrimMark[] = [];
    for (const [topic, mark] of this.#trimmed) {
      const concerns = isPattern(topic)
        ? filter.some((entry) => patternsOverlap(topic, entry))
        : matcher.matches(topic);
      if (mark > after && concerns) trimmed.push({ topic, through: mark });
    }
    return { epoch, position: this.#head, messages, through, trimmed };
  }

  async #complete(readEarlier: ReadEarlier): Promise<void> {
    const epoch = this.#epoch;
    const base = this.#base;
    const restarts = this.#restarts;
    const from = { epoch, position: Math.max(0, this.#head - maxMessages) };
    try {
      const earlier = await readEarlier(from, base, maxLength);
      if (restarts !== this.#restarts) return;
      this.#isComplete = true;
      // It may have let go of what follows meanwhile.
      if (earlier === undefined || base !== this.#base) return;
      // After a doubt, what stands at the base itself may have come since.
      const here = this.#messages[0]?.position ?? Infinity;
      const messages = earlier.messages.filter(({ position }) => position < here);
      this.#base = earlier.after;
      this.#messages = [...messages, ...this.#messages];
      for (const { encoded } of messages) this.#length += memoryLengthOf(encoded);
      this.noteTrimmed(earlier.trimmed);
    } finally {
      if (restarts === this.#restarts) this.#completing = undefined;
    }
  }

  #isTrimmed(message: RetainedMessage): boolean {
    if (this.#trimmed.size === 0) return false;
    for (const [topic, through] of this.#trimmed) {
      if (message.position <= through && (topic === message.topic || matchesPattern(topic, message.topic))) return true;
    }
    return false;
  }

  /**
   * All feeds are too far behind to find here what they need next. What a sleeping bus published and kept outlived every collection of V8's young
   * generation, which grew for it: by 103 MiB in a million messages.
   */
  #keepNone(): void {
    this.#base = this.#head;
    if (this.#trimmed.size > 0) this.#forgetTrimmed();
    if (this.#messages.length === 0) return;
    this.#messages = [];
    this.#length = 0;
  }

  #forgetTrimmed(): void {
    for (const [topic, through] of this.#trimmed) if (through <= this.#base) this.#trimmed.delete(topic);
  }

  #cut(): void {
    let from = Math.max(0, this.#messages.length - maxMessages);
    let length = 0;
    for (let index = this.#messages.length - 1; index >= from; index--) {
      const own = memoryLengthOf((this.#messages[index] as RetainedMessage).encoded);
      if (length + own > maxLength) from = index + 1;
      else length += own;
    }
    this.#base = this.#messages[from - 1]?.position ?? this.#base;
    this.#messages = this.#messages.slice(from);
    this.#length = length;
    this.#forgetTrimmed();
  }

  #indexAfter(position: number): number {
    let low = 0;
    let high = this.#messages.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#messages[middle] as RetainedMessage).position <= position) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
