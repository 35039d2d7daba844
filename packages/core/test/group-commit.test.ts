import { type Bus, HexbusError } from '@hexbus/core';
import { describe, expect, test } from 'vitest';
import { heard, rejection, type TestBus, type TestBusOptions, useBuses } from './support/buses.ts';
import { deferred } from './support/deferred.ts';

const { open } = useBuses();

/** How each publish ended: its position, `duplicate`, or the code of its error. */
async function endings(calls: readonly Promise<{ position?: number; duplicate: boolean }>[]): Promise<unknown[]> {
  const settled = await Promise.allSettled(calls);
  return settled.map((one) => {
    if (one.status === 'rejected') return one.reason.code;
    return one.value.duplicate ? 'duplicate' : one.value.position;
  });
}

async function bodiesOf(bus: Bus, filter: string): Promise<unknown[]> {
  return (await bus.read(filter)).messages.map(({ body }) => body);
}

const full = {
  'job.>': { retain: { until: 'handled', maxCount: 1 } },
  'order.>': { retain: { maxCount: 99 } },
} as const;

/** A bus whose first write is under way, with one publish of `order.first` in it. */
async function withWriteUnderWay(
  options: TestBusOptions = {},
): Promise<TestBus & { release(): void; first: Promise<unknown> }> {
  const one = await open(options);
  const release = one.probe.holdNext('write');
  const first = one.bus.publish('order.first', 'first');
  await one.settled();
  expect(one.batches).toHaveLength(1);
  return { ...one, release, first };
}

describe('one turn is one batch:', () => {
  test('un-awaited publishes make one write, in the order of the calls', async () => {
    const { bus, batches } = await open();
    await Promise.all(['a', 'b', 'c'].map((body) => bus.publish('order.x', body)));
    expect(batches.map(({ append }) => append.map(({ body }) => body))).toEqual([['"a"', '"b"', '"c"']]);
  });

  test('nothing is written inside publish or in its turn', async () => {
    const { bus, batches, clock } = await open({ turns: 'manual' });
    const publishing = bus.publish('order.x', 1);
    for (let n = 0; n < 20; n++) await Promise.resolve();
    expect(batches).toHaveLength(0);
    expect(clock.pendingTurns).toBe(1);
    clock.runTurn();
    await publishing;
    expect(batches).toHaveLength(1);
  });

  test('publishes from promises of the same turn are in it, those of the next turn are not', async () => {
    const { bus, batches, clock, settled } = await open({ turns: 'manual' });
    void bus.publish('order.x', 1);
    await Promise.resolve().then(() => void bus.publish('order.x', 2));
    clock.runTurn();
    await settled();
    void bus.publish('order.x', 3);
    await settled();
    expect(batches.map(({ append }) => append.length)).toEqual([2, 1]);
  });

  test('what is published upon an answer waits for a turn of its own', async () => {
    const { bus, batches, clock } = await open({ turns: 'manual' });
    const second = bus.publish('order.x', 1).then(() => bus.publish('order.x', 2));
    clock.runTurn();
    for (let n = 0; n < 50; n++) await Promise.resolve();
    expect(batches).toHaveLength(1);
    expect(clock.pendingTurns).toBe(1);
    clock.runTurn();
    await second;
    expect(batches).toHaveLength(2);
  });

  test('what is published while a write is under way is the next batch', async () => {
    const { bus, batches, release, first } = await withWriteUnderWay();
    const others = [bus.publish('order.x', 1), bus.publish('order.x', 2)];
    await Promise.resolve();
    expect(batches).toHaveLength(1);
    release();
    await Promise.all([first, ...others]);
    expect(batches.map(({ append }) => append.length)).toEqual([1, 2]);
  });

  test('a burst beyond one batch is split, and keeps its order', async () => {
    const { bus, batches } = await open({ topics: { 'order.>': { retain: { maxCount: Infinity } } } });
    const receipts = await Promise.all(Array.from({ length: 2500 }, (_, n) => bus.publish('order.x', n)));
    expect(receipts.map(({ position }) => position)).toEqual(Array.from({ length: 2500 }, (_, n) => n + 1));
    expect(batches.length).toBeGreaterThan(1);
    expect(batches.length).toBeLessThan(10);
  });
});

describe('what refuses one message touches no other:', () => {
  test('a full held topic, a duplicate, a body that is too large, a body that is none', async () => {
    const { bus } = await open({ topics: full, maxBodyBytes: 100 });
    const calls = [
      bus.publish('job.a', 1),
      bus.publish('job.a', 2),
      bus.publish('order.x', 'once', { id: 'x' }),
      bus.publish('order.x', 'twice', { id: 'x' }),
      bus.publish('order.x', 'y'.repeat(100)),
      bus.publish('order.x', 1n),
      bus.publish('order.x', 'last'),
    ];
    expect(await endings(calls)).toEqual([
      1,
      'HEXBUS_TOPIC_FULL',
      2,
      'duplicate',
      'HEXBUS_BODY_TOO_LARGE',
      'HEXBUS_INVALID_BODY',
      3,
    ]);
    expect(await bodiesOf(bus, 'order.x')).toEqual(['once', 'last']);
    expect(await bodiesOf(bus, 'job.a')).toEqual([1]);
  });

  test('a full topic is worth another try, and the error says what to do', async () => {
    const { bus } = await open({ topics: full });
    await bus.publish('job.a', 1);
    const error = await rejection(bus.publish('job.a', 2));
    expect(error).toMatchObject({ code: 'HEXBUS_TOPIC_FULL', retryable: true });
    expect(error).toMatchObject({ message: expect.stringMatching(/"job.a".*maxCount.*drop-oldest/) });
    bus.subscribe('job.a', () => {});
    await bus.publish('order.x', 0);
    await expect(bus.publish('job.a', 3)).resolves.toMatchObject({ duplicate: false });
  });
});

describe('a batch that fails', () => {
  const broken = new HexbusError('HEXBUS_HISTORY_FAILED', 'the disk is gone');

  test('rejects what is in it, delivers nothing of it, and a publish after the rejection proceeds', async () => {
    const { bus, probe, log } = await open();
    bus.subscribe('order.>', log.handler('sub'));
    probe.failNext('write', broken);
    const calls = [bus.publish('order.x', 1), bus.publish('order.x', 2)];
    expect(await rejection(calls[0]!)).toBe(broken);
    expect(await rejection(calls[1]!)).toBe(broken);
    const receipt = await bus.publish('order.x', 3);
    expect(receipt.position).toBe(1);
    expect(log.take()).toEqual(['sub: order.x#1 3']);
  });

  test('rejects what was gathered behind it, as worth another try, so that none overtakes another', async () => {
    const { bus, onNextWrite, settled } = await open();
    const gate = deferred();
    onNextWrite(async () => {
      await gate.promise;
      throw broken;
    });
    const failing = heard(bus.publish('order.x', 'first'));
    await settled();
    const behind = [heard(bus.publish('order.x', 'second')), heard(bus.publish('order.x', 'third'))];
    await settled();
    gate.resolve();
    expect(await rejection(failing)).toBe(broken);
    for (const call of behind) {
      expect(await rejection(call)).toMatchObject({ code: 'HEXBUS_HISTORY_FAILED', retryable: true, cause: broken });
    }
    await bus.publish('order.x', 'fourth');
    expect(await bodiesOf(bus, 'order.x')).toEqual(['fourth']);
  });

  test('does not keep caughtUp or close waiting for what was rejected behind it', async () => {
    const { bus, onNextWrite, settled } = await open();
    const subscription = bus.subscribe('order.>', () => {});
    const gate = deferred();
    onNextWrite(async () => {
      await gate.promise;
      throw broken;
    });
    const calls = [heard(bus.publish('order.x', 'first'))];
    await settled();
    calls.push(heard(bus.publish('order.x', 'second')));
    const caughtUp = subscription.caughtUp();
    const closing = bus.close();
    gate.resolve();
    await Promise.all([caughtUp, closing]);
    expect(await endings(calls)).toEqual(['HEXBUS_HISTORY_FAILED', 'HEXBUS_HISTORY_FAILED']);
  });
});
