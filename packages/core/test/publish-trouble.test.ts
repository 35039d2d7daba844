import { HexbusError } from '@hexbus/core';
import { describe, expect, test } from 'vitest';
import { heard, rejection, useBuses } from './support/buses.ts';
import { deferred } from './support/deferred.ts';

const { open } = useBuses();

describe('an outcome that is not known', () => {
  const unknown = new HexbusError('HEXBUS_OUTCOME_UNKNOWN', 'the answer was lost');

  test('rejects with HEXBUS_OUTCOME_UNKNOWN, and publishing again with the same id is safe', async () => {
    const { bus, probe, log } = await open();
    const subscription = bus.subscribe('order.>', log.handler('sub'));
    probe.failNext('write', unknown, 'after');
    expect(await rejection(bus.publish('order.x', 'a', { id: 'a' }))).toBe(unknown);
    expect(await bus.publish('order.x', 'a', { id: 'a' })).toMatchObject({ duplicate: true, position: 1 });
    await subscription.caughtUp();
    expect(log.take()).toEqual(['sub: order.x#1 "a"']);
  });

  test('delivers the message once if it was committed, also without a further publish of it', async () => {
    const { bus, probe, log } = await open();
    const subscription = bus.subscribe('order.>', log.handler('sub'));
    await bus.publish('order.x', 'a');
    probe.failNext('write', unknown, 'after');
    await rejection(bus.publish('order.x', 'b'));
    await subscription.caughtUp();
    expect(log.take()).toEqual(['sub: order.x#1 "a"', 'sub: order.x#2 "b"']);
    await bus.publish('order.x', 'c');
    await subscription.caughtUp();
    expect(log.take()).toEqual(['sub: order.x#3 "c"']);
  });

  test('delivers all of a large batch that was committed after all', async () => {
    const { bus, probe, log } = await open();
    const subscription = bus.subscribe('order.>', log.handler('sub'));
    await subscription.caughtUp();
    probe.failNext('write', unknown, 'after');
    await Promise.allSettled(Array.from({ length: 600 }, (_, n) => bus.publish('order.x', n)));
    await subscription.caughtUp();
    expect(log.lines).toHaveLength(600);
    await bus.publish('order.x', 600);
    await subscription.caughtUp();
    expect(log.lines.at(-1)).toBe('sub: order.x#601 600');
  });

  test('delivers nothing if it was not committed, and positions go on', async () => {
    const { bus, probe, log } = await open();
    const subscription = bus.subscribe('order.>', log.handler('sub'));
    probe.failNext('write', unknown, 'before');
    await rejection(bus.publish('order.x', 'a'));
    await bus.publish('order.x', 'b');
    await subscription.caughtUp();
    expect(log.take()).toEqual(['sub: order.x#1 "b"']);
  });

  test('leaves what was gathered behind it unwritten, and says so', async () => {
    const { bus, onNextWrite, settled } = await open();
    const gate = deferred();
    onNextWrite(async (proceed) => {
      await proceed();
      await gate.promise;
      throw unknown;
    });
    const first = heard(bus.publish('order.x', 1));
    await settled();
    const behind = heard(bus.publish('order.x', 2));
    gate.resolve();
    expect(await rejection(first)).toBe(unknown);
    expect(await rejection(behind)).toMatchObject({ code: 'HEXBUS_HISTORY_FAILED', retryable: true });
    expect((await bus.read('order.x')).messages.map(({ body }) => body)).toEqual([1]);
  });

  test('of a write that held no message leaves what came meanwhile to the next one', async () => {
    const { bus, clock, onNextWrite, settled, takeErrors } = await open();
    const subscription = bus.subscribe('order.x', () => undefined, { name: 'n' });
    await subscription.ready;
    await bus.publish('order.x', 1);
    await subscription.caughtUp();
    const gate = deferred();
    onNextWrite(async () => {
      await gate.promise;
      throw unknown;
    });
    // The cursor is committed.
    await clock.advance(50);
    const publishes = ['a', 'b'].map((body) => bus.publish('order.y', body));
    await settled();
    gate.resolve();
    expect(await Promise.all(publishes)).toMatchObject([{ position: 2 }, { position: 3 }]);
    expect(takeErrors()).toMatchObject([{ error: unknown }]);
  });
});

describe('a signal', () => {
  test('that is aborted already refuses the publish with its reason', async () => {
    const { bus, batches } = await open();
    const reason = new Error('changed my mind');
    for (const topic of ['order.x', 'mouse.moved']) {
      expect(await rejection(bus.publish(topic, 1, { signal: AbortSignal.abort(reason) }))).toBe(reason);
    }
    expect(batches).toEqual([]);
  });

  test('takes the message back until it is handed to the history, and no other', async () => {
    const { bus } = await open();
    const controller = new AbortController();
    const taken = heard(bus.publish('order.x', 'taken back', { signal: controller.signal }));
    const kept = bus.publish('order.x', 'kept');
    controller.abort();
    expect(await rejection(taken)).toMatchObject({ name: 'AbortError' });
    expect(await kept).toMatchObject({ position: 1 });
    expect((await bus.read('order.x')).messages.map(({ body }) => body)).toEqual(['kept']);
  });

  test('takes back also what gathers behind a write', async () => {
    const { bus, probe, settled } = await open();
    const release = probe.holdNext('write');
    const first = bus.publish('order.x', 1);
    await settled();
    const controller = new AbortController();
    const second = heard(bus.publish('order.x', 2, { signal: controller.signal }));
    await settled();
    controller.abort();
    await rejection(second);
    release();
    await first;
    expect((await bus.read('order.x')).messages).toHaveLength(1);
  });

  test('changes nothing once the message was handed to the history', async () => {
    const { bus, probe, settled } = await open();
    const release = probe.holdNext('write');
    const controller = new AbortController();
    const publishing = bus.publish('order.x', 1, { signal: controller.signal });
    await settled();
    controller.abort();
    release();
    await expect(publishing).resolves.toMatchObject({ position: 1 });
  });

  test('is let go when the publish is settled', async () => {
    const { bus, probe } = await open();
    const { signal } = new AbortController();
    let listening = 0;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    Object.assign(signal, {
      addEventListener: (...args: Parameters<typeof add>) => {
        listening += 1;
        add(...args);
      },
      removeEventListener: (...args: Parameters<typeof remove>) => {
        listening -= 1;
        remove(...args);
      },
    });
    await bus.publish('order.x', 1, { signal });
    probe.failNext('write', new HexbusError('HEXBUS_HISTORY_FAILED', 'no'));
    await rejection(bus.publish('order.x', 1, { signal }));
    expect(listening).toBe(0);
  });
});

describe('the bound of waiting publishes', () => {
  test('refuses what goes beyond it with HEXBUS_OVERLOADED, and accepts again once some are written', async () => {
    const { bus } = await open({ maxPendingBytes: 1000 });
    const body = 'x'.repeat(38);
    const calls = [1, 2, 3, 4].map(() => heard(bus.publish('order.x', body)));
    const error = await rejection(calls[2]!);
    expect(error).toMatchObject({
      code: 'HEXBUS_OVERLOADED',
      retryable: true,
      message: expect.stringContaining('1000'),
    });
    await rejection(calls[3]!);
    await Promise.all(calls.slice(0, 2));
    await bus.publish('order.x', body);
    expect((await bus.read('order.x')).messages).toHaveLength(3);
  });

  test('counts all that a message takes: headers and sender, and what holds it', async () => {
    const { bus } = await open({ maxPendingBytes: 50_000 });
    const accepted = async (calls: readonly Promise<unknown>[]): Promise<number> =>
      (await Promise.allSettled(calls)).filter(({ status }) => status === 'fulfilled').length;
    const headers = { note: 'x'.repeat(20_000) };
    expect(await accepted([1, 2, 3, 4].map((n) => heard(bus.publish('order.x', n, { headers }))))).toBe(2);
    const small = await accepted(Array.from({ length: 1000 }, (_, n) => heard(bus.publish('order.x', n))));
    expect(small).toBeGreaterThan(10);
    expect(small).toBeLessThan(200);
  });

  test('lets a single message through however large, since it can never fit', async () => {
    const { bus } = await open({ maxPendingBytes: 10 });
    await bus.publish('order.x', 'x'.repeat(1000));
    expect((await bus.read('order.x')).messages).toHaveLength(1);
  });

  test('counts nothing any more of what was refused, failed or taken back', async () => {
    const { bus, probe } = await open({
      maxPendingBytes: 100,
      topics: { 'job.>': { retain: { until: 'handled', maxCount: 1 } } },
    });
    const body = 'x'.repeat(60);
    probe.failNext('write', new HexbusError('HEXBUS_HISTORY_FAILED', 'no'));
    await rejection(bus.publish('job.x', body));
    const controller = new AbortController();
    const taken = heard(bus.publish('job.x', body, { signal: controller.signal }));
    controller.abort();
    await rejection(taken);
    await bus.publish('job.x', body);
    expect(await rejection(bus.publish('job.x', body))).toMatchObject({ code: 'HEXBUS_TOPIC_FULL' });
    expect(await rejection(bus.publish('job.x', body))).toMatchObject({ code: 'HEXBUS_TOPIC_FULL' });
  });
});
