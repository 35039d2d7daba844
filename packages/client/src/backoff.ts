import type { Randomness } from '@hexbus/core';

/** Random pauses below a bound that doubles, so that many clients do not come back together. */
export class JitteredBackoff {
  readonly #randomness: Randomness;
  readonly #firstMs: number;
  readonly #maxMs: number;
  #failures = 0;

  constructor(randomness: Randomness, firstMs: number, maxMs: number) {
    this.#randomness = randomness;
    this.#firstMs = firstMs;
    this.#maxMs = maxMs;
  }

  reset(): void {
    this.#failures = 0;
  }

  next(): number {
    const mostMs = Math.min(this.#firstMs * 2 ** this.#failures, this.#maxMs);
    this.#failures += 1;
    return Math.floor(this.#randomness.fraction() * mostMs);
  }
}
