import {
  createRetentionLookup,
  createTopicMatcher,
  type Head,
  type LocateQuery,
  type NamedCursor,
  type RetentionLookup,
  type RetentionPolicies,
  type TopicMatcher,
  type WriteBatch,
  type WriteResult,
} from '@hexbus/core';

export type EntryState = 'live' | 'trimmed' | 'handled' | 'dead' | 'dropped' | 'discarded' | 'wiped';

/** One message that a history has ever appended, and what became of it. */
export interface Entry {
  readonly epoch: string;
  readonly position: number;
  readonly topic: string;
  readonly id: string;
  /** Which publish made it: each has a number of its own, in its body. */
  readonly serial: number;
  readonly time: number;
  readonly held: boolean;
  state: EntryState;
  /** The step in which it stopped to be readable as a live message. */
  goneAt: number;
  requeued: boolean;
}

/**
 * What must be in the history, kept from what the history answered and from nothing the bus says. It is the model that listeners are compared
 * with: every message of every epoch, in order, and when each of them went.
 */
export class Ledger {
  readonly retention: RetentionLookup;
  readonly cursors = new Map<string, NamedCursor>();
  readonly #epochs = new Map<string, Entry[]>();
  readonly #matchers = new Map<string, TopicMatcher>();
  #epoch = '';
  #head = 0;
  #time = 0;

  constructor(policies: RetentionPolicies) {
    this.retention = createRetentionLookup(policies);
  }

  get head(): Head {
    return { epoch: this.#epoch, position: this.#head };
  }

  get epochs(): readonly string[] {
    return [...this.#epochs.keys()];
  }

  /** All messages of an epoch, in order. */
  entries(epoch: string = this.#epoch): readonly Entry[] {
    return this.#epochs.get(epoch) ?? [];
  }

  find(epoch: string, position: number): Entry | undefined {
    const entries = this.entries(epoch);
    const index = indexAfter(entries, position - 1);
    return entries[index]?.position === position ? entries[index] : undefined;
  }

  ofSerial(serial: number): readonly Entry[] {
    return [...this.#epochs.values()].flatMap((entries) => entries.filter((entry) => entry.serial === serial));
  }

  /** The messages of a filter between two positions, the second inclusive. */
  between(epoch: string, filter: readonly string[], after: number, through: number): readonly Entry[] {
    const entries = this.entries(epoch);
    const matcher = this.matcher(filter);
    const found: Entry[] = [];
    for (let index = indexAfter(entries, after); index < entries.length; index++) {
      const entry = entries[index] as Entry;
      if (entry.position > through) break;
      if (matcher.matches(entry.topic)) found.push(entry);
    }
    return found;
  }

  matcher(filter: readonly string[]): TopicMatcher {
    const key = filter.join(' ');
    let matcher = this.#matchers.get(key);
    if (matcher === undefined) {
      matcher = createTopicMatcher(filter, this.retention);
      this.#matchers.set(key, matcher);
    }
    return matcher;
  }

  /** Where the history must find a start now. */
  locate(filter: readonly string[], from: LocateQuery['from']): number {
    const live = this.between(this.#epoch, filter, 0, this.#head).filter((entry) => entry.state === 'live');
    let first = live[0];
    if ('last' in from) first = live.at(-Math.min(from.last, live.length));
    if ('since' in from) first = live.find((entry) => entry.time >= from.since);
    return first === undefined ? this.#head : first.position - 1;
  }

  /** A history begins, or goes on. A new epoch takes the messages over if it `keeps` them. */
  opened(head: Head, keeps: boolean, step: number): void {
    if (head.epoch === this.#epoch) return;
    const before = this.entries();
    this.#epochs.set(head.epoch, keeps ? before.map((entry) => ({ ...entry, epoch: head.epoch })) : []);
    for (const entry of before) end(entry, 'wiped', step);
    this.#epoch = head.epoch;
    this.#head = head.position;
  }

  /** All messages are gone, and positions begin anew. */
  wiped(epoch: string, step: number): void {
    this.opened({ epoch, position: 0 }, false, step);
  }

  /** Somebody removed the oldest messages of a stream up to a position. */
  trimmed(topic: string, through: number, step: number): void {
    for (const entry of this.entries()) {
      if (entry.topic === topic && entry.position <= through) end(entry, 'trimmed', step);
    }
  }

  written(batch: WriteBatch, result: WriteResult, now: number, step: number): void {
    if (!result.applied) return;
    this.#time = Math.max(this.#time, now);
    const entries = this.#epochs.get(result.epoch) as Entry[];
    for (const [index, settlement] of batch.settle.entries()) {
      const entry = this.find(result.epoch, settlement.position);
      if (result.settled[index] !== true || entry === undefined) continue;
      if (settlement.outcome === 'requeue') Object.assign(entry, { state: 'live', goneAt: Infinity, requeued: true });
      else {
        const states = { handled: 'handled', dead: 'dead', discard: 'discarded' } as const;
        Object.assign(entry, { state: states[settlement.outcome], goneAt: step });
      }
    }
    for (const [index, { topic, id, body }] of batch.append.entries()) {
      const answer = result.appended[index];
      if (answer?.status !== 'appended') continue;
      const { serial } = JSON.parse(body) as { serial: number };
      const held = this.retention.isHeld(topic);
      const { position, time } = answer;
      const entry: Entry = {
        epoch: result.epoch,
        position,
        topic,
        id,
        serial,
        time,
        held,
        state: 'live',
        goneAt: Infinity,
        requeued: false,
      };
      entries.push(entry);
    }
    this.#head = result.head;
    for (const cursor of batch.commitCursors) this.cursors.set(cursor.name, cursor);
    for (const name of batch.deleteCursors) this.cursors.delete(name);
    for (const { position } of result.dropped) {
      const entry = this.find(result.epoch, position);
      if (entry !== undefined) end(entry, 'dropped', step);
    }
    this.#trimStreams(entries, step);
  }

  #trimStreams(entries: readonly Entry[], step: number): void {
    const newer = new Map<string, number>();
    for (let index = entries.length - 1; index >= 0; index--) {
      const entry = entries[index] as Entry;
      const policy = this.retention.policyOf(entry.topic);
      if (entry.state !== 'live' || policy?.kind !== 'limits') continue;
      const count = newer.get(entry.topic) ?? 0;
      newer.set(entry.topic, count + 1);
      if (count >= policy.maxCount || entry.time < this.#time - policy.maxAgeMs) end(entry, 'trimmed', step);
    }
  }
}

function end(entry: Entry, state: EntryState, step: number): void {
  if (entry.state !== 'live') return;
  entry.state = state;
  entry.goneAt = step;
}

/** The index of the first entry after a position. */
function indexAfter(entries: readonly Entry[], position: number): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((entries[middle] as Entry).position <= position) low = middle + 1;
    else high = middle;
  }
  return low;
}
