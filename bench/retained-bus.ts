import { type Bus, createBus, type HistoryStore } from '@hexbus/core';
import { createMemoryHistory } from '@hexbus/store-memory';

export type BodyMap = Record<string, unknown>;

/** An open bus that retains every topic, in memory unless it is given a history. */
export async function openRetainedBus(
  history: HistoryStore = createMemoryHistory(),
  maxCount = 10_000,
): Promise<Bus<BodyMap>> {
  const bus = createBus<BodyMap>({ history, topics: { '>': { retain: { maxCount } } } });
  await bus.open();
  return bus;
}

/** Publishes so many, `burst` at a time without awaiting them one by one; resolves when the last is committed. */
export async function publishInBursts(
  publish: (index: number) => Promise<unknown>,
  times: number,
  burst: number,
): Promise<void> {
  for (let done = 0; done < times; ) {
    const end = Math.min(times, done + burst);
    let last: Promise<unknown> | undefined;
    for (; done < end; done++) last = publish(done);
    await last;
  }
}
