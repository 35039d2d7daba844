import type { Gap } from '../../bus/log/losses.ts';
import type { RetainedMessage } from '../../message.ts';
import type { Filter } from '../../ports/history-store.ts';

/** A subscription that a sink is told of. */
export interface Followed {
  readonly id: number;
  readonly entries: Filter;
}

/** Where a merged stream goes. Every method returns at once. */
export interface StreamSink {
  /** Whether another message may be given. When there is room again, the stream must be woken. */
  readonly hasRoom: boolean;
  /** A message for every subscription that it matches, all of which are settled. */
  event(message: RetainedMessage): void;
  /** A message for these subscriptions alone. */
  eventFor(message: RetainedMessage, subs: readonly number[], token: string): void;
  /** Messages were lost that these subscriptions were to get. */
  gap(gap: Gap, followed: readonly Followed[]): void;
  /** All positions are void, of these subscriptions or of all: they go on at the beginning of another epoch. */
  reset(token: string, subs?: readonly number[]): void;
  /** The last subscription that was not settled is. On a quiet connection nothing else would tell. */
  settled(token: string): void;
  error(error: unknown): void;
}
