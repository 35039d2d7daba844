import { type BusOptions, busDefaults, createBus, type TopicPolicy } from '@hexbus/core';
import { createMemoryHistory } from '@hexbus/store-memory';
import { describe, expect, test } from 'vitest';
import { thrownBy, useBuses } from './support/buses.ts';

const { open } = useBuses();

/** Options that a program without types may pass. */
const untyped = (options: object): BusOptions => options as BusOptions;

describe('createBus refuses, naming the field:', () => {
  test.each<[string, object]>([
    ['maxBodyBytes', { maxBodyBytes: 0 }],
    ['maxBodyBytes', { maxBodyBytes: '10' }],
    ['maxPendingBytes', { maxPendingBytes: -1 }],
    ['maxPendingBytes', { maxPendingBytes: 1.5 }],
    ['deduplication.maxIds', { deduplication: { maxIds: -1 } }],
    ['deduplication.maxAgeMs', { deduplication: { maxAgeMs: NaN } }],
    ['trimIntervalMs', { trimIntervalMs: -5 }],
    ['closeTimeoutMs', { closeTimeoutMs: '1s' }],
    ['maxTries', { maxTries: 0 }],
    ['maxTries', { maxTries: null }],
    ['retryDelayMs', { retryDelayMs: NaN }],
    ['handleTimeoutMs', { handleTimeoutMs: -1 }],
  ])('%s of %j', (field, options) => {
    expect(thrownBy(() => createBus(untyped(options)))).toMatchObject({
      name: 'HexbusError',
      code: 'HEXBUS_CONFIG',
      message: expect.stringMatching(new RegExp(`^${field} is .+; use `)),
    });
  });

  test.each<[string, object]>([
    ['history', { history: createMemoryHistory }],
    ['history', { history: 'hexbus.db' }],
    ['history', { history: null }],
    ['deduplication', { deduplication: 5 }],
  ])('%s of %o', (field, options) => {
    expect(thrownBy(() => createBus(untyped(options)))).toMatchObject({
      code: 'HEXBUS_CONFIG',
      message: expect.stringMatching(new RegExp(`^${field} is .+; (use|pass) `)),
    });
  });

  test.each<[string, unknown]>([
    ['retain', 'always'],
    ['retain', 7],
    ['retain', true],
    ['retain', null],
    ['retain', {}],
    ['retain.maxCount', { maxCount: 0 }],
    ['retain.maxCount', { maxCount: 1.5 }],
    ['retain.maxCount', { maxCount: '5' }],
    ['retain.maxAgeMs', { maxAgeMs: -1 }],
    ['retain.maxAgeMs', { maxCount: 1, maxAgeMs: NaN }],
    ['retain.until', { until: 'read' }],
    ['retain.overflow', { until: 'handled', overflow: 'drop-newest' }],
    ['retain.maxCount', { until: 'handled', maxCount: -1 }],
    ['retain.maxAgeMs', { until: 'handled', maxAgeMs: 'long' }],
  ])('topics["order.>"].%s of %j', (field, retain) => {
    const topics = { 'order.>': { retain } as TopicPolicy };
    expect(thrownBy(() => createBus({ history: createMemoryHistory(), topics }))).toMatchObject({
      code: 'HEXBUS_CONFIG',
      message: expect.stringContaining(`topics["order.>"].${field} `),
    });
  });

  test.each(['', 'a..b', '>.a', 'a*', 'a b'])('a topic or pattern that is none: %j', (pattern) => {
    expect(thrownBy(() => createBus({ topics: { [pattern]: {} } }))).toMatchObject({ code: 'HEXBUS_INVALID_TOPIC' });
  });

  test.each([{}, { '~standard': {} }, () => {}, 'string'])('a schema that is no validator: %s', (schema) => {
    const topics = { 'order.>': { schema } as unknown as TopicPolicy };
    expect(thrownBy(() => createBus({ topics }))).toMatchObject({
      code: 'HEXBUS_CONFIG',
      message: expect.stringContaining('topics["order.>"].schema'),
    });
  });

  test.each<[unknown]>([[null], [7], ['until-handled']])('a policy that is none: %s', (policy) => {
    expect(thrownBy(() => createBus(untyped({ topics: { 'order.>': policy } })))).toMatchObject({
      code: 'HEXBUS_CONFIG',
      message: expect.stringContaining('topics["order.>"]'),
    });
  });

  test('something retained without a history', () => {
    expect(thrownBy(() => createBus({ topics: { a: {}, 'b.*': { retain: { maxCount: 1 } } } }))).toMatchObject({
      code: 'HEXBUS_CONFIG',
      message: expect.stringMatching(/topics\["b\.\*"\]\.retain needs a history/),
    });
  });
});

test('createBus accepts Infinity where it means no limit, and 0 where it means at once or never', async () => {
  const { bus } = await open({
    maxBodyBytes: Infinity,
    maxPendingBytes: Infinity,
    deduplication: { maxIds: 0, maxAgeMs: Infinity },
    trimIntervalMs: Infinity,
    maxTries: Infinity,
    retryDelayMs: 0,
    handleTimeoutMs: Infinity,
    closeTimeoutMs: 0,
    topics: { 'order.>': { retain: { maxCount: Infinity } }, 'log.>': { retain: { maxAgeMs: Infinity } } },
  });
  await bus.publish('order.x', 1, { id: 'a' });
  expect(await bus.publish('order.x', 1, { id: 'a' })).toMatchObject({ duplicate: false });
});

test('busDefaults are the documented ones', () => {
  expect(busDefaults).toEqual({
    maxBodyBytes: 262_144,
    maxBodyDepth: 64,
    maxPendingBytes: 67_108_864,
    deduplication: { maxIds: 10_000, maxAgeMs: 300_000 },
    trimIntervalMs: 5_000,
    held: { maxCount: 100_000 },
    overflow: 'reject',
    from: 'now',
    maxTries: 3,
    retryDelayMs: 100,
    maxRetryDelayMs: 30_000,
    handleTimeoutMs: 60_000,
    onFailure: 'skip',
    closeTimeoutMs: 10_000,
    readLimit: 100,
    maxIterated: 10_000,
  });
});

describe('the policy of a topic', () => {
  const kinds = async (topics: Readonly<Record<string, TopicPolicy>>, ...names: string[]): Promise<boolean[]> => {
    const { bus } = await open({ topics });
    return Promise.all(names.map(async (name) => (await bus.publish(name, 1)).position !== undefined));
  };
  const kept = { retain: { maxCount: 1 } } as const;
  const none = { retain: 'none' } as const;

  test('is the one under its own name, whatever patterns come first', async () => {
    expect(await kinds({ '>': kept, 'order.*': kept, 'order.x': none }, 'order.x', 'order.y')).toEqual([false, true]);
    expect(await kinds({ '>': none, 'order.x': kept }, 'order.x', 'order.y')).toEqual([true, false]);
  });

  test('is else the first pattern that matches, in the order in which they were written', async () => {
    expect(await kinds({ 'order.*': none, 'order.>': kept }, 'order.x', 'order.x.y')).toEqual([false, true]);
    expect(await kinds({ 'order.>': kept, 'order.*': none }, 'order.x', 'order.x.y')).toEqual([true, true]);
  });

  test('is none where nothing matches, and for reserved topics under wide patterns', async () => {
    expect(await kinds({ '>': kept }, 'a', '@user.ann')).toEqual([true, false]);
    expect(await kinds({ '@user.>': kept }, 'a', '@user.ann')).toEqual([false, true]);
  });

  test('keeps maxCount for each topic, not for the pattern', async () => {
    const { bus } = await open({ topics: { 'log.>': { retain: { maxCount: 2 } } } });
    for (const topic of ['log.a', 'log.a', 'log.a', 'log.b']) await bus.publish(topic, 0);
    expect((await bus.read('log.>')).messages.map(({ topic }) => topic)).toEqual(['log.a', 'log.a', 'log.b']);
    expect(await bus.stats('log.a')).toMatchObject({ waiting: 2, dead: 0, first: 2, last: 3 });
  });

  test('may be a schema alone', async () => {
    const schema = { '~standard': { version: 1, vendor: 'test', validate: () => ({ value: 'changed' }) } } as const;
    const { bus, log } = await open({ topics: { a: { schema } } });
    bus.on('a', log.handler('on'));
    bus.emit('a', 'given');
    expect(log.take()).toEqual(['on: a "changed"']);
  });
});
