import type { RetentionPolicy, StoredMessage } from '@hexbus/core';
import { PositionList } from './position-list.ts';

/** A message in its place, and what has become of it. */
export interface Entry {
  readonly position: number;
  readonly time: number;
  readonly topic: TopicLog;
  /** What the message counts towards the bound of the history. */
  readonly size: number;
  /** Undefined once the message was removed; the entry itself goes at the next compaction. */
  message: StoredMessage | undefined;
  /** Why the message died; undefined unless it is dead. */
  reason: string | undefined;
}

/** What is kept of one topic. */
export class TopicLog {
  readonly name: string;
  readonly policy: RetentionPolicy | undefined;
  /** Messages of a stream, or those of a held topic that wait. */
  readonly live: PositionList<Entry> = new PositionList();
  readonly dead: PositionList<Entry> = new PositionList();
  /** Past this many live messages the oldest are removed. A held topic that rejects removes none. */
  readonly trimmedAbove: number;
  /** The highest position that a limit removed. */
  mark: number;

  constructor(name: string, policy: RetentionPolicy | undefined, mark: number) {
    this.name = name;
    this.policy = policy;
    const rejects = policy?.kind === 'until-handled' && policy.overflow === 'reject';
    this.trimmedAbove = rejects ? Infinity : (policy?.maxCount ?? Infinity);
    this.mark = mark;
  }

  get isHeld(): boolean {
    return this.policy?.kind === 'until-handled';
  }

  get isEmpty(): boolean {
    return this.live.length === 0 && this.dead.length === 0;
  }
}
