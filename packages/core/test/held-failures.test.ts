import { HexbusError, type Message } from '@hexbus/core';
import { describe, expect, test } from 'vitest';
import { rejection, useBuses } from './support/buses.ts';

const { open } = useBuses();

const once = { maxTries: 1 };

/** Fails for the bodies that begin with `bad`. */
function picky({ body }: Message): string {
  if (String(body).startsWith('bad')) throw new TypeError(`cannot do ${body}`);
  return `did ${body}`;
}

describe('a message that used up the tries of a listener', () => {
  test('is dead: out of the queue, told to observers, readable with its reason; the next one follows', async () => {
    const { bus, log, clock, takeErrors } = await open();
    bus.observe('dead', log.observer('dead'));
    bus.observe('retried', ({ attempt }) => log.note(`retried ${attempt}`));
    bus.subscribe('job.x', (message) => {
      log.handler('sub')(message);
      return picky(message);
    });
    await Promise.all([bus.publish('job.x', 'bad'), bus.publish('job.x', 'good')]);
    await clock.advance(99);
    expect(log.take()).toEqual(['sub: job.x#1 "bad"', 'retried 1']);
    await clock.advance(201);
    expect(log.take()).toEqual([
      'sub: job.x#1 "bad"',
      'retried 2',
      'sub: job.x#1 "bad"',
      'dead: job.x#1 reason="TypeError: cannot do bad"',
      'sub: job.x#2 "good"',
    ]);
    expect(await bus.stats('job.x')).toMatchObject({ waiting: 0, dead: 1 });
    const letters = await bus.deadLetters('job.x');
    expect(letters).toMatchObject([{ message: { position: 1, body: 'bad' }, reason: 'TypeError: cannot do bad' }]);
    expect(takeErrors()).toMatchObject([
      {
        error: { code: 'HEXBUS_HANDLER_FAILED', cause: { name: 'TypeError' } },
        message: { topic: 'job.x', position: 1 },
      },
    ]);
  });

  test('is dead also when another listener succeeded; each has its own tries', async () => {
    const { bus, log, clock, takeErrors } = await open();
    bus.subscribe('job.x', (_, { attempt }) => log.note(`good ${attempt}`));
    bus.subscribe('job.x', (message, { attempt }) => {
      log.note(`picky ${attempt}`);
      return picky(message);
    });
    await bus.publish('job.x', 'bad');
    await clock.advance(300);
    expect(log.take()).toEqual(['good 1', 'picky 1', 'picky 2', 'picky 3']);
    expect(await bus.stats('job.x')).toMatchObject({ waiting: 0, dead: 1 });
    expect(takeErrors()).toHaveLength(1);
  });

  test('is not dead when it succeeded at last', async () => {
    const { bus, clock } = await open();
    bus.subscribe('job.x', (message, { attempt }) => (attempt < 3 ? picky(message) : 'ok'));
    await bus.publish('job.x', 'bad');
    await clock.advance(300);
    expect(await bus.stats('job.x')).toMatchObject({ waiting: 0, dead: 0 });
  });

  test('is dead when its listener hangs in every try', async () => {
    const { bus, clock, takeErrors } = await open();
    bus.subscribe('job.x', () => new Promise(() => {}), { ...once, handleTimeoutMs: 500 });
    await bus.publish('job.x', 1);
    await clock.advance(500);
    expect((await bus.deadLetters('job.x'))[0]?.reason).toMatch(/^HexbusError: .*handleTimeoutMs 500/);
    expect(takeErrors()).toMatchObject([{ error: { cause: { code: 'HEXBUS_HANDLER_TIMEOUT' } } }]);
  });

  test('has a reason of bounded length without NUL, whatever was thrown', async () => {
    const { bus, settled, takeErrors } = await open();
    const reasons: unknown[] = [new Error('x'.repeat(10_000)), 'text', undefined, { toString: () => 'o\0dd' }];
    bus.subscribe(
      'job.x',
      ({ body }) => {
        throw reasons[body as number];
      },
      once,
    );
    await Promise.all(reasons.map((_, n) => bus.publish('job.x', n)));
    await settled();
    const letters = await bus.deadLetters('job.x');
    expect(letters.map(({ reason }) => reason.slice(0, 10))).toEqual(['Error: xxx', '"text"', 'undefined', 'o dd']);
    expect(letters[0]?.reason.length).toBeLessThanOrEqual(500);
    expect(takeErrors()).toHaveLength(4);
  });
});

describe('dead letters', () => {
  async function withDead(count: number): ReturnType<typeof open> {
    const one = await open();
    const subscription = one.bus.subscribe('job.x', picky, once);
    await Promise.all(Array.from({ length: count }, (_, n) => one.bus.publish('job.x', `bad ${n + 1}`)));
    await subscription.caughtUp();
    subscription.unsubscribe();
    await subscription.done;
    expect(one.takeErrors()).toHaveLength(count);
    return one;
  }

  test('are listed oldest first, at most limit, after the position of the last one seen', async () => {
    const { bus } = await withDead(5);
    const positions = async (options?: { limit?: number; after?: number }): Promise<unknown[]> =>
      (await bus.deadLetters('job.x', options)).map(({ message }) => message.position);
    expect(await positions()).toEqual([1, 2, 3, 4, 5]);
    expect(await positions({ limit: 2 })).toEqual([1, 2]);
    expect(await positions({ limit: 2, after: 2 })).toEqual([3, 4]);
    expect(await positions({ after: 5 })).toEqual([]);
  });

  test('wait again in their old places when they are requeued, all or some', async () => {
    const { bus, log } = await withDead(4);
    await bus.publish('job.x', 'new');
    expect(await bus.requeue('job.x', [3])).toBe(1);
    expect(await bus.stats('job.x')).toMatchObject({ waiting: 2, dead: 3 });
    expect(await bus.requeue('job.x')).toBe(3);
    await bus.subscribe('job.x', log.handler('sub')).caughtUp();
    expect(log.take()).toEqual([
      'sub: job.x#1 "bad 1"',
      'sub: job.x#2 "bad 2"',
      'sub: job.x#3 "bad 3"',
      'sub: job.x#4 "bad 4"',
      'sub: job.x#5 "new"',
    ]);
    expect(await bus.stats('job.x')).toMatchObject({ waiting: 0, dead: 0 });
  });

  test('are delivered at once when they are requeued while a listener is attached', async () => {
    const { bus, log } = await withDead(2);
    const subscription = bus.subscribe('job.x', log.handler('sub'));
    await subscription.caughtUp();
    expect(await bus.requeue('job.x', [2])).toBe(1);
    await subscription.caughtUp();
    expect(log.take()).toEqual(['sub: job.x#2 "bad 2"']);
  });

  test('may die again', async () => {
    const { bus, takeErrors } = await withDead(1);
    await bus.requeue('job.x');
    await bus.subscribe('job.x', picky, once).caughtUp();
    expect([await bus.stats('job.x'), takeErrors().length]).toMatchObject([{ waiting: 0, dead: 1 }, 1]);
  });

  test('are gone for good when they are discarded', async () => {
    const { bus } = await withDead(3);
    expect(await bus.discard('job.x', [1, 3, 99])).toBe(2);
    expect((await bus.deadLetters('job.x')).map(({ message }) => message.position)).toEqual([2]);
    expect(await bus.discard('job.x', [])).toBe(0);
  });

  test('that are none are not counted: waiting ones, unknown ones, those requeued already', async () => {
    const { bus } = await withDead(1);
    const { position } = await bus.publish('job.x', 'waits');
    expect(await bus.requeue('job.x', [position!, 99])).toBe(0);
    expect(await bus.discard('job.x', [position!])).toBe(0);
    expect(await bus.requeue('job.x', [1])).toBe(1);
    expect(await bus.requeue('job.x', [1])).toBe(0);
    expect(await bus.requeue('job.x')).toBe(0);
    expect(await bus.stats('job.x')).toMatchObject({ waiting: 2, dead: 0 });
  });

  test('are requeued beyond the bound of the topic, and more than a page of them', async () => {
    const topics = { 'job.>': { retain: { until: 'handled', maxCount: 3000 } } } as const;
    const { bus, takeErrors } = await open({ topics });
    const subscription = bus.subscribe('job.x', picky, once);
    await Promise.all(Array.from({ length: 2500 }, (_, n) => bus.publish('job.x', `bad ${n}`)));
    await subscription.caughtUp();
    expect(takeErrors()).toHaveLength(2500);
    subscription.unsubscribe();
    await subscription.done;
    await Promise.all(Array.from({ length: 1000 }, (_, n) => bus.publish('job.x', n)));
    expect(await bus.requeue('job.x')).toBe(2500);
    expect(await bus.stats('job.x')).toMatchObject({ waiting: 3500, dead: 0 });
  });

  test('are refused on a topic that is not held', async () => {
    const { bus } = await open();
    for (const topic of ['order.x', 'mouse.moved']) {
      for (const call of [bus.deadLetters(topic), bus.requeue(topic), bus.discard(topic, [1])]) {
        expect(await rejection(call)).toMatchObject({ code: 'HEXBUS_NOT_RETAINED' });
      }
    }
  });

  test.each<[string, object]>([
    ['limit', { limit: 0 }],
    ['limit', { limit: -1 }],
    ['limit', { limit: 1.5 }],
    ['after', { after: -1 }],
    ['after', { after: 'x' }],
  ])('refuse the option %s: %j', async (field, options) => {
    const { bus } = await open();
    expect(await rejection(bus.deadLetters('job.x', options))).toMatchObject({
      code: 'HEXBUS_CONFIG',
      message: expect.stringContaining(`${field} is`),
    });
  });
});

describe('a settlement that fails', () => {
  const busy = new HexbusError('HEXBUS_HISTORY_BUSY', 'later', { retryable: true });

  test('is made again after a pause; the handler is not called again', async () => {
    const { bus, log, probe, clock, settled, takeErrors } = await open();
    await bus.publish('job.x', 1);
    bus.observe('handled', log.observer('handled'));
    probe.failNext('write', busy);
    probe.failNext('write', busy);
    bus.subscribe('job.x', log.handler('sub'));
    await settled();
    expect([log.take(), takeErrors().length]).toEqual([['sub: job.x#1 1'], 1]);
    await clock.advance(100);
    expect([log.take(), takeErrors().length]).toEqual([[], 1]);
    await clock.advance(200);
    expect(log.take()).toEqual(['handled: job.x#1 results=[null]']);
    expect((await bus.stats('job.x')).waiting).toBe(0);
  });

  test.each(['before', 'after'] as const)(
    'with an outcome that is not known (%s it took effect) settles once',
    async (when) => {
      const { bus, log, probe, clock, settled, takeErrors } = await open();
      await bus.publish('job.x', 1);
      bus.observe('handled', log.observer('handled'));
      probe.failNext('write', new HexbusError('HEXBUS_OUTCOME_UNKNOWN', 'lost'), when);
      bus.subscribe('job.x', log.handler('sub'));
      await settled();
      await clock.advance(100);
      expect(log.take()).toEqual(['sub: job.x#1 1', 'handled: job.x#1 results=[null]']);
      expect(takeErrors()).toHaveLength(1);
    },
  );

  test('does not fail the publishes that are in its batch for other reasons than the batch itself', async () => {
    const { bus, probe, settled, takeErrors, clock } = await open();
    await bus.publish('job.x', 1);
    probe.failNext('write', busy);
    bus.subscribe('job.x', () => {});
    await settled();
    await bus.publish('order.x', 2);
    await clock.advance(100);
    expect([(await bus.stats('job.x')).waiting, takeErrors().length]).toEqual([0, 1]);
  });
});
