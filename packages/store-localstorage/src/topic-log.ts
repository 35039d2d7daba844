import type { RetentionPolicy, StoredMessage } from '@hexbus/core';

/** A message in its place, and what has become of it. */
export interface Entry {
  readonly message: StoredMessage;
  readonly topic: TopicLog;
  /** The caller gave the id. */
  readonly once: boolean;
  /** Why the message died; undefined unless it is dead. */
  reason: string | undefined;
}

/** What is kept of one topic, by position. */
export class TopicLog {
  readonly name: string;
  readonly policy: RetentionPolicy | undefined;
  /** Messages of a stream, or those of a held topic that wait. */
  readonly live: Entry[] = [];
  readonly dead: Entry[] = [];
  readonly #maxCount: number;
  /** What is too much is refused; else the oldest go for it. */
  readonly #rejects: boolean;

  constructor(name: string, policy: RetentionPolicy | undefined) {
    this.name = name;
    this.policy = policy;
    this.#maxCount = policy?.maxCount ?? Infinity;
    this.#rejects = policy?.kind === 'until-handled' && policy.overflow === 'reject';
  }

  get isHeld(): boolean {
    return this.policy?.kind === 'until-handled';
  }

  get isFull(): boolean {
    return this.#rejects && this.live.length >= this.#maxCount;
  }

  /** Past this many live messages the oldest are removed. */
  get trimmedAbove(): number {
    return this.#rejects ? Infinity : this.#maxCount;
  }

  get isEmpty(): boolean {
    return this.live.length === 0 && this.dead.length === 0;
  }
}

/** The index of the first entry above a position. */
export function indexAfter(entries: readonly Entry[], position: number): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((entries[middle] as Entry).message.position <= position) low = middle + 1;
    else high = middle;
  }
  return low;
}

export function findEntry(entries: readonly Entry[], position: number): Entry | undefined {
  const entry = entries[indexAfter(entries, position) - 1];
  return entry?.message.position === position ? entry : undefined;
}

export function insertEntry(entries: Entry[], entry: Entry): void {
  entries.splice(indexAfter(entries, entry.message.position), 0, entry);
}

export function removeEntry(entries: Entry[], { message }: Entry): void {
  entries.splice(indexAfter(entries, message.position) - 1, 1);
}
