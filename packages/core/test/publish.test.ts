import { parseCursor } from '@hexbus/core';
import { describe, expect, test } from 'vitest';
import { rejection, useBuses } from './support/buses.ts';
import { deferred } from './support/deferred.ts';

const { open, make } = useBuses();

describe('a receipt', () => {
  test('tells id, topic, position, a cursor after the message, and that it was no duplicate', async () => {
    const { bus } = await open();
    const receipt = await bus.publish('order.created', { n: 1 }, { id: 'evt-1' });
    expect(receipt).toEqual({
      id: 'evt-1',
      topic: 'order.created',
      position: 1,
      cursor: bus.cursor,
      duplicate: false,
    });
    expect(parseCursor(receipt.cursor).position).toBe(1);
  });

  test('has an id of the bus when the caller gives none, never the same twice', async () => {
    const { bus } = await open();
    const receipts = await Promise.all(Array.from({ length: 100 }, (_, n) => bus.publish('order.created', n)));
    expect(new Set(receipts.map(({ id }) => id)).size).toBe(100);
    const page = await bus.read('order.created', { last: 100 });
    expect(page.messages.map(({ id }) => id)).toEqual(receipts.map(({ id }) => id));
  });

  test('comes after the message can be read', async () => {
    const { bus, probe } = await open();
    const release = probe.holdNext('write');
    const publishing = bus.publish('order.created', 1);
    let resolved = false;
    void publishing.then(() => {
      resolved = true;
    });
    await bus.read('order.created');
    expect(resolved).toBe(false);
    release();
    await publishing;
    expect((await bus.read('order.created')).messages).toHaveLength(1);
  });

  test('of a second message with the id of the first is the first one, marked as duplicate', async () => {
    const { bus } = await open();
    const first = await bus.publish('order.created', 'a', { id: 'x' });
    const again = await bus.publish('order.created', 'b', { id: 'x' });
    expect(again).toEqual({ ...first, duplicate: true });
    const elsewhere = await bus.publish('order.paid', 'c', { id: 'x' });
    expect(elsewhere).toMatchObject({ position: 2, duplicate: false });
    expect((await bus.read('order.>')).messages.map(({ body }) => body)).toEqual(['a', 'c']);
  });

  test('of a duplicate in the same batch, and of one that was handled and removed meanwhile, is the first one', async () => {
    const { bus, settled } = await open();
    bus.subscribe('job.mail', () => {});
    const [first, twin] = await Promise.all([
      bus.publish('job.mail', 1, { id: 'x' }),
      bus.publish('job.mail', 1, { id: 'x' }),
    ]);
    await settled();
    expect((await bus.stats('job.mail')).waiting).toBe(0);
    const later = await bus.publish('job.mail', 1, { id: 'x' });
    expect([twin, later]).toEqual([
      { ...first, duplicate: true },
      { ...first, duplicate: true },
    ]);
  });

  test('does not deduplicate beyond the window that the bus was given', async () => {
    const { bus, clock } = await open({ deduplication: { maxIds: 2, maxAgeMs: 1000 } });
    const publish = async (id: string): Promise<boolean> => (await bus.publish('order.created', 0, { id })).duplicate;
    expect([await publish('a'), await publish('a')]).toEqual([false, true]);
    await publish('b');
    await publish('c');
    expect(await publish('a')).toBe(false);
    clock.jump(1001);
    expect(await publish('a')).toBe(false);
  });
});

describe('a message carries', () => {
  test('type, sender and headers beside the body, to handlers and readers alike', async () => {
    const { bus, clock } = await open();
    const seen = deferred<unknown>();
    bus.subscribe('order.created', (message) => seen.resolve(JSON.parse(JSON.stringify(message))));
    const options = { id: 'm', type: 'OrderCreated', sender: 'shop', headers: { traceparent: '00-1-2-01' } };
    await bus.publish('order.created', { n: 1 }, options);
    const expected = { ...options, topic: 'order.created', body: { n: 1 }, time: clock.now(), position: 1 };
    expect(await seen.promise).toEqual(expected);
    const [read] = (await bus.read('order.created')).messages;
    expect(JSON.parse(JSON.stringify(read))).toEqual(expected);
    expect([read?.type, read?.sender, read?.headers]).toEqual([options.type, options.sender, options.headers]);
  });

  test('nothing that was not given', async () => {
    const { bus } = await open();
    await bus.publish('order.created', 1);
    const [read] = (await bus.read('order.created')).messages;
    expect([read?.type, read?.sender, read?.headers]).toEqual([undefined, undefined, undefined]);
    expect(Object.keys(JSON.parse(JSON.stringify(read)))).toEqual(['id', 'topic', 'body', 'time', 'position']);
  });
});

describe('order', () => {
  test('of un-awaited publishes is the order of the calls, over all topics', async () => {
    const { bus } = await open();
    const topics = ['order.a', 'order.b', 'job.c'];
    const calls = Array.from({ length: 30 }, (_, n) => bus.publish(topics[n % 3]!, n));
    const receipts = await Promise.all(calls);
    expect(receipts.map(({ position }) => position)).toEqual(Array.from({ length: 30 }, (_, n) => n + 1));
  });

  test('of a publish made after another one resolved is later', async () => {
    const { bus } = await open();
    const first = await bus.publish('order.a', 1);
    const second = await bus.publish('order.b', 2);
    expect(second.position).toBeGreaterThan(first.position!);
  });
});

describe('publish refuses', () => {
  test('topics that are none, also without a history', async () => {
    const topics = [
      '',
      '.a',
      'a.',
      'a..b',
      'order.*',
      'order.>',
      'a b',
      'a\tb',
      'a\u0000',
      'a.\ud800',
      'x'.repeat(513),
    ];
    for (const options of [{}, { withoutHistory: true }]) {
      const { bus } = await open(options);
      for (const topic of topics) {
        expect(await rejection(bus.publish(topic, 1))).toMatchObject({ code: 'HEXBUS_INVALID_TOPIC' });
      }
    }
  });

  test.each([
    ['id', { id: '' }],
    ['id', { id: 'x'.repeat(513) }],
    ['id', { id: 7 as unknown as string }],
    ['type', { type: '' }],
    ['sender', { sender: null as unknown as string }],
    ['headers', { headers: 'text' as unknown as Record<string, string> }],
    ['headers', { headers: null as unknown as Record<string, string> }],
    ['headers', { headers: new Map([['traceparent', '00']]) as unknown as Record<string, string> }],
    ['headers', { headers: new Headers({ traceparent: '00' }) as unknown as Record<string, string> }],
    ['headers', { headers: ['traceparent'] as unknown as Record<string, string> }],
    ['id', { id: 'half of a pair \ud800' }],
    ['id', { id: 'x\0y' }],
    ['type', { type: 't\0u' }],
    ['type', { type: 'two\nlines' }],
    ['sender', { sender: 'an\0n' }],
    ['signal', { signal: new AbortController() as unknown as AbortSignal }],
    ['headers."n"', { headers: { n: 1 as unknown as string } }],
  ])('the option %s, naming it: %j', async (field, options) => {
    const { bus, batches } = await open();
    const error = await rejection(bus.publish('order.created', 1, options));
    expect(error).toMatchObject({ code: 'HEXBUS_CONFIG', message: expect.stringContaining(`${field} is`) });
    expect(batches).toEqual([]);
  });

  test('before the bus is open and after it is closed, also on topics that are not retained', async () => {
    const { bus } = make();
    for (const topic of ['order.created', 'mouse.moved']) {
      expect(await rejection(bus.publish(topic, 1))).toMatchObject({ code: 'HEXBUS_NOT_OPEN' });
    }
    await bus.close();
    for (const topic of ['order.created', 'mouse.moved']) {
      expect(await rejection(bus.publish(topic, 1))).toMatchObject({ code: 'HEXBUS_CLOSED' });
    }
  });

  test('by rejecting, never by throwing', async () => {
    const { bus } = await open();
    for (const call of [() => bus.publish('a..b', 1), () => bus.publish('order.a', 1n)]) {
      const promise = call();
      expect(promise).toBeInstanceOf(Promise);
      await rejection(promise);
    }
  });
});
