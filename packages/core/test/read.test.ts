import { type Bus, type Cursor, formatCursor, type Page, parseCursor, type ReadOptions } from '@hexbus/core';
import { createMemoryHistory } from '@hexbus/store-memory';
import { describe, expect, test } from 'vitest';
import { rejection, useBuses } from './support/buses.ts';

const { open } = useBuses();

const bodies = (page: Page): unknown[] => page.messages.map(({ body }) => body);
const positionOf = (cursor: Cursor): number => parseCursor(cursor).position;

/** `order.a` and `order.b` by turns, 1 to `count`. */
async function publishSome(bus: Bus, count: number): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, n) => bus.publish(n % 2 === 0 ? 'order.a' : 'order.b', n + 1)));
}

describe('read', () => {
  test('gives the oldest first, from the beginning, at most 100 unless told otherwise', async () => {
    const { bus } = await open();
    await publishSome(bus, 150);
    const page = await bus.read('order.>');
    expect(bodies(page)).toEqual(Array.from({ length: 100 }, (_, n) => n + 1));
    expect([positionOf(page.start), positionOf(page.cursor), positionOf(page.head)]).toEqual([0, 100, 150]);
    expect(bodies(await bus.read('order.>', { limit: 200 }))).toHaveLength(150);
    expect(bodies(await bus.read('order.b', { limit: 2 }))).toEqual([2, 4]);
    expect(bodies(await bus.read(['order.b', 'order.a'], { limit: 3 }))).toEqual([1, 2, 3]);
  });

  test('of an empty history is an empty page at the head', async () => {
    const { bus } = await open();
    for (const options of [{}, { last: 3 }, { since: 0 }, { after: bus.cursor! }, { before: bus.cursor! }]) {
      expect(await bus.read('order.a', options)).toEqual({
        messages: [],
        start: bus.cursor,
        cursor: bus.cursor,
        head: bus.cursor,
      });
    }
  });

  test('last gives the newest n of the filter', async () => {
    const { bus } = await open();
    await publishSome(bus, 9);
    const page = await bus.read('order.>', { last: 3 });
    expect(bodies(page)).toEqual([7, 8, 9]);
    expect([positionOf(page.start), page.cursor]).toEqual([6, page.head]);
    expect(bodies(await bus.read('order.b', { last: 2 }))).toEqual([6, 8]);
    expect(bodies(await bus.read('order.b', { last: 1000 }))).toEqual([2, 4, 6, 8]);
  });

  test('since gives what has that time or a later one', async () => {
    const { bus, clock } = await open();
    await publishSome(bus, 2);
    clock.jump(1000);
    const since = clock.now();
    await publishSome(bus, 3);
    expect(bodies(await bus.read('order.>', { since }))).toEqual([1, 2, 3]);
    expect(bodies(await bus.read('order.>', { since: since + 1 }))).toEqual([]);
    expect(bodies(await bus.read('order.>', { since, limit: 2 }))).toEqual([1, 2]);
  });

  test('tells a cursor at the head when nothing of the filter follows, so that nothing is looked through twice', async () => {
    const { bus } = await open();
    await publishSome(bus, 5);
    const page = await bus.read('order.b');
    expect([bodies(page), page.cursor]).toEqual([[2, 4], page.head]);
  });
});

/** All bodies of a filter, page by page. */
async function chained(bus: Bus, filter: string, limit: number, direction: 'on' | 'back'): Promise<unknown[]> {
  const all: unknown[] = [];
  let options: ReadOptions = direction === 'on' ? { limit } : { last: limit };
  for (let pages = 0; pages < 100; pages++) {
    const page = await bus.read(filter, options);
    if (page.messages.length === 0) return all;
    if (direction === 'on') all.push(...bodies(page));
    else all.unshift(...bodies(page));
    options = direction === 'on' ? { after: page.cursor, limit } : { before: page.start, limit };
  }
  throw new Error('the pages do not end');
}

describe('pages follow each other', () => {
  test.each([1, 2, 3, 4, 7, 100])(
    'by cursor onwards and by start backwards, with %i a page: each message once',
    async (limit) => {
      const { bus } = await open();
      await publishSome(bus, 12);
      for (const [filter, expected] of [
        ['order.>', [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]],
        ['order.b', [2, 4, 6, 8, 10, 12]],
      ] as const) {
        expect(await chained(bus, filter, limit, 'on')).toEqual(expected);
        expect(await chained(bus, filter, limit, 'back')).toEqual(expected);
      }
    },
  );

  test('in both directions from one page: back from its start, on from its cursor', async () => {
    const { bus } = await open();
    await publishSome(bus, 9);
    const middle = await bus.read('order.>', { after: formatCursor(parseCursor(bus.cursor).epoch, 3), limit: 3 });
    expect(bodies(middle)).toEqual([4, 5, 6]);
    expect(bodies(await bus.read('order.>', { before: middle.start }))).toEqual([1, 2, 3]);
    expect(bodies(await bus.read('order.>', { after: middle.cursor }))).toEqual([7, 8, 9]);
    const back = await bus.read('order.>', { before: middle.start, limit: 2 });
    expect(bodies(await bus.read('order.>', { after: back.cursor, limit: 3 }))).toEqual([4, 5, 6]);
  });

  test('before and after one cursor are everything, and nothing twice', async () => {
    const { bus } = await open();
    await publishSome(bus, 6);
    const { epoch } = parseCursor(bus.cursor);
    for (let position = 0; position <= 6; position++) {
      const cursor = formatCursor(epoch, position);
      const before = await bus.read('order.>', { before: cursor });
      const after = await bus.read('order.>', { after: cursor });
      expect([...bodies(before), ...bodies(after)]).toEqual([1, 2, 3, 4, 5, 6]);
    }
  });

  test('into a subscription, which gets exactly what the page did not have', async () => {
    const { bus, log } = await open();
    await publishSome(bus, 4);
    const page = await bus.read('order.>', { limit: 3 });
    await bus.subscribe('order.>', log.handler('sub'), { from: { after: page.cursor } }).caughtUp();
    expect(log.take()).toEqual(['sub: order.b#4 4']);
  });
});

test('a page may hold very many messages', async () => {
  const count = 150_000;
  const history = createMemoryHistory({ maxMessages: count });
  const topics = { many: { retain: { maxCount: count } } };
  const { bus } = await open({ history, topics, maxPendingBytes: Infinity });
  await Promise.all(Array.from({ length: count }, (_, n) => bus.publish('many', n)));
  for (const options of [{ limit: count }, { last: count }]) {
    const { messages } = await bus.read('many', options);
    expect([messages.length, messages[0]?.body, messages.at(-1)?.body]).toEqual([count, 0, count - 1]);
  }
});

describe('a gap', () => {
  test('ends with its page, and each page tells its own', async () => {
    const { bus } = await open({
      topics: { 'x.a': { retain: { maxCount: 1 } }, 'x.b': { retain: { maxCount: 100 } } },
    });
    const { cursor } = await bus.publish('x.b', 0);
    for (const n of [1, 2]) {
      for (let m = 0; m < 5; m++) await bus.publish('x.b', m);
      await bus.publish('x.a', n);
    }
    await bus.publish('x.a', 3);
    const pages = [];
    for (let after = cursor; pages.length < 3; after = (pages.at(-1) as { cursor: string }).cursor)
      pages.push(await bus.read('x.*', { after, limit: 4 }));
    expect(pages.map(({ gap }) => gap && [gap.from, gap.to])).toEqual([
      [2, 5],
      [6, 10],
      [11, 13],
    ]);
  });

  test('is told of what was trimmed after the cursor', async () => {
    const { bus } = await open();
    const start = bus.cursor!;
    await Promise.all([1, 2, 3, 4, 5].map((n) => bus.publish('log.a', n)));
    const page = await bus.read('log.>', { after: start });
    expect(bodies(page)).toEqual([3, 4, 5]);
    expect(page.gap).toEqual({ topics: ['log.a'], from: 1, to: 2 });
    expect((await bus.read('log.>', { after: page.cursor })).gap).toBeUndefined();
  });

  test('is not told of a page that begins with what is there', async () => {
    const { bus } = await open();
    await Promise.all([1, 2, 3, 4, 5].map((n) => bus.publish('log.a', n)));
    for (const options of [{}, { last: 10 }, { since: 0 }])
      expect(await bus.read('log.a', options)).not.toHaveProperty('gap');
  });

  test('is not told of topics that the filter does not have', async () => {
    const { bus } = await open();
    const start = bus.cursor!;
    await Promise.all([1, 2, 3, 4, 5].map((n) => bus.publish('log.a', n)));
    expect(await bus.read('log.b', { after: start })).not.toHaveProperty('gap');
  });
});

describe('read refuses', () => {
  test('a cursor that is none, of another epoch, or above the head', async () => {
    const { bus } = await open();
    await bus.publish('order.x', 1);
    const above = formatCursor(parseCursor(bus.cursor).epoch, 2);
    for (const cursor of ['nonsense', 'other.1', above]) {
      for (const options of [{ after: cursor }, { before: cursor }]) {
        expect(await rejection(bus.read('order.x', options))).toMatchObject({ code: 'HEXBUS_INVALID_CURSOR' });
      }
    }
  });

  test('more than one of after, before, last and since', async () => {
    const { bus } = await open();
    const error = await rejection(bus.read('order.x', { last: 1, since: 0 }));
    expect(error).toMatchObject({ code: 'HEXBUS_CONFIG', message: expect.stringContaining('last and since') });
  });

  test.each<[string, object]>([
    ['limit', { limit: 0 }],
    ['limit', { limit: -1 }],
    ['limit', { limit: Infinity }],
    ['limit', { limit: '5' }],
    ['last', { last: 0 }],
    ['last', { last: 2.5 }],
    ['since', { since: NaN }],
    ['since', { since: new Date() }],
  ])('the option %s: %j', async (field, options) => {
    const { bus } = await open();
    expect(await rejection(bus.read('order.x', options))).toMatchObject({
      code: 'HEXBUS_CONFIG',
      message: expect.stringMatching(new RegExp(`^${field} is`)),
    });
  });

  test('names that are not retained, also one among others; a pattern over them gives nothing', async () => {
    const { bus } = await open();
    for (const filter of ['mouse.moved', ['order.x', 'mouse.moved']]) {
      expect(await rejection(bus.read(filter))).toMatchObject({ code: 'HEXBUS_NOT_RETAINED' });
    }
    expect((await bus.read('mouse.*')).messages).toEqual([]);
  });

  test('what is no filter', async () => {
    const { bus } = await open();
    expect(await rejection(bus.read('a..b'))).toMatchObject({ code: 'HEXBUS_INVALID_TOPIC' });
    expect(await rejection(bus.read([]))).toMatchObject({ code: 'HEXBUS_CONFIG' });
  });

  test('last together with a smaller limit gives the smaller number', async () => {
    const { bus } = await open();
    await publishSome(bus, 5);
    expect(bodies(await bus.read('order.>', { last: 4, limit: 2 }))).toEqual([4, 5]);
  });
});
