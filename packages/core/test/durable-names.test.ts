import { HexbusError, type SubscribeOptions, type Subscription, type WriteResult } from '@hexbus/core';
import { describe, expect, test } from 'vitest';
import { rejection, type TestBus, thrownBy, useBuses } from './support/buses.ts';
import { deferred } from './support/deferred.ts';
import { createDurablePlace } from './support/durable-memory.ts';

const { open, make } = useBuses();

/** Subscribes with a handler that notes, and resolves when it has caught up. */
async function caughtUp(
  { bus, log }: TestBus,
  filter: string | string[],
  options: SubscribeOptions,
): Promise<Subscription> {
  const subscription = bus.subscribe(filter, log.handler('sub'), options);
  await subscription.caughtUp();
  return subscription;
}

async function ended(subscription: Subscription): Promise<void> {
  subscription.unsubscribe();
  await subscription.done;
}

describe('a durable name', () => {
  test('begins at from when it is new, and goes on where it ended when it is not', async () => {
    const one = await open();
    const { bus, log } = one;
    await bus.publish('order.x', 1);
    await ended(await caughtUp(one, 'order.x', { name: 'n', from: 'earliest' }));
    expect(log.take()).toEqual(['sub: order.x#1 1']);
    await bus.publish('order.x', 2);
    await ended(await caughtUp(one, 'order.x', { name: 'n', from: 'earliest' }));
    expect(log.take()).toEqual(['sub: order.x#2 2']);
    await ended(await caughtUp(one, 'order.x', { name: 'other', from: 'earliest' }));
    expect(log.take()).toEqual(['sub: order.x#1 1', 'sub: order.x#2 2']);
  });

  test('goes on after the bus was made again over the same place', async () => {
    const place = createDurablePlace();
    const first = await open({ history: place.store() });
    await caughtUp(first, 'order.x', { name: 'n' });
    await first.bus.publish('order.x', 1);
    await first.bus.close();
    expect(first.log.take()).toEqual(['sub: order.x#1 1']);

    const between = await open({ history: place.store() });
    await between.bus.publish('order.x', 2);
    await between.bus.close();

    const second = make({ history: place.store() });
    const subscription = second.bus.subscribe('order.x', second.log.handler('sub'), { name: 'n' });
    await second.bus.open();
    await second.bus.publish('order.x', 3);
    await subscription.caughtUp();
    expect(second.log.take()).toEqual(['sub: order.x#2 2', 'sub: order.x#3 3']);
  });

  test('commits its start before ready, so that a message published while nobody listens is not missed', async () => {
    const place = createDurablePlace();
    const first = await open({ history: place.store() });
    const subscription = first.bus.subscribe('order.x', () => {}, { name: 'n' });
    await subscription.ready;
    expect(first.batches.flatMap(({ commitCursors }) => commitCursors)).toMatchObject([{ name: 'n', position: 0 }]);
  });

  test('is taken while it is in use, until done, whatever the filter', async () => {
    const { bus, settled } = await open();
    const gate = deferred();
    const first = bus.subscribe('order.x', () => gate.promise, { name: 'n' });
    await first.ready;
    await bus.publish('order.x', 1);
    await settled();
    const again = (): Subscription => bus.subscribe('order.y', () => {}, { name: 'n', onFilterChange: 'restart' });
    expect(thrownBy(again)).toMatchObject({ code: 'HEXBUS_NAME_TAKEN', message: expect.stringContaining('"n"') });
    first.unsubscribe();
    expect(thrownBy(again)).toMatchObject({ code: 'HEXBUS_NAME_TAKEN' });
    gate.resolve();
    await first.done;
    await again().ready;
  });

  test('is taken until done also while a call of a topic that is not retained still runs', async () => {
    const { bus, settled } = await open();
    const gate = deferred();
    const first = bus.subscribe('>', () => gate.promise, { name: 'n' });
    await first.ready;
    bus.emit('mouse.moved', 1);
    first.unsubscribe();
    await settled();
    const again = (): Subscription => bus.subscribe('>', () => {}, { name: 'n' });
    expect(thrownBy(again)).toMatchObject({ code: 'HEXBUS_NAME_TAKEN' });
    gate.resolve();
    await first.done;
    await again().ready;
  });

  test('is free again after its subscription failed, or never began', async () => {
    const { bus, probe, takeErrors } = await open();
    const broken = new HexbusError('HEXBUS_HISTORY_FAILED', 'no');
    probe.failNext('loadCursor', broken);
    const failing = bus.subscribe('order.x', () => {}, { name: 'n' });
    expect(await rejection(failing.ready)).toBe(broken);
    await failing.done;
    takeErrors();
    const aborted = bus.subscribe('order.x', () => {}, { name: 'n', signal: AbortSignal.abort() });
    await aborted.done;
    await bus.subscribe('order.x', () => {}, { name: 'n' }).ready;
  });

  test('does not inherit the failed write of the subscription that had it before', async () => {
    const { bus, probe, log, onNextWrite, settled, takeErrors } = await open();
    const writing = deferred<WriteResult>();
    onNextWrite(() => writing.promise);
    const first = bus.subscribe('order.x', () => {}, { name: 'n' });
    await settled();
    first.unsubscribe();
    await first.done;
    const release = probe.holdNext('loadCursor');
    const second = bus.subscribe('order.x', log.handler('second'), { name: 'n', from: 'earliest' });
    writing.reject(new HexbusError('HEXBUS_HISTORY_BUSY', 'not now', { retryable: true }));
    await settled();
    expect(takeErrors()).toMatchObject([{ error: { code: 'HEXBUS_HISTORY_BUSY' } }]);
    await bus.publish('order.x', 1);
    release();
    await second.caughtUp();
    expect(log.take()).toEqual(['second: order.x#1 1']);
  });

  test('keeps the cursor before a message that failed with onFailure stop', async () => {
    const one = await open();
    const { bus, log, takeErrors } = one;
    const failing = (): never => {
      throw new Error('no');
    };
    const subscription = bus.subscribe('order.x', failing, { name: 'n', onFailure: 'stop', maxTries: 1 });
    await bus.publish('order.x', 1);
    await subscription.done;
    expect([subscription.state, takeErrors().length]).toEqual(['failed', 1]);
    await caughtUp(one, 'order.x', { name: 'n' });
    expect(log.take()).toEqual(['sub: order.x#1 1']);
  });

  test('gives a reset when its stored cursor belongs to another epoch', async () => {
    const place = createDurablePlace();
    const store = place.store();
    const { log, bus } = await open({
      history: { ...store, loadCursor: async () => ({ name: 'n', epoch: 'older', position: 5, filter: ['order.x'] }) },
    });
    await bus.publish('order.x', 1);
    const subscription = bus.subscribe('order.x', log.handler('sub'), { name: 'n', onReset: () => log.note('reset') });
    await subscription.caughtUp();
    expect(log.take()).toEqual(['reset', 'sub: order.x#1 1']);
  });
});

describe('a stored name with another filter', () => {
  test('makes the subscription fail with HEXBUS_NAME_FILTER, naming both', async () => {
    const one = await open();
    await ended(await caughtUp(one, 'order.x', { name: 'n' }));
    const subscription = one.bus.subscribe('order.y', () => {}, { name: 'n' });
    expect(await rejection(subscription.ready)).toMatchObject({
      code: 'HEXBUS_NAME_FILTER',
      message: expect.stringMatching(/"order\.x".*"order\.y"/),
    });
    await subscription.done;
    expect([subscription.state, one.takeErrors().length]).toEqual(['failed', 1]);
    await ended(await caughtUp(one, 'order.x', { name: 'n' }));
  });

  test('is the same filter in another order, or with repeats', async () => {
    const one = await open();
    await ended(await caughtUp(one, ['order.x', 'order.y'], { name: 'n' }));
    await ended(await caughtUp(one, ['order.y', 'order.x', 'order.y'], { name: 'n' }));
  });

  test.each([
    ['keep-cursor', [3, 4]],
    ['restart', [1, 2, 3, 4]],
  ] as const)('with onFilterChange %s gets %j, and keeps the new filter', async (onFilterChange, expected) => {
    const one = await open();
    const { bus } = one;
    for (const n of [1, 2]) await bus.publish('order.x', n);
    await ended(await caughtUp(one, 'order.x', { name: 'n', from: 'earliest' }));
    for (const n of [3, 4]) await bus.publish('order.y', n);
    const bodies: unknown[] = [];
    const subscription = bus.subscribe(['order.x', 'order.y'], (message) => bodies.push(message.body), {
      name: 'n',
      from: 'earliest',
      onFilterChange,
    });
    await subscription.caughtUp();
    expect(bodies).toEqual(expected);
    await ended(subscription);
    await ended(await caughtUp(one, ['order.x', 'order.y'], { name: 'n' }));
  });

  test.each(['keep-cursor', 'restart'] as const)(
    'that did not change does not mind onFilterChange %s',
    async (onFilterChange) => {
      const one = await open();
      await one.bus.publish('order.x', 1);
      await ended(await caughtUp(one, 'order.x', { name: 'n', from: 'earliest' }));
      one.log.take();
      await ended(await caughtUp(one, 'order.x', { name: 'n', from: 'earliest', onFilterChange }));
      expect(one.log.take()).toEqual([]);
    },
  );
});

describe('forget', () => {
  test('deletes the cursor, so that from counts again', async () => {
    const one = await open();
    await one.bus.publish('order.x', 1);
    await ended(await caughtUp(one, 'order.x', { name: 'n' }));
    await one.bus.forget('n');
    await ended(await caughtUp(one, 'order.x', { name: 'n', from: 'earliest' }));
    expect(one.log.take()).toEqual(['sub: order.x#1 1']);
    await one.bus.forget('never known');
  });

  test('refuses a name that is in use', async () => {
    const one = await open();
    const subscription = await caughtUp(one, 'order.x', { name: 'n' });
    expect(await rejection(one.bus.forget('n'))).toMatchObject({ code: 'HEXBUS_NAME_TAKEN' });
    await ended(subscription);
    await one.bus.forget('n');
  });

  test.each([undefined, '', 'n'.repeat(257), '@held.job.x', 'n\0m'])(
    'refuses %j, which is no name, and harms no publish',
    async (name) => {
      const { bus } = await open();
      const published = bus.publish('order.x', 1);
      expect(await rejection(bus.forget(name as string))).toMatchObject({
        code: 'HEXBUS_CONFIG',
        message: expect.stringContaining('name is'),
      });
      await published;
    },
  );

  test('rejects with the error of the history', async () => {
    const { bus, probe } = await open();
    const broken = new HexbusError('HEXBUS_HISTORY_FAILED', 'no');
    probe.failNext('write', broken);
    expect(await rejection(bus.forget('n'))).toBe(broken);
  });
});

describe('commits', () => {
  const positions = ({ batches }: TestBus): number[] =>
    batches.flatMap(({ commitCursors }) => commitCursors.map(({ position }) => position));

  test('are made after 50 ms, one for all that was handled until then', async () => {
    const one = await open();
    const { bus, clock, settled } = one;
    const subscription = await caughtUp(one, 'order.x', { name: 'n' });
    expect(positions(one)).toEqual([0]);
    await Promise.all([1, 2, 3].map((n) => bus.publish('order.x', n)));
    await settled();
    expect([subscription.cursor, positions(one)]).toEqual([bus.cursor, [0]]);
    await clock.advance(49);
    expect(positions(one)).toEqual([0]);
    await clock.advance(1);
    expect(positions(one)).toEqual([0, 3]);
  });

  test('ride along with the next publish', async () => {
    const one = await open();
    await caughtUp(one, 'order.x', { name: 'n' });
    await one.bus.publish('order.x', 1);
    await one.settled();
    await one.bus.publish('order.y', 2);
    expect(one.batches.at(-1)).toMatchObject({
      append: [{ topic: 'order.y' }],
      commitCursors: [{ name: 'n', position: 1 }],
    });
  });

  test('never let more than 64 handled messages be uncommitted', async () => {
    const one = await open();
    const { bus, batches } = one;
    let handled = 0;
    let committed = 0;
    let most = 0;
    await Promise.all(Array.from({ length: 500 }, (_, n) => bus.publish('order.x', n)));
    const subscription = bus.subscribe(
      'order.x',
      () => {
        committed = Math.max(
          committed,
          ...batches.flatMap(({ commitCursors }) => commitCursors.map(({ position }) => position)),
        );
        handled += 1;
        most = Math.max(most, handled - committed);
      },
      { name: 'n', from: 'earliest' },
    );
    await subscription.caughtUp();
    expect(handled).toBe(500);
    expect(most).toBeLessThanOrEqual(65);
    expect(positions(one).length).toBeGreaterThan(7);
  });

  test('are not made for progress past messages of others', async () => {
    const one = await open();
    await caughtUp(one, 'order.x', { name: 'n' });
    for (let n = 0; n < 5; n++) await one.bus.publish('order.y', n);
    await one.clock.advance(1000);
    expect(positions(one)).toEqual([0]);
    expect(one.clock.pendingTimers).toBe(0);
  });

  test('that fail are made again, and nothing handled is committed too early', async () => {
    const one = await open();
    const { bus, probe, clock, settled, takeErrors } = one;
    await caughtUp(one, 'order.x', { name: 'n' });
    await bus.publish('order.x', 1);
    await settled();
    probe.failNext('write', new HexbusError('HEXBUS_HISTORY_BUSY', 'later', { retryable: true }));
    await clock.advance(50);
    expect(takeErrors()).toMatchObject([{ error: { code: 'HEXBUS_HISTORY_BUSY' } }]);
    await clock.advance(50);
    expect(positions(one)).toEqual([0, 1]);
  });

  test('that fail again and again are made ever more seldom, and soon again when one has succeeded', async () => {
    const one = await open();
    const { bus, probe, clock, settled, takeErrors } = one;
    await caughtUp(one, 'order.x', { name: 'n' });
    await bus.publish('order.x', 1);
    await settled();
    const begun = clock.now();
    const failedAt: number[] = [];
    for (let time = 0; time < 12; time++)
      probe.failNext('write', new HexbusError('HEXBUS_HISTORY_BUSY', 'later', { retryable: true }));
    bus.observe('error', () => failedAt.push(clock.now() - begun));
    await clock.advance(120_000);
    expect(failedAt.map((at, index) => at - (failedAt[index - 1] ?? 0))).toEqual([
      50, 50, 100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000,
    ]);
    expect(takeErrors()).toHaveLength(12);
    expect(positions(one)).toEqual([0, 1]);

    await bus.publish('order.x', 2);
    await settled();
    await clock.advance(50);
    expect(positions(one)).toEqual([0, 1, 2]);
  });

  test('for which there is no room keep nothing else from being written, and are made when there is', async () => {
    const one = await open();
    const { bus, probe, clock, settled } = one;
    await caughtUp(one, 'order.x', { name: 'n' });
    await bus.publish('order.x', 1);
    await settled();
    probe.failNext('write', new HexbusError('HEXBUS_HISTORY_FULL', 'no room for cursors', { retryable: true }));
    await bus.publish('job.x', 1);
    expect(positions(one)).toEqual([0]);
    expect((await bus.stats('job.x')).waiting).toBe(1);
    await clock.advance(50);
    expect(positions(one)).toEqual([0, 1]);
  });

  test('done waits for the last one', async () => {
    const one = await open();
    const { bus, probe, log, settled } = one;
    const subscription = await caughtUp(one, 'order.x', { name: 'n' });
    await bus.publish('order.x', 1);
    await settled();
    log.take();
    const release = probe.holdNext('write');
    subscription.unsubscribe();
    void subscription.done.then(() => log.note('done'));
    await settled();
    expect([positions(one), log.take()]).toEqual([[0, 1], []]);
    release();
    await subscription.done;
    expect(log.take()).toEqual(['done']);
  });
});
