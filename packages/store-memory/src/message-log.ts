import type { AppendResult, DroppedMessage, NewMessage, Settlement, StoredMessage } from '@hexbus/core';
import { EntryLog } from './entry-log.ts';
import { sizeOf } from './message-size.ts';
import type { RememberedIds } from './remembered-ids.ts';
import type { Entry, TopicLog } from './topic-log.ts';
import type { Topics } from './topics.ts';

/** How much is kept over all topics. */
export interface Bounds {
  readonly maxMessages: number;
  readonly maxBytes: number;
}

class Usage {
  messages = 0;
  bytes = 0;

  add(messages: number, bytes: number): void {
    this.messages += messages;
    this.bytes += bytes;
  }

  exceeds(bounds: Bounds): boolean {
    return this.messages > bounds.maxMessages || this.bytes > bounds.maxBytes;
  }

  fits(bytes: number, bounds: Bounds): boolean {
    return this.messages < bounds.maxMessages && this.bytes + bytes <= bounds.maxBytes;
  }
}

/** How far the log was looked through for messages of one maximal age. What lies before needs no second look: times never fall. */
interface AgeSweep {
  readonly maxAgeMs: number;
  through: number;
}

/** The messages, and each change to them. The steps of one batch are called in the order of the methods here. */
export class MessageLog {
  readonly entries: EntryLog = new EntryLog();
  readonly #topics: Topics;
  readonly #ids: RememberedIds;
  readonly #bounds: Bounds;
  readonly #all = new Usage();
  readonly #held = new Usage();
  readonly #sweeps: readonly AgeSweep[];
  /** No stream message is left up to here. */
  #streamsThrough = 0;
  #lastTime = 0;
  #head = 0;
  /** What the present batch may have brought above its `maxCount`. */
  readonly #grown = new Set<TopicLog>();

  constructor(topics: Topics, ids: RememberedIds, bounds: Bounds, maxAges: ReadonlySet<number>) {
    this.#topics = topics;
    this.#ids = ids;
    this.#bounds = bounds;
    this.#sweeps = Array.from(maxAges, (maxAgeMs) => ({ maxAgeMs, through: 0 }));
  }

  get head(): number {
    return this.#head;
  }

  /** The time of a write: the clock's, but never before the last message's. */
  timeOf(now: number): number {
    return Math.max(this.#lastTime, now);
  }

  settle(settlement: Settlement): boolean {
    const log = this.#topics.get(settlement.topic);
    if (log === undefined) return false;
    const isDead = settlement.outcome === 'requeue' || settlement.outcome === 'discard';
    if (!isDead && !log.isHeld) return false;
    const from = isDead ? log.dead : log.live;
    const entry = from.find(settlement.position);
    if (entry === undefined) return false;
    from.remove(entry.position);
    if (settlement.outcome === 'dead') {
      entry.reason = settlement.reason;
      log.dead.insert(entry);
    } else if (settlement.outcome === 'requeue') {
      entry.reason = undefined;
      log.live.insert(entry);
      this.#grown.add(log);
      for (const sweep of this.#sweeps) sweep.through = Math.min(sweep.through, entry.position - 1);
    } else this.#discard(entry);
    return true;
  }

  append(message: NewMessage, now: number): AppendResult {
    const { topic, id } = message;
    const first = message.deduplicate ? this.#ids.find(topic, id, now) : undefined;
    if (first !== undefined) return { status: 'duplicate', position: first.position, time: first.time };
    const log = this.#topics.obtain(topic);
    const { policy } = log;
    if (policy?.kind === 'until-handled' && policy.overflow === 'reject' && log.live.length >= policy.maxCount) {
      return { status: 'refused', reason: 'topic-full' };
    }
    const stored = storedMessage(message, this.#head + 1, now);
    const size = sizeOf(stored);
    // Streams make room when the batch is trimmed; what held topics keep cannot.
    if (!this.#held.fits(size, this.#bounds)) return { status: 'refused', reason: 'history-full' };
    this.#head++;
    this.#lastTime = now;
    this.#add(log, stored, size);
    if (message.deduplicate) this.#ids.add(topic, id, stored.position, now);
    return { status: 'appended', position: stored.position, time: now };
  }

  /** Brings every limit about, and tells what held topics lost. */
  trim(now: number): DroppedMessage[] {
    const dropped: DroppedMessage[] = [];
    for (const log of this.#grown) {
      while (log.live.length > log.trimmedAbove) this.#trimOldest(log, dropped);
    }
    this.#grown.clear();
    for (const sweep of this.#sweeps) this.#trimAged(sweep, now, dropped);
    this.#trimStreams();
    this.#topics.mergeMarks();
    this.entries.compact();
    return dropped.sort((a, b) => a.position - b.position);
  }

  #add(log: TopicLog, message: StoredMessage, size: number): void {
    if (log.isEmpty) this.#topics.filled(log);
    const { position, time } = message;
    const entry: Entry = { position, time, topic: log, size, message, reason: undefined };
    log.live.push(entry);
    this.entries.push(entry);
    this.#all.add(1, size);
    if (log.isHeld) this.#held.add(1, size);
    if (log.live.length > log.trimmedAbove) this.#grown.add(log);
  }

  #trimAged(sweep: AgeSweep, now: number, dropped: DroppedMessage[]): void {
    for (let index = this.entries.indexAfter(sweep.through); ; index++) {
      const entry = this.entries.at(index);
      if (entry === undefined || entry.time >= now - sweep.maxAgeMs) return;
      sweep.through = entry.position;
      if (entry.topic.policy?.maxAgeMs !== sweep.maxAgeMs || entry.message === undefined) continue;
      if (entry.reason === undefined) this.#trimOldest(entry.topic, dropped);
    }
  }

  #trimStreams(): void {
    if (!this.#all.exceeds(this.#bounds)) return;
    for (let index = this.entries.indexAfter(this.#streamsThrough); this.#all.exceeds(this.#bounds); index++) {
      const entry = this.entries.at(index);
      if (entry === undefined) return;
      this.#streamsThrough = entry.position;
      if (entry.message !== undefined && !entry.topic.isHeld) this.#trimOldest(entry.topic, []);
    }
  }

  #trimOldest(log: TopicLog, dropped: DroppedMessage[]): void {
    const entry = log.live.first;
    if (entry?.message === undefined) return;
    const { position, message } = entry;
    log.live.removeFirst();
    this.#topics.raiseMark(log, position);
    this.#discard(entry);
    if (log.isHeld) dropped.push({ topic: log.name, position, id: message.id });
  }

  #discard(entry: Entry): void {
    const { size, topic } = entry;
    this.entries.remove(entry);
    this.#all.add(-1, -size);
    if (topic.isHeld) this.#held.add(-1, -size);
    if (topic.isEmpty) this.#topics.emptied(topic);
  }
}

/** Without spreads: a message is made for every append, and this is most of its cost. */
function storedMessage(
  { topic, id, type, body, attributes }: NewMessage,
  position: number,
  time: number,
): StoredMessage {
  if (type === undefined) {
    if (attributes === undefined) return { position, topic, id, time, body };
    return { position, topic, id, time, body, attributes };
  }
  if (attributes === undefined) return { position, topic, id, time, type, body };
  return { position, topic, id, time, type, body, attributes };
}
