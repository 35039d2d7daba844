import type { RetentionPolicy } from '@hexbus/core';
import type { Entry } from './entry.ts';
import { PositionList } from './position-list.ts';

/** What is kept of one topic. */
export class TopicLog {
  readonly name: string;
  readonly policy: RetentionPolicy | undefined;
  /** Messages of a stream, or those of a held topic that wait. */
  readonly live: PositionList<Entry> = new PositionList();
  readonly dead: PositionList<Entry> = new PositionList();
  /** The highest position that a limit removed. */
  mark: number;

  constructor(name: string, policy: RetentionPolicy | undefined, mark: number) {
    this.name = name;
    this.policy = policy;
    this.mark = mark;
  }

  get isHeld(): boolean {
    return this.policy?.kind === 'until-handled';
  }

  get isEmpty(): boolean {
    return this.live.length === 0 && this.dead.length === 0;
  }
}
