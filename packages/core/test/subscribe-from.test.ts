import { type Bus, type From, formatCursor, parseCursor } from '@hexbus/core';
import { describe, expect, test } from 'vitest';
import { type TestBus, thrownBy, useBuses } from './support/buses.ts';

const { open, make } = useBuses();

/** `order.a` and `order.b` by turns, 1 to `count`, one second apart. */
async function publishSome({ bus, clock }: TestBus, count: number): Promise<void> {
  for (let n = 1; n <= count; n++) {
    await bus.publish(n % 2 === 1 ? 'order.a' : 'order.b', n);
    await clock.advance(1000);
  }
}

/** The bodies that a subscription gets until it has caught up. */
async function got(bus: Bus, filter: string | readonly string[], from?: From): Promise<unknown[]> {
  const bodies: unknown[] = [];
  const subscription = bus.subscribe(
    filter,
    (message) => bodies.push(message.body),
    from === undefined ? {} : { from },
  );
  await subscription.caughtUp();
  subscription.unsubscribe();
  await subscription.done;
  return bodies;
}

describe('from', () => {
  test('now, the default, begins after what was committed when subscribe was called', async () => {
    const one = await open();
    await publishSome(one, 2);
    const { bus } = one;
    for (const options of [{}, { from: 'now' as const }]) {
      const bodies: unknown[] = [];
      const subscription = bus.subscribe('order.>', (message) => bodies.push(message.body), options);
      const { position } = await bus.publish('order.a', 'after');
      await subscription.caughtUp();
      expect(bodies).toEqual(['after']);
      expect(parseCursor((await subscription.ready)!.start).position).toBe(position! - 1);
      subscription.unsubscribe();
    }
  });

  test('now includes a publish that was called before but is not committed yet', async () => {
    const { bus, log } = await open();
    const publishing = bus.publish('order.a', 'under way');
    const subscription = bus.subscribe('order.a', log.handler('sub'));
    await publishing;
    await subscription.caughtUp();
    expect(log.take()).toEqual(['sub: order.a#1 "under way"']);
  });

  test('now is taken inside subscribe, also while the history is slow to answer', async () => {
    const { bus, log, probe } = await open();
    await bus.publish('order.a', 1);
    const release = probe.holdNext('loadCursor');
    const subscription = bus.subscribe('order.a', log.handler('sub'), { name: 'slow' });
    await bus.publish('order.a', 2);
    release();
    await subscription.caughtUp();
    expect(log.take()).toEqual(['sub: order.a#2 2']);
  });

  test('now of a subscription made before open is the head at opening', async () => {
    const { bus, log } = make();
    const subscription = bus.subscribe('order.a', log.handler('sub'));
    expect([subscription.state, subscription.cursor, subscription.lag]).toEqual(['starting', undefined, 0]);
    await bus.open();
    const publishing = bus.publish('order.a', 1);
    expect(await subscription.ready).toEqual({ start: bus.cursor, head: bus.cursor });
    await publishing;
    await subscription.caughtUp();
    expect(log.take()).toEqual(['sub: order.a#1 1']);
  });

  test('earliest begins with the oldest message that is there', async () => {
    const one = await open();
    await publishSome(one, 4);
    expect(await got(one.bus, 'order.>', 'earliest')).toEqual([1, 2, 3, 4]);
    expect(await got(one.bus, 'order.b', 'earliest')).toEqual([2, 4]);
    expect(await got(one.bus, ['order.b', 'order.a'], 'earliest')).toEqual([1, 2, 3, 4]);
    expect(await got(one.bus, 'order.nothing', 'earliest')).toEqual([]);
  });

  test('earliest after trimming begins with what is left, without a gap', async () => {
    const { bus, log } = await open();
    for (let n = 1; n <= 5; n++) await bus.publish('log.a', n);
    const subscription = bus.subscribe('log.a', log.handler('sub'), { from: 'earliest', onGap: log.observer('gap') });
    await subscription.caughtUp();
    expect(log.take()).toEqual(['sub: log.a#3 3', 'sub: log.a#4 4', 'sub: log.a#5 5']);
  });

  test('after a cursor begins with the next message: of a receipt, a page, a subscription, the bus', async () => {
    const one = await open();
    const { bus } = one;
    const start = bus.cursor!;
    const { cursor } = await bus.publish('order.a', 'x');
    await publishSome(one, 3);
    expect(await got(bus, 'order.>', { after: start })).toEqual(['x', 1, 2, 3]);
    expect(await got(bus, 'order.>', { after: cursor! })).toEqual([1, 2, 3]);
    const page = await bus.read('order.>', { limit: 3 });
    expect(await got(bus, 'order.>', { after: page.cursor })).toEqual([3]);
    expect(await got(bus, 'order.>', { after: bus.cursor! })).toEqual([]);
  });

  test('last n counts over the whole filter, and gives all there is when n is larger', async () => {
    const one = await open();
    await publishSome(one, 5);
    expect(await got(one.bus, 'order.>', { last: 2 })).toEqual([4, 5]);
    expect(await got(one.bus, ['order.a', 'order.b'], { last: 3 })).toEqual([3, 4, 5]);
    expect(await got(one.bus, 'order.b', { last: 1 })).toEqual([4]);
    expect(await got(one.bus, 'order.b', { last: 1000 })).toEqual([2, 4]);
    expect(await got(one.bus, 'order.b', { last: 0 })).toEqual([]);
  });

  test('since begins with the first message of that time or later', async () => {
    const one = await open();
    const began = one.clock.now();
    await publishSome(one, 4);
    expect(await got(one.bus, 'order.>', { since: began + 2000 })).toEqual([3, 4]);
    expect(await got(one.bus, 'order.>', { since: began + 1999 })).toEqual([3, 4]);
    expect(await got(one.bus, 'order.>', { since: began + 2001 })).toEqual([4]);
    expect(await got(one.bus, 'order.>', { since: 0 })).toEqual([1, 2, 3, 4]);
    expect(await got(one.bus, 'order.>', { since: one.clock.now() + 1 })).toEqual([]);
  });

  test.each<From>(['earliest', { last: 2 }, { since: 0 }])(
    '%j goes on with what is published later, each once',
    async (from) => {
      const one = await open();
      await publishSome(one, 2);
      const bodies: unknown[] = [];
      const subscription = one.bus.subscribe('order.>', (message) => bodies.push(message.body), { from });
      const publishing = [3, 4, 5].map((n) => one.bus.publish('order.a', n));
      await subscription.ready;
      publishing.push(one.bus.publish('order.b', 6));
      await Promise.all(publishing);
      await subscription.caughtUp();
      expect(bodies).toEqual([1, 2, 3, 4, 5, 6]);
    },
  );
});

describe('a cursor that does not belong here', () => {
  test('of another epoch gives a reset, and then what is there', async () => {
    const one = await open();
    await publishSome(one, 2);
    const { bus, log } = one;
    const foreign = formatCursor('anotherEpoch', 7);
    const subscription = bus.subscribe('order.>', log.handler('sub'), {
      from: { after: foreign },
      onReset: log.observer('reset'),
    });
    await subscription.caughtUp();
    const beginning = formatCursor(parseCursor(bus.cursor).epoch, 0);
    expect(log.take()).toEqual([`reset: from="${foreign}" to="${beginning}"`, 'sub: order.a#1 1', 'sub: order.b#2 2']);
    expect(subscription.cursor).toBe(bus.cursor);
  });

  test('above the head gives a reset too', async () => {
    const one = await open();
    await publishSome(one, 2);
    const { bus, log } = one;
    const above = formatCursor(parseCursor(bus.cursor).epoch, 3);
    const subscription = bus.subscribe('order.>', log.handler('sub'), {
      from: { after: above },
      onReset: () => log.note('reset'),
    });
    await subscription.caughtUp();
    expect(log.take()).toEqual(['reset', 'sub: order.a#1 1', 'sub: order.b#2 2']);
  });

  test('and is none at all is refused', async () => {
    const { bus } = await open();
    for (const after of [
      '',
      'x',
      'x.',
      '.1',
      'x.-1',
      'x.01',
      'x.1.2',
      'x.1e3',
      `x.${2 ** 53}`,
      7 as unknown as string,
    ]) {
      expect(thrownBy(() => bus.subscribe('order.a', () => {}, { from: { after } }))).toMatchObject({
        code: 'HEXBUS_INVALID_CURSOR',
      });
    }
  });
});

test.each<unknown>([
  'later',
  null,
  7,
  {},
  { last: -1 },
  { last: 1.5 },
  { last: 5n },
  { since: NaN },
  { since: '1' },
  Symbol('x'),
])('a from that is none is refused: %s', async (from) => {
  const { bus } = await open();
  expect(thrownBy(() => bus.subscribe('order.a', () => {}, { from: from as From }))).toMatchObject({
    code: 'HEXBUS_CONFIG',
    message: expect.stringMatching(/^from is /),
  });
});

test('a from of two starts is refused, and both are named', async () => {
  const { bus } = await open();
  const from = { after: bus.cursor, last: 3 } as From;
  expect(thrownBy(() => bus.subscribe('order.a', () => {}, { from }))).toMatchObject({
    code: 'HEXBUS_CONFIG',
    message: expect.stringContaining('from is "after and last"'),
  });
});

test.each<From>(['earliest', { last: 1 }, { since: 0 }, { after: 'x.1' }])(
  'from %j is refused where nothing is retained, and on a held topic',
  async (from) => {
    const { bus } = await open();
    for (const filter of ['mouse.moved', ['mouse.moved', 'key.*']]) {
      expect(thrownBy(() => bus.subscribe(filter, () => {}, { from }))).toMatchObject({ code: 'HEXBUS_NOT_RETAINED' });
    }
    expect(thrownBy(() => bus.subscribe('job.x', () => {}, { from }))).toMatchObject({ code: 'HEXBUS_CONFIG' });
  },
);
