import { type CancelTimer, type Clock, systemClock } from '@hexbus/core';

/** Calls `beat` whenever nothing was done for a while. */
export class KeepAlive {
  readonly #ms: number;
  readonly #beat: () => void;
  readonly #clock: Clock;
  #since: number;
  #cancel: CancelTimer;

  constructor(ms: number, beat: () => void, clock: Clock = systemClock) {
    this.#ms = ms;
    this.#beat = beat;
    this.#clock = clock;
    this.#since = clock.now();
    this.#cancel = this.#after(ms);
  }

  /** Something was done. Cheap: no timer is touched. */
  touch(): void {
    this.#since = this.#clock.now();
  }

  stop(): void {
    this.#cancel();
  }

  #after(delayMs: number): CancelTimer {
    return this.#clock.setTimer(() => this.#look(), delayMs);
  }

  #look(): void {
    const left = this.#since + this.#ms - this.#clock.now();
    // A clock that stepped back must not make it silent for longer.
    if (left > 0 && left <= this.#ms) {
      this.#cancel = this.#after(left);
      return;
    }
    this.touch();
    this.#cancel = this.#after(this.#ms);
    this.#beat();
  }
}
