import type { Randomness } from '@hexbus/core';

/** The bound of the first pause, and the highest. */
export interface BackoffTimings {
  readonly reconnectDelayMs: number;
  readonly maxReconnectDelayMs: number;
}

/** Random pauses below a bound that doubles, so that many clients do not come back together. */
export class JitteredBackoff {
  readonly #randomness: Pick<Randomness, 'fraction'>;
  readonly #timings: BackoffTimings;
  #failures = 0;

  constructor(randomness: Pick<Randomness, 'fraction'>, timings: BackoffTimings) {
    this.#randomness = randomness;
    this.#timings = timings;
  }

  reset(): void {
    this.#failures = 0;
  }

  next(): number {
    const { reconnectDelayMs, maxReconnectDelayMs } = this.#timings;
    const mostMs = Math.min(reconnectDelayMs * 2 ** this.#failures, maxReconnectDelayMs);
    this.#failures += 1;
    return Math.floor(this.#randomness.fraction() * mostMs);
  }
}
