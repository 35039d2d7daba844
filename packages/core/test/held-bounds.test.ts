import { HexbusError } from '@hexbus/core';
import { describe, expect, test } from 'vitest';
import { rejection, useBuses } from './support/buses.ts';
import { deferred } from './support/deferred.ts';
import { createDurablePlace } from './support/durable-memory.ts';

const { open } = useBuses();

const rejecting = { 'job.>': { retain: { until: 'handled', maxCount: 2 } } } as const;
const dropping = { 'job.>': { retain: { until: 'handled', maxCount: 2, overflow: 'drop-oldest' } } } as const;

describe('overflow reject', () => {
  test('refuses what exceeds maxCount, each topic for itself, until something is handled', async () => {
    const { bus } = await open({ topics: rejecting });
    await Promise.all([1, 2].map((n) => bus.publish('job.x', n)));
    expect(await rejection(bus.publish('job.x', 3))).toMatchObject({ code: 'HEXBUS_TOPIC_FULL' });
    await bus.publish('job.y', 1);
    const subscription = bus.subscribe('job.x', () => {});
    await subscription.caughtUp();
    await bus.publish('job.x', 4);
  });

  test('does not count dead ones, and a duplicate of one that waits is no further one', async () => {
    const { bus, takeErrors } = await open({ topics: rejecting });
    const subscription = bus.subscribe(
      'job.x',
      () => {
        throw new Error('no');
      },
      { maxTries: 1 },
    );
    await Promise.all([1, 2].map((n) => bus.publish('job.x', n)));
    await subscription.caughtUp();
    subscription.unsubscribe();
    expect(takeErrors()).toHaveLength(2);
    await Promise.all([1, 2].map((n) => bus.publish('job.x', n, { id: `${n}` })));
    await expect(bus.publish('job.x', 2, { id: '2' })).resolves.toMatchObject({ duplicate: true });
  });
});

describe('overflow drop-oldest', () => {
  test('drops the oldest, tells the observer of each, and the listener of one gap before the first message', async () => {
    const { bus, log } = await open({ topics: dropping });
    bus.observe('dropped', log.observer('dropped'));
    for (const n of [1, 2, 3, 4]) await bus.publish('job.x', n);
    expect(log.take()).toEqual(['dropped: job.x#1', 'dropped: job.x#2']);
    bus.observe('gap', log.observer('observed gap'));
    await bus.subscribe('job.x', log.handler('sub'), { onGap: log.observer('gap') }).caughtUp();
    expect(log.take()).toEqual([
      'observed gap: topics=["job.x"] from=1 to=2 subscription={"filter":["job.x"]}',
      'gap: topics=["job.x"] from=1 to=2',
      'sub: job.x#3 3',
      'sub: job.x#4 4',
    ]);
  });

  test('tells the gap once: not again to a later listener, nor after the bus was made again', async () => {
    const place = createDurablePlace();
    const first = await open({ topics: dropping, history: place.store() });
    for (const n of [1, 2, 3, 4]) await first.bus.publish('job.x', n);
    const gaps = { onGap: first.log.observer('gap') };
    await first.bus.subscribe('job.x', () => {}, gaps).caughtUp();
    expect(first.log.take()).toHaveLength(1);
    await first.bus.subscribe('job.x', () => {}, gaps).caughtUp();
    expect(first.log.take()).toEqual([]);
    await first.bus.close();

    const second = await open({ topics: dropping, history: place.store() });
    await second.bus.publish('job.x', 5);
    await second.bus.subscribe('job.x', second.log.handler('sub'), { onGap: second.log.observer('gap') }).caughtUp();
    expect(second.log.take()).toEqual(['sub: job.x#5 5']);
  });

  test('of what an attached listener would have got is told before the next message', async () => {
    const { bus, log, settled } = await open({ topics: dropping });
    const gate = deferred();
    bus.subscribe(
      'job.x',
      async (message) => {
        log.handler('sub')(message);
        if (message.body === 1) await gate.promise;
      },
      { onGap: log.observer('gap') },
    );
    await bus.publish('job.x', 1);
    await settled();
    for (const n of [2, 3, 4, 5]) await bus.publish('job.x', n);
    await settled();
    expect(log.take()).toEqual(['sub: job.x#1 1']);
    gate.resolve();
    await settled();
    const lines = log.take();
    expect(lines[0]).toMatch(/^gap: topics=\["job.x"\] from=\d to=3$/);
    expect(lines.slice(1)).toEqual(['sub: job.x#4 4', 'sub: job.x#5 5']);
    expect((await bus.stats('job.x')).waiting).toBe(0);
  });

  /** Position 1 is dead, and the loss of position 2, behind it, has been told. */
  async function withDeadAndToldLoss(): ReturnType<typeof open> {
    const one = await open({ topics: dropping });
    const failing = one.bus.subscribe('job.x', () => Promise.reject(new Error('no')), { maxTries: 1 });
    await one.bus.publish('job.x', 1);
    await failing.caughtUp();
    failing.unsubscribe();
    await failing.done;
    expect(one.takeErrors()).toHaveLength(1);
    for (const n of [2, 3, 4]) await one.bus.publish('job.x', n);
    const told = one.bus.subscribe('job.x', () => {}, { onGap: one.log.observer('gap') });
    await told.caughtUp();
    told.unsubscribe();
    await told.done;
    expect(one.log.take()).toEqual(['gap: topics=["job.x"] from=1 to=2']);
    return one;
  }

  test('of a message that was requeued while nobody listened is told to the next listener', async () => {
    const { bus, log } = await withDeadAndToldLoss();
    for (const n of [5, 6]) await bus.publish('job.x', n);
    bus.observe('dropped', log.observer('dropped'));
    await bus.requeue('job.x');
    expect(log.take()).toEqual(['dropped: job.x#1']);
    await bus.subscribe('job.x', log.handler('sub'), { onGap: log.observer('gap') }).caughtUp();
    expect(log.take()).toEqual(['gap: topics=["job.x"] from=1 to=2', 'sub: job.x#5 5', 'sub: job.x#6 6']);
  });

  test('of a message that was requeued is told to the listener also when the answer of that write is lost', async () => {
    const { bus, log, probe, clock, settled, takeErrors } = await withDeadAndToldLoss();
    const gate = deferred();
    bus.subscribe(
      'job.x',
      (message) => {
        log.handler('sub')(message);
        return gate.promise;
      },
      { onGap: log.observer('gap') },
    );
    for (const n of [5, 6]) await bus.publish('job.x', n);
    await settled();
    probe.failNext('write', new HexbusError('HEXBUS_OUTCOME_UNKNOWN', 'lost'), 'after');
    expect(await rejection(bus.requeue('job.x'))).toMatchObject({ code: 'HEXBUS_OUTCOME_UNKNOWN' });
    gate.resolve();
    await settled();
    await clock.advance(100);
    expect(log.take()).toEqual(['sub: job.x#5 5', 'gap: topics=["job.x"] from=1 to=2', 'sub: job.x#6 6']);
    takeErrors();
  });

  test('is told also when a page has shown it before the write that caused it failed with an outcome that is not known', async () => {
    const { bus, log, probe, onNextWrite, settled } = await open({ topics: dropping });
    await Promise.all([1, 2].map((n) => bus.publish('job.x', n)));
    const release = probe.holdNext('read');
    bus.subscribe('job.x', log.handler('sub'), { onGap: log.observer('gap') });
    await settled();
    // Has the page, which is still under way, read again.
    await bus.publish('job.x', 3);
    const failed = deferred();
    onNextWrite(async (proceed) => {
      await proceed();
      await failed.promise;
      throw new HexbusError('HEXBUS_OUTCOME_UNKNOWN', 'lost');
    });
    const published = Promise.allSettled([4, 5].map((n) => bus.publish('job.x', n)));
    await settled();
    release();
    await settled();
    expect(log.take()).toEqual(['gap: topics=["job.x"] from=1 to=1', 'sub: job.x#4 4']);
    failed.resolve();
    await published;
    await settled();
    expect(log.take()).toEqual(['gap: topics=["job.x"] from=2 to=3', 'sub: job.x#5 5']);
    expect((await bus.stats('job.x')).waiting).toBe(0);
  });

  test('of the message in delivery is no loss if its handler succeeds', async () => {
    const { bus, log, settled } = await open({ topics: dropping });
    const gate = deferred();
    bus.observe('dropped', log.observer('dropped'));
    bus.observe('handled', log.observer('handled'));
    bus.subscribe('job.x', () => gate.promise, { onGap: log.observer('gap') });
    await bus.publish('job.x', 1);
    await settled();
    await Promise.all([bus.publish('job.x', 2), bus.publish('job.x', 3)]);
    gate.resolve();
    await settled();
    // It was dropped, so it cannot have been handled too; whoever counts must see each message once.
    expect(log.lines.filter((line) => /#1\b/.test(line))).toHaveLength(1);
    expect((await bus.stats('job.x')).waiting).toBe(0);
  });
});

test('maxAgeMs drops what waited too long, also while nothing is written', async () => {
  const topics = { 'job.>': { retain: { until: 'handled', maxAgeMs: 60_000 } } } as const;
  const { bus, log, clock } = await open({ topics, trimIntervalMs: 1000 });
  bus.observe('dropped', log.observer('dropped'));
  await bus.publish('job.x', 'old');
  await clock.advance(30_000);
  await bus.publish('job.x', 'newer');
  await clock.advance(31_500);
  expect(log.take()).toEqual(['dropped: job.x#1']);
  await bus.subscribe('job.x', log.handler('sub'), { onGap: log.observer('gap') }).caughtUp();
  expect(log.take()).toEqual(['gap: topics=["job.x"] from=1 to=1', 'sub: job.x#2 "newer"']);
});

test('held is told of each message that nobody listened to, and handled with what the listeners returned', async () => {
  const { bus, log, settled } = await open();
  bus.observe('held', log.observer('held'));
  bus.observe('handled', log.observer('handled'));
  await bus.publish('job.x', 1);
  expect(log.take()).toEqual(['held: job.x#1']);
  const first = bus.subscribe('job.x', () => 'a');
  bus.subscribe('job.x', async () => ({ b: 1 })).unsubscribe();
  const second = bus.subscribe('job.x', async () => ({ b: 1 }));
  await settled();
  expect(log.take()).toEqual(['handled: job.x#1 results=["a",{"b":1}]']);
  await bus.publish('job.x', 2);
  await settled();
  expect(log.take()).toEqual(['handled: job.x#2 results=["a",{"b":1}]']);
  first.unsubscribe();
  second.unsubscribe();
  await bus.publish('job.x', 3);
  expect(log.take()).toEqual(['held: job.x#3']);
});
