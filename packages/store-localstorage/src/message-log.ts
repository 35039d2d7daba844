import {
  type AppendResult,
  createRetentionLookup,
  type DroppedMessage,
  type Head,
  type NamedCursor,
  type NewMessage,
  type OpenHistoryOptions,
  type RetentionLookup,
  type Settlement,
  type StoredMessage,
  type WriteBatch,
  type WriteResult,
} from '@hexbus/core';
import type { Contents } from './contents.ts';
import {
  cursorItem,
  formatCursorItem,
  type MessageItem,
  markItem,
  messageItem,
  type Origin,
  reasonItem,
} from './items.ts';
import { Journal } from './journal.ts';
import { listedLength, Marks } from './marks.ts';
import type { Namespace } from './namespace.ts';
import { keyOf, RememberedIds } from './remembered-ids.ts';
import { type Entry, findEntry, insertEntry, removeEntry, TopicLog } from './topic-log.ts';

/** What a head needs, in characters, to tell of one trimmed message: its position, as an item to be removed. */
const trimmedMessageLength = 24;

/** What a log is opened with, beside the options of the history. */
export interface LogIdentity {
  readonly owner: string;
  /** Used where the contents have none, or one that counts no more. */
  readonly newEpoch: string;
}

/** A message that another tab left. */
export interface Orphan extends Pick<MessageItem, 'message' | 'once'> {
  readonly origin: Origin;
  /** Why it died; undefined unless it did. */
  readonly reason: string | undefined;
}

/** All that a namespace holds, in memory, and each change to it, carried out in the storage first. */
export class MessageLog {
  readonly epoch: string;
  readonly retention: RetentionLookup;
  readonly cursors: Map<string, NamedCursor>;
  readonly marks: Marks;
  /** Live and dead, over all topics. */
  readonly entries: Entry[] = [];
  readonly #owner: string;
  readonly #namespace: Namespace;
  readonly #journal: Journal;
  readonly #topics = new Map<string, TopicLog>();
  readonly #ids: RememberedIds;
  /** Positions of which only topic and id are kept. */
  readonly #gone = new Set<number>();
  /** Positions whose ids the present batch made forgotten. */
  #forgotten: number[] = [];
  #position: number;
  #time: number;

  /** Writes a head, so that others see whose the namespace is. Throws what the storage throws. */
  constructor(namespace: Namespace, contents: Contents, options: OpenHistoryOptions, identity: LogIdentity) {
    const { head, isDamaged, highest } = contents;
    const isNew = head === undefined || isDamaged || options.newEpoch === true;
    this.epoch = isNew ? identity.newEpoch : head.epoch;
    this.retention = createRetentionLookup(options.retention);
    this.#owner = identity.owner;
    this.#namespace = namespace;
    this.#journal = new Journal(namespace, contents.unwritten);
    this.marks = new Marks(this.retention, contents.marks, this.#topics, (topic, through) =>
      this.#journal.put(markItem(topic), through === undefined ? null : String(through)),
    );
    this.cursors = new Map(contents.cursors);
    this.#ids = new RememberedIds(options.deduplication);
    this.#position = Math.max(head?.position ?? 0, isDamaged ? highest : 0);
    this.#time = head?.time ?? 0;
    for (const item of contents.messages) this.#load(item, contents.reasons.get(item.message.position));
    for (const { message } of contents.voided) this.#journal.put(messageItem(message.position), null);
    this.#forgotten.push(...this.#ids.forget(this.#time));
    this.#commit();
    this.#sweep();
  }

  /** Nobody else opened the namespace since, or cleared it. */
  get isCurrent(): boolean {
    return this.#journal.isCurrent;
  }

  get tab(): string {
    return this.#namespace.tab;
  }

  get head(): Head {
    return { epoch: this.epoch, position: this.#position };
  }

  topic(name: string): TopicLog | undefined {
    return this.#topics.get(name);
  }

  /** Throws what the storage throws: then nothing was changed there, and this log is of no use any more. */
  apply(batch: WriteBatch, clockNow: number): Omit<WriteResult, 'epoch' | 'applied'> {
    const before = this.#position;
    const now = Math.max(this.#time, clockNow);
    return this.#atomically(() => {
      const settled = batch.settle.map((settlement) => this.#settle(settlement));
      for (const cursor of batch.commitCursors) this.#keepCursor(cursor);
      for (const name of batch.deleteCursors) this.#deleteCursor(name);
      const dropped: DroppedMessage[] = [];
      const appended = batch.append.map((message) => this.#append(message, now, dropped));
      const trimming = this.#trim(now, dropped);
      let isOver = trimming.next().done;
      if (!this.#journal.isClean) this.#commit();
      while (!isOver) isOver = this.#trimFurther(trimming, dropped);
      this.#sweep();
      dropped.sort((a, b) => a.position - b.position);
      return { before, head: this.#position, settled, appended, dropped };
    });
  }

  /** The messages that callers named and that are here, or were a short while ago by the clock. */
  knownIds(clockNow: number): ReadonlySet<string> {
    const here = this.entries.filter(({ once }) => once).map(({ topic, message }) => keyOf(topic.name, message.id));
    return new Set([...here, ...this.#ids.keys(Math.max(this.#time, clockNow))]);
  }

  /**
   * Appends messages of held topics that another tab left, but for the known ones, in one commit. Returns how many of them, from the first on, are dealt
   * with: the next one has no room. Bounds of count do not refuse it: whoever published it was told that it is kept.
   */
  adopt(orphans: readonly Orphan[], known: ReadonlySet<string>): number {
    return this.#atomically(() => {
      const isKnown = ({ once, message }: Orphan): boolean => once && known.has(keyOf(message.topic, message.id));
      const end = orphans.findIndex((orphan) => !isKnown(orphan) && !this.#adoptOne(orphan));
      if (!this.#journal.isClean) this.#commit();
      this.#sweep();
      return end < 0 ? orphans.length : end;
    });
  }

  #adoptOne({ message, once, origin, reason }: Orphan): boolean {
    const topic = this.#obtain(message.topic);
    const position = this.#position + 1;
    const adopted = { ...message, position, time: Math.max(this.#time, message.time) };
    if (!this.#journal.stage({ message: adopted, once, held: true, origin })) return false;
    this.#add({ message: adopted, topic, once, reason: undefined });
    if (reason !== undefined) this.#settle({ outcome: 'dead', topic: topic.name, position, reason });
    return true;
  }

  #load({ message, isGone, once }: MessageItem, reason: string | undefined): void {
    const { topic: name, id, position, time } = message;
    this.#position = Math.max(this.#position, position);
    this.#time = Math.max(this.#time, time);
    if (once) this.#ids.add(name, id, position, time);
    if (isGone) this.#gone.add(position);
    else {
      const topic = this.#obtain(name);
      const entry: Entry = { message, topic, once, reason };
      (reason === undefined ? topic.live : topic.dead).push(entry);
      this.entries.push(entry);
      this.#topics.set(name, topic);
    }
  }

  #atomically<Result>(work: () => Result): Result {
    try {
      return work();
    } catch (error) {
      this.#journal.rollback();
      throw error;
    }
  }

  #commit(): void {
    this.#journal.commit({
      epoch: this.epoch,
      owner: this.#owner,
      position: this.#position,
      time: this.#time,
      count: this.entries.length,
    });
  }

  /** Clears away what is no longer remembered. To be called when nothing is left to commit. */
  #sweep(): void {
    try {
      for (const position of this.#forgotten)
        if (this.#gone.has(position)) this.#namespace.remove(messageItem(position));
    } catch {
      // The next one to read the namespace does it.
    }
    for (const position of this.#forgotten) this.#gone.delete(position);
    this.#forgotten = [];
  }

  #settle(settlement: Settlement): boolean {
    const topic = this.#topics.get(settlement.topic);
    if (topic === undefined) return false;
    const { outcome, position } = settlement;
    const isDead = outcome === 'requeue' || outcome === 'discard';
    if (!isDead && !topic.isHeld) return false;
    const entry = findEntry(isDead ? topic.dead : topic.live, position);
    if (entry === undefined) return false;
    if (outcome === 'handled' || outcome === 'discard') {
      this.#remove(entry);
      return true;
    }
    removeEntry(isDead ? topic.dead : topic.live, entry);
    insertEntry(isDead ? topic.live : topic.dead, entry);
    entry.reason = outcome === 'dead' ? settlement.reason : undefined;
    this.#journal.put(reasonItem(position), entry.reason ?? null);
    return true;
  }

  #append({ deduplicate, ...texts }: NewMessage, now: number, dropped: DroppedMessage[]): AppendResult {
    const { topic: name, id } = texts;
    const first = deduplicate ? this.#ids.find(name, id, now) : undefined;
    if (first !== undefined) return { status: 'duplicate', position: first.position, time: first.time };
    const topic = this.#obtain(name);
    if (topic.isFull) return { status: 'refused', reason: 'topic-full' };
    const message: StoredMessage = { ...texts, position: this.#position + 1, time: now };
    const item = { message, once: deduplicate, held: topic.isHeld, origin: undefined };
    const isStaged =
      this.#journal.stage(item) || (this.#dropOldestFor(item, topic, dropped) && this.#journal.stage(item));
    if (!isStaged) {
      // Makes room for the next one.
      this.#forgotten.push(...this.#ids.forget(now));
      return { status: 'refused', reason: 'history-full' };
    }
    this.#add({ message, topic, once: deduplicate, reason: undefined });
    return { status: 'appended', position: message.position, time: now };
  }

  /**
   * Has the oldest go ahead of the message that is one too many, where there is no room for both and what goes makes enough. That is a step of its own,
   * so it is not done when the batch has changed something already. Returns whether there is room now.
   */
  #dropOldestFor(item: Omit<MessageItem, 'isGone'>, topic: TopicLog, dropped: DroppedMessage[]): boolean {
    const oldest = topic.live[0];
    if (oldest === undefined || topic.live.length < topic.trimmedAbove || !this.#journal.isClean) return false;
    const leavesNothing = !oldest.once && this.marks.has(topic.name);
    if (!leavesNothing || !this.#journal.isNoLonger(item, oldest.message.position)) return false;
    this.#trimOff(topic, [oldest], dropped);
    this.#commit();
    return true;
  }

  #trimOff(topic: TopicLog, oldest: readonly Entry[], dropped: DroppedMessage[]): void {
    for (const entry of oldest) this.#remove(entry);
    const last = oldest.at(-1)?.message;
    if (last !== undefined) this.marks.raise(topic.name, last.position);
    if (topic.isHeld)
      dropped.push(...oldest.map(({ message: { position, id } }) => ({ topic: topic.name, position, id })));
  }

  #obtain(name: string): TopicLog {
    return this.#topics.get(name) ?? new TopicLog(name, this.retention.policyOf(name));
  }

  #add(entry: Entry): void {
    const { message, topic, once } = entry;
    const { id, position, time } = message;
    this.#position = position;
    this.#time = time;
    if (topic.isEmpty) this.marks.inherit(topic.name);
    this.#topics.set(topic.name, topic);
    topic.live.push(entry);
    this.entries.push(entry);
    if (!once) return;
    this.#ids.add(topic.name, id, position, time);
    this.#forgotten.push(...this.#ids.forget(time));
  }

  #remove(entry: Entry): void {
    const { message, topic, once, reason } = entry;
    const { id, position } = message;
    if (once && this.#ids.holds(topic.name, id, position)) {
      this.#journal.remember(message);
      this.#gone.add(position);
    } else this.#journal.put(messageItem(position), null);
    if (reason !== undefined) this.#journal.put(reasonItem(position), null);
    removeEntry(reason === undefined ? topic.live : topic.dead, entry);
    removeEntry(this.entries, entry);
    if (topic.isEmpty) this.#topics.delete(topic.name);
  }

  #keepCursor({ name, epoch, position, filter }: NamedCursor): void {
    const cursor: NamedCursor = { name, epoch, position, filter: [...filter] };
    this.cursors.set(name, cursor);
    this.#journal.put(cursorItem(name), formatCursorItem(cursor));
  }

  #deleteCursor(name: string): void {
    if (this.cursors.delete(name)) this.#journal.put(cursorItem(name), null);
  }

  /**
   * Brings the limits about, as far as one commit may: what it has to list must have room in the head, also where the storage is full. Then it yields, and
   * goes on behind that commit.
   */
  *#trim(now: number, dropped: DroppedMessage[]): Generator<void> {
    let left = this.#journal.room;
    for (const topic of this.#topics.values()) {
      const oldest = now - (topic.policy?.maxAgeMs ?? Infinity);
      let count = Math.max(0, topic.live.length - topic.trimmedAbove);
      while ((topic.live[count]?.message.time ?? now) < oldest) count++;
      while (count > 0) {
        left = Math.max(0, left - listedLength(topic.name));
        const trimmed = topic.live.slice(0, Math.min(count, left / trimmedMessageLength));
        this.#trimOff(topic, trimmed, dropped);
        left -= trimmed.length * trimmedMessageLength;
        count -= trimmed.length;
        if (count > 0) {
          yield;
          left = this.#journal.room;
        }
      }
    }
    yield* this.marks.merge(this.#journal);
  }

  /** A step of its own behind a batch that has taken effect. Should it fail, the next write goes on with it. */
  #trimFurther(trimming: Iterator<void>, dropped: DroppedMessage[]): boolean | undefined {
    const before = dropped.length;
    try {
      const isOver = trimming.next().done;
      // Nothing more has room.
      if (this.#journal.isClean) return true;
      this.#commit();
      return isOver;
    } catch {
      this.#journal.rollback();
      dropped.length = before;
      return true;
    }
  }
}
