import { systemClock } from '@hexbus/core';

interface Waiter {
  readonly condition: () => boolean;
  readonly done: () => void;
}

/** Waits for what should happen, and says what did not. It looks whenever something happened, and never just lets time pass. */
export class Patience {
  readonly #ms: number;
  readonly #waiters = new Set<Waiter>();

  constructor(ms: number) {
    this.#ms = ms;
  }

  /** Something happened. */
  look(): void {
    for (const waiter of this.#waiters) {
      if (!waiter.condition()) continue;
      this.#waiters.delete(waiter);
      waiter.done();
    }
  }

  until(condition: () => boolean, what: string): Promise<void> {
    if (condition()) return Promise.resolve();
    return this.of(new Promise<void>((done) => void this.#waiters.add({ condition, done })), what);
  }

  /** What the promise gives, if it does so in time. */
  of<T>(promise: Promise<T>, what: string): Promise<T> {
    return new Promise((resolve, reject) => {
      const cancel = systemClock.setTimer(() => reject(new Error(`did not happen: ${what}`)), this.#ms, true);
      promise.then(resolve, reject).finally(cancel);
    });
  }
}
