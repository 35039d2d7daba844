import type { CancelTimer, Clock } from '@hexbus/core';

/** Tells what was handled now and then: at most once an interval, and when asked to. */
export class Acknowledgements {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #tell: () => void;
  #cancelTimer: CancelTimer | undefined;

  constructor(clock: Clock, intervalMs: number, tell: () => void) {
    this.#clock = clock;
    this.#intervalMs = intervalMs;
    this.#tell = tell;
  }

  /** There is something to tell. */
  due(): void {
    this.#cancelTimer ??= this.#clock.setTimer(() => this.flush(), this.#intervalMs);
  }

  /** Tells now, if there is anything. */
  flush(): void {
    if (this.#cancelTimer === undefined) return;
    this.#cancelTimer();
    this.#cancelTimer = undefined;
    this.#tell();
  }

  /** The same for the last time. */
  end(): void {
    this.flush();
    this.#cancelTimer = () => undefined;
  }
}
