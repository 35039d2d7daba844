import type { StandardSchema } from '@hexbus/core';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { rejection, thrownBy, useBuses } from './support/buses.ts';

const { open } = useBuses();

const order = z.object({
  orderId: z.string(),
  lines: z.array(z.object({ count: z.number() })).default([]),
  placed: z.iso
    .date()
    .transform((text) => text.slice(0, 4))
    .optional(),
});

const topics = {
  'order.>': { retain: { maxCount: 10 }, schema: order },
  'job.>': { retain: 'until-handled', schema: order },
  'mouse.>': { schema: order },
} as const;

describe.each(['order.x', 'job.x', 'mouse.moved'])('publish on %s', (topic) => {
  test('publishes what the schema returns: with defaults, conversions, and without what it does not know', async () => {
    const { bus } = await open({ topics });
    const bodies: unknown[] = [];
    const subscription = bus.subscribe(topic, ({ body }) => bodies.push(body));
    await bus.publish(topic, { orderId: '7', placed: '2024-05-01', extra: 1 });
    await subscription.caughtUp();
    expect(bodies).toEqual([{ orderId: '7', lines: [], placed: '2024' }]);
  });

  test('refuses a body that does not fit, naming the path and the issue, before anything happens', async () => {
    const { bus, log, batches } = await open({ topics });
    bus.subscribe(topic, log.handler('sub'));
    const error = await rejection(bus.publish(topic, { orderId: '7', lines: [{ count: 1 }, { count: 'two' }] }));
    expect(error).toMatchObject({ code: 'HEXBUS_INVALID_BODY', retryable: false });
    expect((error as Error).message).toMatch(
      new RegExp(`^body\\.lines\\[1\\]\\.count of ${topic.replace('.', '\\.')} does not fit its schema: .*number`),
    );
    expect([batches, log.take()]).toEqual([[], []]);
    expect(await rejection(bus.publish(topic, undefined))).toMatchObject({
      message: expect.stringMatching(/^body of /),
    });
  });
});

describe('emit', () => {
  test('checks and converts too, and throws for what does not fit', async () => {
    const { bus, log } = await open({ topics });
    bus.on('mouse.moved', log.handler('on'));
    expect(bus.emit('mouse.moved', { orderId: '7' })).toBe(true);
    expect(log.take()).toEqual(['on: mouse.moved {"orderId":"7","lines":[]}']);
    expect(thrownBy(() => bus.emit('mouse.moved', {}))).toMatchObject({ code: 'HEXBUS_INVALID_BODY' });
    expect(log.take()).toEqual([]);
  });

  test('checks also when nobody listens', async () => {
    const { bus } = await open({ topics });
    expect(thrownBy(() => bus.emit('mouse.moved', {}))).toMatchObject({ code: 'HEXBUS_INVALID_BODY' });
    expect(bus.emit('mouse.moved', { orderId: '7' })).toBe(false);
  });
});

function schemaOf(validate: StandardSchema['~standard']['validate']): {
  topics: Record<string, { schema: StandardSchema }>;
} {
  return { topics: { a: { schema: { '~standard': { version: 1, vendor: 'test', validate } } } } };
}

describe('a schema', () => {
  test('that answers with a promise is refused, and its rejection is not unhandled', async () => {
    for (const validate of [async () => ({ value: 1 }), () => Promise.reject(new Error('later'))]) {
      const { bus } = await open(schemaOf(validate));
      const expected = {
        code: 'HEXBUS_CONFIG',
        message: expect.stringMatching(/^schema of "a" answers with a promise/),
      };
      expect(await rejection(bus.publish('a', 1))).toMatchObject(expected);
      expect(thrownBy(() => bus.emit('a', 1))).toMatchObject(expected);
    }
  });

  test('of zod with an asynchronous check is refused too', async () => {
    const { bus } = await open({ topics: { a: { schema: z.string().refine(async () => true) } } });
    expect(await rejection(bus.publish('a', 'x'))).toMatchObject({ code: 'HEXBUS_CONFIG' });
  });

  test('that throws refuses the body, with what it threw as cause', async () => {
    const failure = new Error('broken validator');
    const { bus } = await open(
      schemaOf(() => {
        throw failure;
      }),
    );
    const expected = { code: 'HEXBUS_INVALID_BODY', cause: failure };
    expect(await rejection(bus.publish('a', 1))).toMatchObject(expected);
    expect(thrownBy(() => bus.emit('a', 1))).toMatchObject(expected);
  });

  test('that names its path in steps of the longer form is shown the same, and one without issues is refused too', async () => {
    const path = [{ key: 'items' }, 3, { key: 'name' }, Symbol('s')];
    const long = await open(schemaOf(() => ({ issues: [{ message: 'wrong', path }] })));
    expect(await rejection(long.bus.publish('a', 1))).toMatchObject({
      message: 'body.items[3].name.Symbol(s) of a does not fit its schema: "wrong"',
    });
    const none = await open(schemaOf(() => ({ issues: [] })));
    expect(await rejection(none.bus.publish('a', 1))).toMatchObject({ code: 'HEXBUS_INVALID_BODY' });
  });

  test('that returns what JSON cannot carry is found out at publish', async () => {
    const { bus } = await open({
      topics: { 'order.x': { retain: { maxCount: 1 }, schema: z.string().transform(BigInt) } },
    });
    expect(await rejection(bus.publish('order.x', '7'))).toMatchObject({
      code: 'HEXBUS_INVALID_BODY',
      message: expect.stringContaining('a bigint'),
    });
  });
});
