import { formatCursor, HexbusError, parseCursor } from '@hexbus/core';
import { describe, expect, test } from 'vitest';
import { heard, rejection, thrownBy, useBuses } from './support/buses.ts';
import { deferred } from './support/deferred.ts';

const { open, make } = useBuses();

describe('handlers of retained topics', () => {
  test('never run inside subscribe or publish', async () => {
    const { bus } = await open();
    await bus.publish('order.x', 0);
    let inside = true;
    const runs: boolean[] = [];
    const subscription = bus.subscribe('order.x', () => runs.push(inside), { from: 'earliest' });
    inside = false;
    await subscription.caughtUp();
    inside = true;
    const publishing = bus.publish('order.x', 1);
    inside = false;
    await publishing;
    await subscription.caughtUp();
    expect(runs).toEqual([false, false]);
  });

  test('run one at a time, awaited, in order; another subscription does not wait', async () => {
    const { bus, log, settled } = await open();
    const gates = [deferred(), deferred()];
    bus.subscribe('order.x', async (message) => {
      log.note(`slow begins ${message.body}`);
      await gates[message.body as number]?.promise;
      log.note(`slow ends ${message.body}`);
    });
    bus.subscribe('order.x', log.handler('fast'));
    await Promise.all([bus.publish('order.x', 0), bus.publish('order.x', 1)]);
    await settled();
    expect(log.take()).toEqual(['slow begins 0', 'fast: order.x#1 0', 'fast: order.x#2 1']);
    gates[0]?.resolve();
    await settled();
    expect(log.take()).toEqual(['slow ends 0', 'slow begins 1']);
    gates[1]?.resolve();
    await settled();
    expect(log.take()).toEqual(['slow ends 1']);
  });

  test('let others have the event loop after 64 messages that were handled at once', async () => {
    const { bus, clock, settled } = await open({ turns: 'manual' });
    for (let n = 0; n < 200; n++) void bus.publish('order.x', n);
    await settled();
    let handled = 0;
    bus.subscribe('order.x', () => ++handled, { from: 'earliest' });
    const steps: number[] = [];
    for (let turn = 0; turn < 4; turn++) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      steps.push(handled);
      clock.runTurn();
    }
    expect(steps).toEqual([64, 128, 192, 200]);
  });

  test('of two subscriptions see the messages that both get in the same order', async () => {
    const { bus, log } = await open();
    const a = bus.subscribe('order.*', log.handler('a'));
    const b = bus.subscribe(['order.y', 'order.x'], log.handler('b'));
    await Promise.all(['x', 'y', 'y', 'x', 'z'].map((token, n) => bus.publish(`order.${token}`, n)));
    await Promise.all([a.caughtUp(), b.caughtUp()]);
    const of = (name: string): string[] =>
      log.lines.filter((line) => line.startsWith(name)).map((line) => line.slice(3));
    expect(of('b')).toEqual(['order.x#1 0', 'order.y#2 1', 'order.y#3 2', 'order.x#4 3']);
    expect(of('a')).toEqual([...of('b'), 'order.z#5 4']);
  });
});

describe('a subscription tells', () => {
  test('its resolved start and the head by ready', async () => {
    const { bus } = await open();
    const first = await bus.publish('order.x', 1);
    await bus.publish('order.x', 2);
    const { epoch } = parseCursor(bus.cursor);
    const ready = (from: 'earliest' | 'now' | { after: string }): unknown =>
      bus.subscribe('order.x', () => {}, { from }).ready;
    expect(await ready('earliest')).toEqual({ start: formatCursor(epoch, 0), head: bus.cursor });
    expect(await ready({ after: first.cursor! })).toEqual({ start: first.cursor, head: bus.cursor });
    expect(await ready('now')).toEqual({ start: bus.cursor, head: bus.cursor });
  });

  test('no start, cursor or lag where nothing is retained', async () => {
    const { bus } = await open();
    const subscription = bus.subscribe('mouse.moved', () => {});
    expect([subscription.state, subscription.cursor, subscription.lag]).toEqual(['active', undefined, 0]);
    expect(await subscription.ready).toBeUndefined();
    await subscription.caughtUp();
  });

  test('its cursor and lag, which move after the handler settled', async () => {
    const { bus, settled } = await open();
    const gates = [deferred(), deferred()];
    const start = bus.cursor;
    const subscription = bus.subscribe('order.x', ({ body }) => gates[body as number]?.promise);
    const receipts = [await bus.publish('order.x', 0), await bus.publish('order.x', 1)];
    await settled();
    expect([subscription.cursor, subscription.lag]).toEqual([start, 2]);
    gates[0]?.resolve();
    await settled();
    expect([subscription.cursor, subscription.lag]).toEqual([receipts[0]?.cursor, 1]);
    gates[1]?.resolve();
    await settled();
    expect([subscription.cursor, subscription.lag]).toEqual([receipts[1]?.cursor, 0]);
  });

  test('a cursor that never steps back behind the head at which it slept', async () => {
    const { bus, settled, onNextWrite } = await open();
    const gate = deferred();
    const subscription = bus.subscribe('order.x', () => gate.promise);
    await Promise.all([1, 2, 3].map((n) => bus.publish('log.a', n)));
    await settled();
    const asleep = subscription.cursor;
    expect(asleep).toBe(bus.cursor);
    onNextWrite(async (proceed) => {
      await proceed();
      throw new HexbusError('HEXBUS_OUTCOME_UNKNOWN', 'the answer is lost');
    });
    const publishing = heard(bus.publish('order.x', 1));
    const seen = new Set<unknown>();
    for (let n = 0; n < 100; n++) {
      seen.add(subscription.cursor);
      await (n % 10 === 0 ? settled() : undefined);
    }
    await rejection(publishing);
    await bus.publish('order.x', 2);
    await settled();
    expect([...seen, subscription.cursor]).toEqual([asleep, asleep]);
    gate.resolve();
    await subscription.caughtUp();
    expect(subscription.cursor).toBe(bus.cursor);
  });

  test('the head as its cursor while it sleeps, whatever is published elsewhere', async () => {
    const { bus, settled } = await open();
    const subscription = bus.subscribe('order.x', () => {});
    await subscription.ready;
    for (let n = 0; n < 5; n++) await bus.publish('order.y', n);
    await settled();
    expect([subscription.cursor, subscription.lag]).toEqual([bus.cursor, 0]);
    subscription.unsubscribe();
    expect(subscription.cursor).toBe(bus.cursor);
    const ended = subscription.cursor;
    await bus.publish('order.x', 5);
    expect(subscription.cursor).toBe(ended);
  });

  test('its states: starting, active, ended', async () => {
    const { bus } = make();
    const subscription = bus.subscribe('order.x', () => {});
    expect(subscription.state).toBe('starting');
    await bus.open();
    await subscription.ready;
    expect(subscription.state).toBe('active');
    subscription.unsubscribe();
    expect([subscription.state, subscription.error]).toEqual(['ended', undefined]);
    await subscription.done;
  });

  test('by caughtUp when everything published before is handled, also what is not committed yet', async () => {
    const { bus, log } = await open();
    const subscription = bus.subscribe('order.x', log.handler('sub'));
    void bus.publish('order.x', 1);
    void bus.publish('order.y', 2);
    await subscription.caughtUp();
    expect(log.take()).toEqual(['sub: order.x#1 1']);
    await subscription.caughtUp();
  });

  test('by caughtUp when the calls that run have ended, of a topic that is not retained', async () => {
    const { bus, log } = await open();
    const gate = deferred();
    const subscription = bus.subscribe('mouse.moved', () => gate.promise.then(() => log.note('handled')));
    bus.emit('mouse.moved', 1);
    const caughtUp = subscription.caughtUp().then(() => log.note('caught up'));
    await new Promise((resolve) => setImmediate(resolve));
    gate.resolve();
    await caughtUp;
    expect(log.take()).toEqual(['handled', 'caught up']);
  });

  test('by caughtUp that it has ended, with a call running that does not', async () => {
    const { bus } = await open();
    const gate = deferred();
    const subscription = bus.subscribe('mouse.moved', () => gate.promise);
    bus.emit('mouse.moved', 1);
    const caughtUp = subscription.caughtUp();
    subscription.unsubscribe();
    await caughtUp;
    gate.resolve();
  });

  test('by caughtUp that it has ended, with messages left', async () => {
    const { bus, settled, log } = await open();
    const gate = deferred();
    const subscription = bus.subscribe('order.x', () => gate.promise);
    await Promise.all([bus.publish('order.x', 1), bus.publish('order.x', 2)]);
    const caughtUp = subscription.caughtUp().then(() => log.note('caught up'));
    await settled();
    expect(log.take()).toEqual([]);
    subscription.unsubscribe();
    gate.resolve();
    await caughtUp;
    await subscription.caughtUp();
  });
});

describe('ready rejects', () => {
  test('when the subscription ends before its start is resolved', async () => {
    const { bus, probe } = await open();
    const release = probe.holdNext('locate');
    const subscription = bus.subscribe('order.x', () => {}, { from: 'earliest' });
    subscription.unsubscribe();
    expect(await rejection(subscription.ready)).toMatchObject({ code: 'HEXBUS_CLOSED' });
    release();
    await subscription.done;
    expect(subscription.state).toBe('ended');
  });

  test('when the history refuses for good, and the subscription has failed with that error', async () => {
    const { bus, probe, takeErrors } = await open();
    const broken = new HexbusError('HEXBUS_HISTORY_CORRUPT', 'no such page');
    probe.failNext('locate', broken);
    const subscription = bus.subscribe('order.x', () => {}, { from: 'earliest' });
    expect(await rejection(subscription.ready)).toBe(broken);
    await subscription.done;
    expect([subscription.state, subscription.error]).toEqual(['failed', broken]);
    expect(takeErrors()).toMatchObject([{ error: broken, subscription: { filter: ['order.x'] } }]);
  });

  test('but not when the history may answer later: then the start is tried again', async () => {
    const { bus, probe, takeErrors, clock, settled, log } = await open();
    await bus.publish('order.x', 1);
    const busy = new HexbusError('HEXBUS_HISTORY_BUSY', 'later', { retryable: true });
    probe.failNext('locate', busy);
    probe.failNext('locate', busy);
    const subscription = bus.subscribe('order.x', log.handler('sub'), { from: 'earliest' });
    await settled();
    expect([subscription.state, takeErrors().length]).toEqual(['starting', 1]);
    await clock.advance(100);
    expect([subscription.state, takeErrors().length]).toEqual(['starting', 1]);
    await clock.advance(200);
    await subscription.caughtUp();
    expect([subscription.state, log.take()]).toEqual(['active', ['sub: order.x#1 1']]);
  });
});

test('a read that fails is told to the error observer and made again after a growing pause', async () => {
  const { bus, probe, takeErrors, clock, settled, log } = await open();
  await bus.publish('order.x', 1);
  const broken = new HexbusError('HEXBUS_HISTORY_FAILED', 'the disk is slow');
  for (let n = 0; n < 2; n++) probe.failNext('read', broken);
  const subscription = bus.subscribe('order.x', log.handler('sub'), { from: { after: formatCursor('other', 1) } });
  await settled();
  expect(takeErrors()).toMatchObject([{ error: broken, subscription: { filter: ['order.x'] } }]);
  await clock.advance(99);
  expect(takeErrors()).toHaveLength(0);
  await clock.advance(1);
  expect(takeErrors()).toHaveLength(1);
  await clock.advance(200);
  await subscription.caughtUp();
  expect(log.take()).toEqual(['sub: order.x#1 1']);
  expect(subscription.cursor).toBe(bus.cursor);
});

describe('subscribe refuses', () => {
  test.each<[string, unknown, unknown]>([
    ['handler', 'order.x', undefined],
    ['handler', 'order.x', {}],
    ['filter', [], () => {}],
    ['filter', undefined, () => {}],
    ['filter', {}, () => {}],
  ])('a %s that is none: %j, %s', async (field, filter, handler) => {
    const { bus } = await open();
    const error = thrownBy(() => bus.subscribe(filter as string, handler as () => void));
    expect(error).toMatchObject({ code: 'HEXBUS_CONFIG', message: expect.stringMatching(new RegExp(`^${field} is`)) });
  });

  test.each(['', 'a..b', 'a.>.b', 'a*', '>.a', 'a b', 7, ['order.x', 'a..b']])('the filter %j', async (filter) => {
    const { bus } = await open();
    expect(thrownBy(() => bus.subscribe(filter as string, () => {}))).toMatchObject({
      code: expect.stringMatching(/HEXBUS_INVALID_TOPIC|HEXBUS_CONFIG/),
    });
  });

  test.each<[string, object]>([
    ['maxTries', { maxTries: 0 }],
    ['maxTries', { maxTries: 1.5 }],
    ['maxTries', { maxTries: NaN }],
    ['retryDelayMs', { retryDelayMs: -1 }],
    ['handleTimeoutMs', { handleTimeoutMs: '5' }],
    ['onFailure', { onFailure: 'retry' }],
    ['onFilterChange', { name: 'n', onFilterChange: 'merge' }],
    ['name', { name: '' }],
    ['name', { name: 'x'.repeat(257) }],
    ['name', { name: '@mine' }],
    ['name', { name: 7 }],
  ])('the option %s: %j', async (field, options) => {
    const { bus } = await open();
    const error = thrownBy(() => bus.subscribe('order.x', () => {}, options));
    expect(error).toMatchObject({ code: 'HEXBUS_CONFIG', message: expect.stringContaining(`${field} is`) });
    expect((await bus.stats('order.x')).listeners).toBe(0);
  });

  test('a name on what is not retained, and a held topic beside others', async () => {
    const { bus } = await open();
    expect(thrownBy(() => bus.subscribe('mouse.moved', () => {}, { name: 'n' }))).toMatchObject({
      code: 'HEXBUS_NOT_RETAINED',
    });
    for (const call of [
      () => bus.subscribe('job.x', () => {}, { name: 'n' }),
      () => bus.subscribe(['job.x', 'order.x'], () => {}),
    ]) {
      expect(thrownBy(call)).toMatchObject({ code: 'HEXBUS_CONFIG', message: expect.stringContaining('"job.x"') });
    }
  });
});
