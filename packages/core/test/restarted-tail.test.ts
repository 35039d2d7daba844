import { createBus, type HistoryStore, type ReadQuery } from '@hexbus/core';
import { expect, test } from 'vitest';
import { createDurablePlace } from './support/durable-memory.ts';

const topics = { 'order.>': { retain: { maxCount: 100 } }, '@user.>': { retain: { maxCount: 100 } } };

/** A history that notes what is read of it, and fails to give it so often. */
function watched(history: HistoryStore, reads: ReadQuery[], failures = 0): HistoryStore {
  let left = failures;
  const read: HistoryStore['read'] = async (query) => {
    reads.push(query);
    if (left-- > 0) throw new Error('the disk is busy');
    return history.read(query);
  };
  return { ...history, read };
}

async function filled(): Promise<{ readonly store: () => HistoryStore; readonly start: string }> {
  const place = createDurablePlace();
  const bus = createBus({ history: place.store(), topics });
  await bus.open();
  const { cursor = '' } = await bus.publish('order.first', 0);
  for (let number = 1; number <= 10; number++) {
    await bus.publish('order.created', number);
    await bus.publish('@user.anna', number);
  }
  await bus.close();
  return { store: place.store, start: cursor };
}

test('those who come back after a restart share one read of the history, whatever they follow', async () => {
  const { store, start } = await filled();
  const reads: ReadQuery[] = [];
  const bus = createBus({ history: watched(store(), reads), topics });
  await bus.open();
  const all = ['order.created', 'order.*', '@user.anna', 'order.created', '@user.>'].map((filter) => {
    const bodies: unknown[] = [];
    const subscription = bus.subscribe(filter, ({ body }) => void bodies.push(body), { from: { after: start } });
    return { bodies, subscription };
  });
  await Promise.all(all.map(({ subscription }) => subscription.caughtUp()));
  for (const { bodies } of all) expect(bodies).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  expect(reads).toHaveLength(1);

  await bus.publish('order.created', 11);
  await Promise.all(all.map(({ subscription }) => subscription.caughtUp()));
  expect(all.map(({ bodies }) => bodies.length)).toEqual([11, 11, 10, 11, 10]);
  await bus.close();
});

test('a read that fails is tried again, and by then nothing is missed or repeated', async () => {
  const { store, start } = await filled();
  const reads: ReadQuery[] = [];
  const bus = createBus({ history: watched(store(), reads, 2), topics });
  await bus.open();
  const bodies: unknown[] = [];
  const subscription = bus.subscribe('order.>', ({ body }) => void bodies.push(body), { from: { after: start } });
  await bus.publish('order.created', 11);
  await subscription.caughtUp();
  expect(bodies).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  expect(reads.length).toBeGreaterThan(2);
  await bus.close();
});
