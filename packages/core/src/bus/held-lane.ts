import { formatCursor } from '../cursor.ts';
import type { SubscriptionStart } from './api.ts';
import type { HeldQueue } from './held-queue.ts';
import type { Lane, LaneHandling } from './lane.ts';
import type { Tail } from './tail.ts';

/** A listener of a held topic. Its queue is shared with the other listeners of the topic. */
export class HeldLane implements Lane {
  readonly cursor: undefined;
  readonly #queue: HeldQueue;
  readonly #listener: LaneHandling;
  readonly #tail: Tail;

  constructor(queue: HeldQueue, listener: LaneHandling, tail: Tail) {
    this.#queue = queue;
    this.#listener = listener;
    this.#tail = tail;
  }

  begin(): Promise<SubscriptionStart> {
    const { epoch, head } = this.#tail;
    this.#queue.attach(this.#listener);
    return Promise.resolve({ start: formatCursor(epoch, 0), head: formatCursor(epoch, head) });
  }

  /** Messages come by the queue. */
  push(): void {}

  doubt(): void {}

  caughtUp(): Promise<void> {
    return this.#queue.caughtUp(this.#listener);
  }

  end(): Promise<void> {
    return this.#queue.detach(this.#listener);
  }
}
