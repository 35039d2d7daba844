import { expect, test } from 'vitest';
import { durable, held, streams } from './mixes.ts';
import { memoryPlace, simulatedPlace } from './places.ts';
import { runAll } from './runs.ts';

test.each([
  ['streams', streams],
  ['held', held],
  ['durable', durable],
] as const)('%s', async (_, mix) => {
  for (const place of [simulatedPlace, memoryPlace]) {
    const at = Date.now();
    const outcome = await runAll({ mix, place, runs: Number(process.env['RUNS'] ?? 100) });
    console.log(place.name, outcome.runs, outcome.steps, Date.now() - at, JSON.stringify([...outcome.counts]));
    expect(outcome.failure?.report).toBe(undefined);
  }
});
