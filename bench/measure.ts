import type { Effort } from './harness.ts';

const warmUpMs = 150;
const sampleMs = 25;
const samples = 20;

/** Does the work so many times. */
export type Work = (times: number) => void | Promise<void>;

/**
 * Nanoseconds for one piece of work: warms up, then takes samples of about 25 ms and gives their lower quartile, which holds the cost of collecting
 * garbage but little of what other programs of the machine took.
 */
export async function nanosecondsEach(work: Work, { quick }: Effort, least = 1): Promise<number> {
  if (quick) return timed(work, least);
  let times = least;
  const warmUntil = performance.now() + warmUpMs;
  let each = await timed(work, times);
  while (performance.now() < warmUntil) {
    times = rounded(Math.min(times * 4, (sampleMs * 1e6) / each), least);
    each = await timed(work, times);
  }
  times = rounded((sampleMs * 1e6) / each, least);
  const figures: number[] = [];
  for (let sample = 0; sample < samples; sample++) figures.push(await timed(work, times));
  return figures.sort((a, b) => a - b)[samples >>> 2] as number;
}

/** Nanoseconds for one of `times` pieces of work, done once; for work that has to be done as a whole. */
export async function timed(work: Work, times: number): Promise<number> {
  const start = performance.now();
  const working = work(times);
  if (working !== undefined) await working;
  return ((performance.now() - start) * 1e6) / times;
}

/** A multiple of `least`. */
function rounded(times: number, least: number): number {
  return Math.max(1, Math.round(times / least)) * least;
}
