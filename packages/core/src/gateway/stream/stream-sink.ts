import type { Gap } from '../../bus/log/losses.ts';
import type { RetainedMessage } from '../../message.ts';

/** Where a merged stream goes. Every method returns at once. */
export interface StreamSink {
  /** Whether another message may be given. When there is room again, the stream must be woken. */
  readonly hasRoom: boolean;
  /** A message for every subscription that it matches, all of which are settled. */
  event(message: RetainedMessage): void;
  /** A message for these subscriptions alone. */
  eventFor(message: RetainedMessage, subs: readonly number[], token: string): void;
  gap(gap: Gap, subs: readonly number[]): void;
  /** All positions are void, of these subscriptions or of all: they go on at the beginning of another epoch. */
  reset(token: string, subs?: readonly number[]): void;
  /** The last subscription that was not settled is. On a quiet connection nothing else would tell. */
  settled(token: string): void;
  error(error: unknown): void;
}
