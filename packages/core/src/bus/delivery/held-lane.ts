import type { CursorParts } from '../../cursor.ts';
import type { HeldQueue } from './held-queue.ts';
import type { Lane, LaneHandling } from './lane.ts';

/** A listener of a held topic. Its queue is shared with the other listeners of the topic. */
export class HeldLane implements Lane {
  readonly #queue: HeldQueue;
  readonly #listener: LaneHandling;

  constructor(queue: HeldQueue, listener: LaneHandling) {
    this.#queue = queue;
    this.#listener = listener;
  }

  async begin(): Promise<CursorParts> {
    return this.#queue.attach(this.#listener);
  }

  caughtUp(): Promise<void> {
    return this.#queue.caughtUp(this.#listener);
  }

  end(): Promise<void> {
    return this.#queue.detach(this.#listener);
  }
}
