import {
  type Bus,
  formatCursor,
  HexbusError,
  type Message,
  parseCursor,
  type ReadQuery,
  type SubscribeOptions,
} from '@hexbus/core';
import type { EventLog } from '@hexbus/testkit';
import { describe, expect, test } from 'vitest';
import { rejection, useBuses } from './support/buses.ts';
import { deferred } from './support/deferred.ts';
import { createDurablePlace } from './support/durable-memory.ts';

const { open } = useBuses();

/** What the bus has in memory is delivered even if it was trimmed a moment ago; a history that was opened again must tell of the gap. */
async function publishMany(bus: Bus, topic: string, count: number): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, n) => bus.publish(topic, n + 1)));
}

const callbacks = (log: EventLog): SubscribeOptions => ({
  onGap: log.observer('gap'),
  onReset: log.observer('reset'),
  onCaughtUp: () => log.note('caught up'),
});

describe('a gap', () => {
  test('is told before the next message when the start was trimmed away', async () => {
    const { bus, log } = await open();
    const start = bus.cursor!;
    await publishMany(bus, 'log.a', 5000);
    const subscription = bus.subscribe('log.a', log.handler('sub'), { ...callbacks(log), from: { after: start } });
    await subscription.caughtUp();
    expect(log.take()).toEqual([
      'gap: topics=["log.a"] from=1 to=4997',
      'sub: log.a#4998 4998',
      'sub: log.a#4999 4999',
      'sub: log.a#5000 5000',
      'caught up',
    ]);
  });

  test('is told once, and not again of messages that come later', async () => {
    const { bus, log } = await open();
    const start = bus.cursor!;
    await publishMany(bus, 'log.a', 5000);
    const subscription = bus.subscribe('log.a', () => {}, { ...callbacks(log), from: { after: start } });
    await subscription.caughtUp();
    for (let n = 0; n < 10; n++) await bus.publish('log.a', n);
    await subscription.caughtUp();
    expect(log.lines.filter((line) => line.startsWith('gap'))).toHaveLength(1);
  });

  test('is told to a subscription that fell behind while its handler ran, before the first message behind it', async () => {
    const { bus, log, settled } = await open();
    const gate = deferred();
    const subscription = bus.subscribe(
      'log.a',
      async (message) => {
        log.handler('sub')(message);
        if (message.body === 1) await gate.promise;
      },
      callbacks(log),
    );
    await bus.publish('log.a', 1);
    await settled();
    log.take();
    await publishMany(bus, 'log.a', 5000);
    gate.resolve();
    await subscription.caughtUp();
    const lines = log.take();
    const gapAt = lines.findIndex((line) => line.startsWith('gap'));
    const [, from, to] = /from=(\d+) to=(\d+)/.exec(lines[gapAt] ?? '') ?? [];
    const positions = lines.flatMap((line) => /#(\d+)/.exec(line)?.[1] ?? []).map(Number);
    expect(lines.filter((line) => line.startsWith('gap'))).toHaveLength(1);
    // What waited for the handler came before the gap; together they are everything.
    expect(positions.slice(0, gapAt)).toEqual(Array.from({ length: gapAt }, (_, n) => n + 2));
    expect(Number(from)).toBeLessThanOrEqual(gapAt + 2);
    expect(Number(to)).toBe(positions[gapAt]! - 1);
    expect(positions.at(-1)).toBe(5001);
  });

  test('is not told of topics that are not in the filter', async () => {
    const { bus, log } = await open();
    const start = bus.cursor!;
    await publishMany(bus, 'log.a', 5000);
    await bus.publish('log.b', 'b');
    const subscription = bus.subscribe(['log.b', 'order.x'], log.handler('sub'), {
      ...callbacks(log),
      from: { after: start },
    });
    await subscription.caughtUp();
    expect(log.take()).toEqual(['sub: log.b#5001 "b"', 'caught up']);
  });

  test('of a pattern names the topics that lost something', async () => {
    const { bus, log } = await open();
    const start = bus.cursor!;
    await publishMany(bus, 'log.a', 2500);
    await bus.publish('log.b', 'b');
    await publishMany(bus, 'log.c', 2500);
    const gaps: string[] = [];
    const subscription = bus.subscribe('log.*', log.handler('sub'), {
      from: { after: start },
      onGap: ({ topics }) => gaps.push(...topics),
    });
    await subscription.caughtUp();
    expect(gaps.sort()).toEqual(['log.a', 'log.c']);
    expect(log.lines).toHaveLength(7);
  });

  test('is told of what age removed', async () => {
    const { bus, log, clock } = await open({ topics: { 'log.>': { retain: { maxAgeMs: 60_000 } } } });
    const start = bus.cursor!;
    await publishMany(bus, 'log.a', 3000);
    await clock.advance(65_001);
    await bus.publish('log.a', 'new');
    const subscription = bus.subscribe('log.a', log.handler('sub'), { ...callbacks(log), from: { after: start } });
    await subscription.caughtUp();
    expect(log.lines.filter((line) => line.startsWith('gap'))).toHaveLength(1);
    expect(log.lines.slice(-2)).toEqual(['sub: log.a#3001 "new"', 'caught up']);
  });

  test('moves the cursor: a subscription that goes on at it is not told again', async () => {
    const { bus, log } = await open();
    const start = bus.cursor!;
    await publishMany(bus, 'log.a', 5000);
    const first = bus.subscribe('log.a', () => {}, { from: { after: start } });
    await first.caughtUp();
    first.unsubscribe();
    const second = bus.subscribe('log.a', log.handler('sub'), { ...callbacks(log), from: { after: first.cursor! } });
    await second.caughtUp();
    expect(log.take()).toEqual(['caught up']);
  });
});

test('a mark that stands for topics of no interest is no gap, also where memory serves the subscription', async () => {
  const place = createDurablePlace();
  const first = await open({ history: place.store() });
  await first.bus.publish('log.a', 0);
  await first.bus.close();

  const { bus, log, probe, settled } = await open({ history: place.store() });
  const gate = deferred();
  const orders = bus.subscribe('order.*', () => gate.promise, callbacks(log));
  await publishMany(bus, 'order.x', 200);
  const { read } = probe.store;
  const mark = { topic: 'log.>', through: 200 };
  Object.assign(probe.store, {
    read: (query: ReadQuery) => read(query).then((page) => ({ ...page, trimmed: [mark] })),
  });
  const start = formatCursor(parseCursor(bus.cursor).epoch, 0);
  const logs = bus.subscribe('log.*', () => {}, { from: { after: start }, onGap: log.observer('gap of log') });
  await settled();
  expect(log.take()).toEqual(['caught up', 'gap of log: topics=["log.>"] from=1 to=200']);
  gate.resolve();
  await Promise.all([orders.caughtUp(), logs.caughtUp()]);
  expect(log.take()).toEqual(['caught up']);
});

describe('caught up', () => {
  test('is told at the start when nothing is behind, and once after each time that the subscription was behind', async () => {
    const { bus, log, settled } = await open();
    await bus.publish('order.x', 1);
    const subscription = bus.subscribe('order.x', log.handler('sub'), { ...callbacks(log), from: 'earliest' });
    await subscription.caughtUp();
    expect(log.take()).toEqual(['sub: order.x#1 1', 'caught up']);
    await bus.publish('order.x', 2);
    await settled();
    expect(log.take()).toEqual(['sub: order.x#2 2']);
  });

  test.each([
    ['of which a call takes long', 1, 10, 'now'],
    ['that are as many as a slice has', 64, 0, 'now'],
    ['that are more than a page has', 700, 1, 'now'],
    ['of which a call takes long, and of another epoch', 3, 10, formatCursor('other', 1)],
  ])('is told before caughtUp resolves, of messages %s', async (_, count, callMs, after) => {
    const { bus, clock } = await open();
    const from = after === 'now' ? { after: bus.cursor! } : { after };
    await publishMany(bus, 'order.x', count);
    const told: unknown[] = [];
    const handler = ({ body }: Message): void => {
      clock.jump(callMs);
      told.push(body);
    };
    const subscription = bus.subscribe('order.x', handler, { from, onCaughtUp: () => told.push('caught up') });
    await subscription.caughtUp();
    expect(told.slice(count - 1)).toEqual([count, 'caught up']);
  });

  test('is told also when the bus cannot be sure of its head', async () => {
    const { bus, log, onNextWrite, settled } = await open();
    const subscription = bus.subscribe('order.x', log.handler('sub'), callbacks(log));
    await subscription.caughtUp();
    expect(log.take()).toEqual(['caught up']);
    onNextWrite(async (proceed) => {
      await proceed();
      throw new HexbusError('HEXBUS_OUTCOME_UNKNOWN', 'the answer is lost');
    });
    await rejection(bus.publish('order.x', 1));
    await settled();
    expect(log.take()).toEqual(['sub: order.x#1 1', 'caught up']);
  });

  test('is told again after the subscription had more to handle than it keeps', async () => {
    const { bus, log, settled } = await open({ topics: { 'order.>': { retain: { maxCount: Infinity } } } });
    const gate = deferred();
    let told = 0;
    const subscription = bus.subscribe('order.x', () => gate.promise, { onCaughtUp: () => ++told });
    await bus.publish('order.x', 0);
    await settled();
    expect(told).toBe(1);
    await publishMany(bus, 'order.x', 1000);
    gate.resolve();
    await subscription.caughtUp();
    expect([told, log.take()]).toEqual([2, []]);
  });
});

describe('a callback', () => {
  test.each([
    [
      'throws',
      (error: Error): never => {
        throw error;
      },
    ],
    ['rejects', (error: Error) => Promise.reject(error) as unknown as undefined],
  ])('that %s is told to the error observer and disturbs nothing', async (_, fail) => {
    const { bus, log, takeErrors, settled } = await open();
    await publishMany(bus, 'log.a', 5000);
    const start = formatCursor(parseCursor(bus.cursor).epoch, 0);
    const options = {
      onGap: () => fail(new Error('gap')),
      onReset: () => fail(new Error('reset')),
      onCaughtUp: () => fail(new Error('caught up')),
    };
    const first = bus.subscribe('log.a', log.handler('a'), { ...options, from: { after: start } });
    const second = bus.subscribe('log.a', log.handler('b'), { ...options, from: { after: formatCursor('other', 1) } });
    await Promise.all([first.caughtUp(), second.caughtUp()]);
    await settled();
    expect(log.take().sort()).toEqual(
      ['a', 'b'].flatMap((name) => [4998, 4999, 5000].map((n) => `${name}: log.a#${n} ${n}`)),
    );
    const causes = takeErrors().map(({ error }) => ((error as Error).cause as Error).message);
    expect(causes.sort()).toEqual(['caught up', 'caught up', 'gap', 'reset']);
  });

  test('may end the subscription: no message follows', async () => {
    const { bus, log } = await open();
    const start = bus.cursor!;
    await publishMany(bus, 'log.a', 5000);
    const subscription = bus.subscribe('log.a', log.handler('sub'), {
      from: { after: start },
      onGap: () => subscription.unsubscribe(),
    });
    await subscription.done;
    expect(log.take()).toEqual([]);
  });
});

test('gap and reset are told to observers too, with the subscription', async () => {
  const { bus, log } = await open();
  const start = bus.cursor!;
  bus.observe('gap', log.observer('gap'));
  bus.observe('reset', log.observer('reset'));
  await publishMany(bus, 'log.a', 5000);
  const first = bus.subscribe('log.a', () => {}, { from: { after: start }, name: 'mine' });
  await first.caughtUp();
  const second = bus.subscribe('log.a', () => {}, { from: { after: 'other.1' } });
  await second.caughtUp();
  const [gap, reset] = log.take();
  expect(gap).toBe('gap: topics=["log.a"] from=1 to=4997 subscription={"filter":["log.a"],"name":"mine"}');
  expect(reset).toMatch(/^reset: from="other.1" to=".*\.0" subscription=\{"filter":\["log.a"\]\}$/);
});
