import {
  type AppendResult,
  createRetentionLookup,
  createTopicMatcher,
  type DroppedMessage,
  type Filter,
  type LocateQuery,
  type NamedCursor,
  type NewMessage,
  type OpenHistoryOptions,
  type RetentionLookup,
  type Settlement,
  type StoredMessage,
  type TopicSummary,
  type WriteBatch,
  type WriteResult,
} from '@hexbus/core';

/** One message that was ever appended, and what has become of it. */
export interface Fate {
  readonly message: StoredMessage;
  state: 'live' | 'dead' | 'gone';
  reason: string;
}

interface Remembered {
  readonly topic: string;
  readonly id: string;
  readonly position: number;
  readonly time: number;
}

/**
 * The port in its plainest form: every message ever appended with its fate, in one list that only grows. It predicts what a history answers.
 * Which positions a history gives it cannot know, so it takes those from the answer.
 */
export class HistoryOracle {
  readonly fates: Fate[] = [];
  readonly cursors: Map<string, NamedCursor> = new Map();
  /** Per topic the highest position that a limit removed. */
  readonly marks: Map<string, number> = new Map();
  readonly epoch: string;
  readonly retention: RetentionLookup;
  head: number;
  readonly #deduplication: OpenHistoryOptions['deduplication'];
  readonly #remembered: Remembered[] = [];
  #lastTime = 0;
  /** The time of the write that is under way. */
  #now = 0;

  constructor(options: OpenHistoryOptions, epoch: string, head: number) {
    this.retention = createRetentionLookup(options.retention);
    this.#deduplication = options.deduplication;
    this.epoch = epoch;
    this.head = head;
  }

  /** The messages of a filter in a state, oldest first. */
  messages(filter: Filter, state: 'live' | 'dead'): Fate[] {
    const matcher = createTopicMatcher(filter, this.retention);
    return this.fates.filter((fate) => fate.state === state && matcher.matches(fate.message.topic));
  }

  /** Does what the batch asks for at time `now`, and returns the right answer. */
  write(batch: WriteBatch, now: number, answer: WriteResult): WriteResult {
    const before = this.head;
    if (batch.epoch !== this.epoch) {
      return { epoch: this.epoch, applied: false, before, head: before, appended: [], settled: [], dropped: [] };
    }
    this.#now = Math.max(this.#lastTime, now);
    const settled = batch.settle.map((settlement) => this.#settle(settlement));
    const appended = batch.append.map((message, index) => this.#append(message, answer.appended[index]));
    for (const cursor of batch.commitCursors) this.cursors.set(cursor.name, cursor);
    for (const name of batch.deleteCursors) this.cursors.delete(name);
    const dropped = this.#trim();
    return { epoch: this.epoch, applied: true, before, head: this.head, appended, settled, dropped };
  }

  locate(filter: Filter, from: LocateQuery['from']): number {
    let found = this.messages(filter, 'live');
    if ('last' in from) found = from.last === 0 ? [] : found.slice(-from.last);
    if ('since' in from) found = found.filter(({ message }) => message.time >= from.since);
    const [first] = found;
    return first === undefined ? this.head : first.message.position - 1;
  }

  summarize(topic: string): TopicSummary {
    const positions = this.messages([topic], 'live').map(({ message }) => message.position);
    const dead = this.messages([topic], 'dead').length;
    return { count: positions.length, dead, first: positions[0], last: positions.at(-1) };
  }

  #settle(settlement: Settlement): boolean {
    const { outcome, topic, position } = settlement;
    const fate = this.fates.find(({ message }) => message.topic === topic && message.position === position);
    const needed = outcome === 'handled' || outcome === 'dead' ? 'live' : 'dead';
    if (fate?.state !== needed || !this.retention.isHeld(topic)) return false;
    fate.state = outcome === 'requeue' ? 'live' : outcome === 'dead' ? 'dead' : 'gone';
    fate.reason = outcome === 'dead' ? settlement.reason : '';
    return true;
  }

  #append({ deduplicate, ...rest }: NewMessage, answer: AppendResult | undefined): AppendResult {
    const { topic, id } = rest;
    const first = this.#remembered
      .slice(-this.#deduplication.maxIds)
      .find((each) => each.topic === topic && each.id === id && each.time >= this.#now - this.#deduplication.maxAgeMs);
    if (deduplicate && first !== undefined) {
      return { status: 'duplicate', position: first.position, time: first.time };
    }
    const policy = this.retention.policyOf(topic);
    const full = this.messages([topic], 'live').length >= (policy?.maxCount ?? 0);
    if (full && policy?.kind === 'until-handled' && policy.overflow === 'reject') {
      return { status: 'refused', reason: 'topic-full' };
    }
    // A position that did not rise is answered with one that has, which then differs from the answer.
    const given = answer?.status === 'appended' ? answer.position : 0;
    this.head = given > this.head ? given : this.head + 1;
    const { head: position } = this;
    const time = this.#now;
    this.#lastTime = time;
    this.fates.push({ message: { ...rest, position, time }, state: 'live', reason: '' });
    if (deduplicate) this.#remembered.push({ topic, id, position, time });
    return { status: 'appended', position, time };
  }

  #trim(): DroppedMessage[] {
    const dropped: DroppedMessage[] = [];
    for (const fate of this.fates) {
      const { topic, position, id, time } = fate.message;
      const policy = this.retention.policyOf(topic);
      if (fate.state !== 'live' || policy === undefined) continue;
      const isHeld = policy.kind === 'until-handled';
      const counts = !isHeld || policy.overflow === 'drop-oldest';
      const tooMany = counts && this.messages([topic], 'live').length > policy.maxCount;
      if (!tooMany && time >= this.#now - policy.maxAgeMs) continue;
      fate.state = 'gone';
      this.marks.set(topic, Math.max(position, this.marks.get(topic) ?? 0));
      if (isHeld) dropped.push({ topic, position, id });
    }
    return dropped;
  }
}
