import { createBus, HexbusError, type OpenHistoryOptions } from '@hexbus/core';
import { createMemoryHistory } from '@hexbus/store-memory';
import { describe, expect, test } from 'vitest';
import { heard, rejection, useBuses, usualTopics } from './support/buses.ts';
import { deferred } from './support/deferred.ts';

const { open, make } = useBuses();

describe('open', () => {
  test('starts nothing before it is called, and nothing at all in a bus that is only made', () => {
    const { bus, probe, clock } = make();
    expect([bus.state, bus.cursor, probe.calls]).toEqual(['idle', undefined, []]);
    expect([clock.pendingTimers, clock.pendingTurns]).toEqual([0, 0]);
    expect(createBus().state).toBe('open');
  });

  test('is idempotent: one promise, one opening of the history', async () => {
    const { bus, probe } = make();
    const first = bus.open();
    expect(bus.state).toBe('opening');
    expect(bus.open()).toBe(first);
    await first;
    expect(bus.state).toBe('open');
    expect(bus.open()).toBe(first);
    expect(probe.calls.filter((call) => call === 'open')).toHaveLength(1);
  });

  test.each([new AbortController(), new EventTarget(), {}])(
    'refuses a signal that is none, and changes nothing: %o',
    async (signal) => {
      const { bus, probe } = make();
      const error = await rejection(bus.open({ signal: signal as unknown as AbortSignal }));
      expect(error).toMatchObject({ code: 'HEXBUS_CONFIG', message: expect.stringContaining('signal') });
      expect([bus.state, probe.calls]).toEqual(['idle', []]);
      await bus.open();
    },
  );

  test('need not be called without a history, and may be', async () => {
    const { bus } = make({ withoutHistory: true });
    expect(bus.state).toBe('open');
    await bus.open();
    expect([bus.state, bus.cursor]).toEqual(['open', undefined]);
  });

  test('tells the history what is retained, in the order of the options, and the rest of its options', async () => {
    const history = createMemoryHistory();
    const seen: OpenHistoryOptions[] = [];
    const { open: openStore } = history;
    history.open = (options) => {
      seen.push(options);
      return openStore.call(history, options);
    };
    const { bus } = make({
      history,
      topics: {
        'a.>': { retain: { maxCount: 5 } },
        b: { retain: 'until-handled' },
        c: { retain: 'none' },
        d: {},
        e: { retain: { until: 'handled', maxCount: 3, maxAgeMs: 7, overflow: 'drop-oldest' } },
      },
      deduplication: { maxIds: 4 },
    });
    await bus.open({ newEpoch: true });
    expect(seen).toMatchObject([
      {
        newEpoch: true,
        deduplication: { maxIds: 4, maxAgeMs: 300_000 },
        retention: [
          { kind: 'limits', pattern: 'a.>', maxCount: 5, maxAgeMs: Infinity },
          { kind: 'until-handled', pattern: 'b', maxCount: 100_000, maxAgeMs: Infinity, overflow: 'reject' },
          // Exempt from wider patterns, also for the history.
          { kind: 'limits', pattern: 'c', maxCount: Infinity, maxAgeMs: Infinity },
          { kind: 'until-handled', pattern: 'e', maxCount: 3, maxAgeMs: 7, overflow: 'drop-oldest' },
        ],
      },
    ]);
    expect(seen[0]?.retention).toHaveLength(4);
  });

  test('that fails rejects with the error of the history, and leaves the bus closed and the history as it was', async () => {
    const { bus, probe, takeErrors, log } = make();
    const busy = new HexbusError('HEXBUS_HISTORY_IN_USE', 'somebody else has it');
    const subscription = bus.subscribe('order.x', log.handler('sub'));
    const held = bus.subscribe('job.x', log.handler('held'));
    probe.failNext('open', busy);
    expect(await rejection(bus.open())).toBe(busy);
    expect([bus.state, probe.calls]).toEqual(['closed', ['open']]);
    for (const one of [subscription, held]) {
      expect(await rejection(one.ready)).toBe(busy);
      await one.done;
      expect([one.state, one.error]).toEqual(['failed', busy]);
    }
    expect(takeErrors()).toHaveLength(2);
    expect(await rejection(bus.open())).toBe(busy);
    expect(await rejection(bus.publish('order.x', 1))).toMatchObject({ code: 'HEXBUS_CLOSED' });
    await bus.close();
  });

  test('of a history that another bus has open is refused, and does that one no harm', async () => {
    const history = createMemoryHistory();
    const first = await open({ history });
    const second = createBus({ history, topics: usualTopics });
    expect(await rejection(second.open())).toMatchObject({ code: 'HEXBUS_CONFIG' });
    await second.close();
    await first.bus.publish('order.x', 1);
    expect((await first.bus.read('order.x')).messages).toMatchObject([{ body: 1 }]);
  });

  test('with a signal that is aborted gives up, with its reason, and closes what it opened', async () => {
    const { bus, probe, settled } = make();
    const controller = new AbortController();
    const release = probe.holdNext('open');
    const opening = heard(bus.open({ signal: controller.signal }));
    await settled();
    const reason = new Error('too slow');
    controller.abort(reason);
    release();
    expect(await rejection(opening)).toBe(reason);
    expect([bus.state, probe.calls]).toEqual(['closed', ['open', 'close']]);
  });

  test('hands the signal on to the history', async () => {
    const history = createMemoryHistory();
    const began = deferred<AbortSignal | undefined>();
    history.open = (options) => {
      began.resolve(options.signal);
      return new Promise((_, reject) =>
        options.signal?.addEventListener('abort', () => reject(options.signal?.reason)),
      );
    };
    const { bus } = make({ history });
    const controller = new AbortController();
    const opening = heard(bus.open({ signal: controller.signal }));
    await began.promise;
    controller.abort();
    expect(await rejection(opening)).toMatchObject({ name: 'AbortError' });
  });

  test('is not undone by a signal that is aborted later', async () => {
    const { bus } = make();
    const controller = new AbortController();
    await bus.open({ signal: controller.signal });
    controller.abort();
    expect(bus.state).toBe('open');
    await bus.publish('order.x', 1);
  });

  test('after close is refused', async () => {
    const { bus, probe } = make();
    await bus.close();
    expect(await rejection(bus.open())).toMatchObject({ code: 'HEXBUS_CLOSED' });
    expect(probe.calls).not.toContain('open');
  });

  test('gives the state open before subscriptions made earlier begin', async () => {
    const { bus, log } = make();
    const subscription = bus.subscribe('order.x', log.handler('sub'), {
      from: 'earliest',
      onCaughtUp: () => log.note(bus.state),
    });
    await bus.open();
    await subscription.caughtUp();
    expect(log.take()).toEqual(['open']);
  });
});

test('age is enforced every trimIntervalMs while nothing is written, and only where there is a limit of age', async () => {
  const aging = await open({ topics: { 'log.>': { retain: { maxAgeMs: 10_000 } } }, trimIntervalMs: 1000 });
  await aging.bus.publish('log.a', 1);
  await aging.clock.advance(12_000);
  expect((await aging.bus.stats('log.a')).waiting).toBe(0);
  const writes = aging.batches.length;
  await aging.clock.advance(5000);
  expect(aging.batches.length - writes).toBe(5);

  const counting = await open();
  await counting.clock.advance(60_000);
  expect([counting.batches.length, counting.clock.pendingTimers]).toEqual([0, 0]);
});
