import type { Randomness } from '@hexbus/core';

/** Randomness that repeats: the same seed gives the same ids and fractions in the same order. Ids of one seed never repeat. */
export function createSeededRandomness(seed: number): Randomness {
  let state = seed >>> 0;
  // mulberry32: the state is a counter of full period, so four draws in a row do not come twice.
  function draw(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }
  return {
    id: () => Array.from({ length: 4 }, () => draw().toString(16).padStart(8, '0')).join(''),
    fraction: () => draw() / 0x1_0000_0000,
  };
}
