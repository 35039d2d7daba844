import type { Message } from '@hexbus/core';
import { describe, expect, test } from 'vitest';
import { useBuses } from './support/buses.ts';
import { deferred } from './support/deferred.ts';

const { open } = useBuses();

/** A handler that notes each try and fails the first `times` of each message whose body is `bad`. */
function failing(
  note: (line: string) => void,
  times: number,
): (message: Message, context: { attempt: number }) => void {
  return ({ body }, { attempt }) => {
    note(`${body} try ${attempt}`);
    if (body === 'bad' && attempt <= times) throw new Error(`failed ${attempt}`);
  };
}

describe.each([
  [
    'throws',
    (error: Error): never => {
      throw error;
    },
  ],
  ['rejects', (error: Error): Promise<never> => Promise.reject(error)],
] as const)('a handler that %s', (_, fail) => {
  test('is tried again after a delay that doubles, while the messages behind wait', async () => {
    const { bus, log, clock, settled } = await open();
    bus.observe('retried', ({ attempt, error }) => log.note(`retried ${attempt} ${(error as Error).message}`));
    const options = { maxTries: 4, retryDelayMs: 100 };
    bus.subscribe(
      'order.x',
      ({ body }, { attempt }) => {
        log.note(`${body} try ${attempt}`);
        return body === 'bad' && attempt < 4 ? fail(new Error('no')) : undefined;
      },
      options,
    );
    await Promise.all([bus.publish('order.x', 'bad'), bus.publish('order.x', 'good')]);
    await settled();
    expect(log.take()).toEqual(['bad try 1', 'retried 1 no']);
    await clock.advance(99);
    expect(log.take()).toEqual([]);
    await clock.advance(1);
    expect(log.take()).toEqual(['bad try 2', 'retried 2 no']);
    await clock.advance(199);
    expect(log.take()).toEqual([]);
    await clock.advance(1);
    expect(log.take()).toEqual(['bad try 3', 'retried 3 no']);
    await clock.advance(400);
    expect(log.take()).toEqual(['bad try 4', 'good try 1']);
  });

  test('in every try is told to the error observer with its last error, and the next message follows', async () => {
    const { bus, log, clock, settled, takeErrors } = await open();
    const subscription = bus.subscribe('order.x', (message, { attempt }) => {
      log.note(`${message.body} try ${attempt}`);
      return message.body === 'bad' ? fail(new Error(`no ${attempt}`)) : undefined;
    });
    const receipt = await bus.publish('order.x', 'bad');
    await bus.publish('order.x', 'good');
    await settled();
    await clock.advance(300);
    expect(log.take()).toEqual(['bad try 1', 'bad try 2', 'bad try 3', 'good try 1']);
    expect(takeErrors()).toMatchObject([
      {
        error: {
          code: 'HEXBUS_HANDLER_FAILED',
          cause: { message: 'no 3' },
          message: expect.stringContaining('position 1'),
        },
        message: { topic: 'order.x', id: receipt.id, position: 1 },
        subscription: { filter: ['order.x'] },
      },
    ]);
    expect(subscription.cursor).toBe(bus.cursor);
    expect((await bus.read('order.x')).messages).toHaveLength(2);
  });
});

describe('tries', () => {
  test('of each message begin with the first delay again', async () => {
    const { bus, log, clock, settled } = await open();
    bus.subscribe('order.x', failing(log.note, 2), { retryDelayMs: 10 });
    await Promise.all([bus.publish('order.x', 'bad'), bus.publish('order.x', 'bad')]);
    await settled();
    await clock.advance(30);
    expect(log.take()).toEqual(['bad try 1', 'bad try 2', 'bad try 3', 'bad try 1']);
    await clock.advance(10);
    expect(log.take()).toEqual(['bad try 2']);
  });

  test('are never further apart than half a minute', async () => {
    const { bus, log, clock, settled } = await open();
    bus.subscribe('order.x', failing(log.note, 5), { retryDelayMs: 20_000, maxTries: 6 });
    await bus.publish('order.x', 'bad');
    await settled();
    await clock.advance(20_000);
    for (let n = 0; n < 4; n++) await clock.advance(30_000);
    expect(log.take()).toHaveLength(6);
  });

  test('are of the subscription, else of the bus, else 3', async () => {
    const { bus, log, clock, takeErrors } = await open({ maxTries: 2, retryDelayMs: 7 });
    bus.subscribe('order.x', failing(log.note, 9));
    bus.subscribe('order.y', failing(log.note, 9), { maxTries: 1 });
    bus.subscribe('order.z', failing(log.note, 9), { retryDelayMs: 70 });
    await bus.publish('order.x', 'bad');
    await clock.advance(7);
    expect([log.take(), takeErrors().length]).toEqual([['bad try 1', 'bad try 2'], 1]);
    await bus.publish('order.y', 'bad');
    await clock.advance(7);
    expect([log.take(), takeErrors().length]).toEqual([['bad try 1'], 1]);
    await bus.publish('order.z', 'bad');
    await clock.advance(69);
    expect([log.take(), takeErrors().length]).toEqual([['bad try 1'], 0]);
    await clock.advance(1);
    expect([log.take(), takeErrors().length]).toEqual([['bad try 2'], 1]);
  });

  test('end with the subscription: none starts after unsubscribe, and nothing counts as failed', async () => {
    const { bus, log, clock, settled } = await open();
    const start = bus.cursor;
    const subscription = bus.subscribe('order.x', failing(log.note, 9));
    await bus.publish('order.x', 'bad');
    await settled();
    subscription.unsubscribe();
    await subscription.done;
    await clock.advance(10_000);
    expect(log.take()).toEqual(['bad try 1']);
    expect(subscription.cursor).toBe(start);
  });

  test('of one subscription do not delay another', async () => {
    const { bus, log, settled, clock, takeErrors } = await open();
    bus.subscribe('order.x', failing(log.note, 9));
    bus.subscribe('order.x', log.handler('other'));
    await Promise.all([bus.publish('order.x', 'bad'), bus.publish('order.x', 'good')]);
    await settled();
    expect(log.take()).toEqual(['bad try 1', 'other: order.x#1 "bad"', 'other: order.x#2 "good"']);
    await clock.advance(300);
    expect(takeErrors()).toHaveLength(1);
  });
});

describe('handleTimeoutMs', () => {
  test('ends a call that takes longer: its signal is aborted, and the message is tried again', async () => {
    const { bus, log, clock, settled } = await open();
    const hanging = deferred<string>();
    const signals: AbortSignal[] = [];
    bus.observe('delivered', ({ result }) => log.note(`delivered ${result}`));
    bus.subscribe(
      'order.x',
      (_, { attempt, signal }) => {
        log.note(`try ${attempt}`);
        signals.push(signal);
        return attempt === 1 ? hanging.promise : 'second';
      },
      { handleTimeoutMs: 500, retryDelayMs: 10 },
    );
    await bus.publish('order.x', 1);
    await settled();
    await clock.advance(499);
    expect([log.take(), signals[0]?.aborted]).toEqual([['try 1'], false]);
    await clock.advance(1);
    expect([log.take(), signals[0]?.reason?.code]).toEqual([[], 'HEXBUS_HANDLER_TIMEOUT']);
    await clock.advance(10);
    expect(log.take()).toEqual(['try 2', 'delivered second']);
    hanging.resolve('late');
    await settled();
    expect(log.take()).toEqual([]);
    expect(signals[1]?.aborted).toBe(false);
  });

  test('counts as failed after the last try, and a late rejection is not unhandled', async () => {
    const { bus, clock, settled, takeErrors } = await open();
    const hanging = deferred();
    bus.subscribe('order.x', () => hanging.promise, { handleTimeoutMs: 500, maxTries: 1 });
    await bus.publish('order.x', 1);
    await settled();
    await clock.advance(500);
    expect(takeErrors()).toMatchObject([
      { error: { code: 'HEXBUS_HANDLER_FAILED', cause: { code: 'HEXBUS_HANDLER_TIMEOUT' } } },
    ]);
    hanging.reject(new Error('late'));
    await settled();
  });

  test('asks a thenable for its result once, also when its time is up', async () => {
    const { bus, clock, settled, takeErrors } = await open();
    let asked = 0;
    // As a query builder: each call of then runs the query.
    const thenable = {
      // biome-ignore lint/suspicious/noThenProperty: it is what the test is about
      then: () => {
        asked += 1;
      },
    };
    bus.subscribe('order.x', () => thenable, { handleTimeoutMs: 500, maxTries: 1 });
    await bus.publish('order.x', 1);
    await settled();
    await clock.advance(500);
    expect(asked).toBe(1);
    expect(takeErrors()).toHaveLength(1);
  });

  test('leaves no timer behind when the call ends in time, and Infinity sets none', async () => {
    const { bus, clock, settled } = await open();
    const gate = deferred();
    bus.subscribe('order.x', () => gate.promise);
    bus.subscribe('order.y', () => gate.promise, { handleTimeoutMs: Infinity });
    await bus.publish('order.x', 1);
    await settled();
    expect(clock.pendingTimers).toBe(1);
    await bus.publish('order.y', 1);
    await settled();
    expect(clock.pendingTimers).toBe(1);
    gate.resolve();
    await settled();
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('onFailure', () => {
  test('stop ends the subscription before the message that failed, from where another may go on', async () => {
    const { bus, log, clock, settled, takeErrors } = await open();
    await bus.publish('order.x', 'good');
    const before = bus.cursor;
    await bus.publish('order.x', 'bad');
    await bus.publish('order.x', 'behind');
    const subscription = bus.subscribe('order.x', failing(log.note, 9), { from: 'earliest', onFailure: 'stop' });
    await subscription.ready;
    await settled();
    await clock.advance(300);
    await subscription.done;
    expect(log.take()).toEqual(['good try 1', 'bad try 1', 'bad try 2', 'bad try 3']);
    expect(subscription).toMatchObject({
      state: 'failed',
      error: { code: 'HEXBUS_HANDLER_FAILED', cause: { message: 'failed 3' } },
    });
    expect(subscription.cursor).toBe(before);
    expect(takeErrors()).toEqual([
      {
        error: subscription.error,
        message: expect.objectContaining({ topic: 'order.x', position: 2 }),
        subscription: { filter: ['order.x'] },
        observerFailures: 0,
      },
    ]);

    const resumed = bus.subscribe('order.x', log.handler('resumed'), { from: { after: subscription.cursor! } });
    await resumed.caughtUp();
    expect(log.take()).toEqual(['resumed: order.x#2 "bad"', 'resumed: order.x#3 "behind"']);
  });

  test('skip, the default, leaves the subscription active', async () => {
    const { bus, log, settled, takeErrors } = await open();
    const subscription = bus.subscribe('order.x', failing(log.note, 9), { onFailure: 'skip', maxTries: 1 });
    await bus.publish('order.x', 'bad');
    await settled();
    expect([subscription.state, subscription.error, takeErrors().length]).toEqual(['active', undefined, 1]);
  });
});
