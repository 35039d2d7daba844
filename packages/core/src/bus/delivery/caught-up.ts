import type { CursorParts } from '../../cursor.ts';

interface Waiter {
  readonly target: CursorParts;
  readonly owner: unknown;
  resolve(): void;
}

/** Those who wait until everything up to a position is handled. */
export class CaughtUpWaiters {
  #waiters: Waiter[] = [];

  /** `owner`: on whose behalf, for `leave`. */
  wait(target: CursorParts, owner?: unknown): Promise<void> {
    return new Promise((resolve) => this.#waiters.push({ target, owner, resolve }));
  }

  /** Everything up to there is handled. A position of one epoch says nothing of another. */
  reached(epoch: string, position: number): void {
    if (this.#waiters.length === 0) return;
    this.#release(({ target }) => target.epoch === epoch && target.position <= position);
  }

  /** The owner waits no longer. */
  leave(left: unknown): void {
    this.#release(({ owner }) => owner === left);
  }

  /** Nothing is left to handle, or nobody will handle it. */
  releaseAll(): void {
    this.#release(() => true);
  }

  #release(isDue: (waiter: Waiter) => boolean): void {
    this.#waiters = this.#waiters.filter((waiter) => {
      const due = isDue(waiter);
      if (due) waiter.resolve();
      return !due;
    });
  }
}
