import { createSeededRandomness } from '@hexbus/testkit';

/** `HEXBUS_SEED=123` draws the same again. */
export const seed: number = Number(process.env['HEXBUS_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

/** Whole numbers from 0 up to but not including `below`. */
export type Draw = (below: number) => number;

export function createDraw(): Draw {
  const { fraction } = createSeededRandomness(seed);
  return (below) => Math.floor(fraction() * below);
}
