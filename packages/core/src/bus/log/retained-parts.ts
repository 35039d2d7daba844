import type { Clock } from '../../clock.ts';
import type { HistoryStore } from '../../ports/history-store.ts';
import type { Observers } from '../observers.ts';
import type { NamedCursors } from './named-cursors.ts';
import type { Tail } from './tail.ts';
import type { Writer } from './writer.ts';

/** What follows an open history shares: pumps, held queues, dead letters. Owned by the `RetainedSide`. */
export interface RetainedParts {
  readonly history: HistoryStore;
  readonly tail: Tail;
  readonly writer: Writer;
  readonly names: NamedCursors;
  readonly clock: Clock;
  readonly observers: Observers;
}
