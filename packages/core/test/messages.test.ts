import { busDefaults, type Message } from '@hexbus/core';
import { describe, expect, test } from 'vitest';
import { rejection, useBuses } from './support/buses.ts';

const { open, make } = useBuses();

async function bodyOf(next: Promise<IteratorResult<Message>>): Promise<unknown> {
  const { done, value } = await next;
  return done === true ? 'done' : value.body;
}

describe('messages()', () => {
  test('gives what a subscription would, one after the other, and goes on with what comes', async () => {
    const { bus } = await open();
    await Promise.all([1, 2].map((n) => bus.publish('order.x', n)));
    const bodies: unknown[] = [];
    for await (const message of bus.messages('order.>', { from: 'earliest' })) {
      bodies.push(message.body);
      if (message.body === 2) void bus.publish('order.y', 3);
      if (message.body === 3) break;
    }
    expect(bodies).toEqual([1, 2, 3]);
    expect((await bus.stats('order.x')).listeners).toBe(0);
  });

  test('settles a message when the next one is asked for, and not before', async () => {
    const { bus, settled, log } = await open();
    bus.observe('delivered', log.observer('delivered'));
    const messages = bus.messages('order.x');
    const first = messages.next();
    await Promise.all([1, 2].map((n) => bus.publish('order.x', n)));
    expect(await bodyOf(first)).toBe(1);
    await settled();
    expect(log.take()).toEqual([]);
    expect(await bodyOf(messages.next())).toBe(2);
    expect(log.take()).toHaveLength(1);
    await messages.return?.();
    expect(log.take()).toEqual([]);
  });

  test('does not settle the message with which the loop was left: under a name it comes again', async () => {
    const { bus } = await open();
    await Promise.all(['a', 'b', 'c'].map((body) => bus.publish('order.x', body)));
    const rounds: unknown[] = [];
    for (const round of [1, 2]) {
      for await (const { body } of bus.messages('order.x', { from: 'earliest', name: 'n' })) {
        rounds.push([round, body]);
        if (body === 'b') break;
      }
    }
    expect(rounds).toEqual([
      [1, 'a'],
      [1, 'b'],
      [2, 'b'],
    ]);
  });

  test('nor the one at which the loop threw', async () => {
    const { bus, log } = await open();
    await bus.publish('job.x', 1);
    const failure = new Error('in the loop');
    const looping = async (): Promise<void> => {
      for await (const _ of bus.messages('job.x')) throw failure;
    };
    expect(await rejection(looping())).toBe(failure);
    expect(await bus.stats('job.x')).toMatchObject({ waiting: 1, dead: 0, listeners: 0 });
    await bus.subscribe('job.x', log.handler('next')).caughtUp();
    expect(log.take()).toEqual(['next: job.x#1 1']);
  });

  test('return before the first message ends the subscription, and what is asked for later is done', async () => {
    const { bus } = await open();
    const messages = bus.messages('order.x');
    expect(await messages.return?.()).toEqual({ done: true, value: undefined });
    expect(await messages.next()).toEqual({ done: true, value: undefined });
    expect((await bus.stats('order.x')).listeners).toBe(0);
    expect(await messages.return?.()).toEqual({ done: true, value: undefined });
  });

  test('return while a next waits ends that too', async () => {
    const { bus } = await open();
    const messages = bus.messages('order.x');
    const waiting = messages.next();
    await messages.return?.();
    expect(await waiting).toEqual({ done: true, value: undefined });
  });

  test('several next calls at once are answered in order', async () => {
    const { bus } = await open();
    const messages = bus.messages('order.x');
    const answers = [messages.next(), messages.next(), messages.next()];
    await Promise.all([1, 2, 3].map((n) => bus.publish('order.x', n)));
    expect(await Promise.all(answers.map(bodyOf))).toEqual([1, 2, 3]);
    await messages.return?.();
  });

  test('has no time limit for the work between two messages, unless it is given one', async () => {
    const { bus, clock, takeErrors } = await open();
    const patient = bus.messages('order.x');
    const hasty = bus.messages('order.x', { handleTimeoutMs: 1000, maxTries: 1 });
    const firsts = [patient.next(), hasty.next()];
    await bus.publish('order.x', 1);
    await Promise.all(firsts);
    await clock.advance(10_000_000);
    expect(takeErrors()).toMatchObject([{ error: { cause: { code: 'HEXBUS_HANDLER_TIMEOUT' } } }]);
    await Promise.all([patient.return?.(), hasty.return?.()]);
  });

  test('ends when the bus closes, also while it waits and while a message is with the consumer', async () => {
    const { bus } = await open();
    const waiting = bus.messages('order.y').next();
    const bodies: unknown[] = [];
    const looping = (async () => {
      for await (const { body } of bus.messages('order.x')) {
        bodies.push(body);
        void bus.close();
      }
    })();
    await Promise.all([1, 2].map((n) => bus.publish('order.x', n)));
    await looping;
    expect(bodies).toEqual([1]);
    expect(await bodyOf(waiting)).toBe('done');
    await bus.close();
  });

  test('gives nothing any more that was not asked for before it ended', async () => {
    const { bus, settled } = await open();
    const controller = new AbortController();
    const messages = bus.messages('order.x', { from: 'earliest', signal: controller.signal });
    await bus.publish('order.x', 1);
    await settled();
    controller.abort();
    await settled();
    expect(await bodyOf(messages.next())).toBe('done');
  });

  test('may be asked for before the bus is open', async () => {
    const { bus } = make();
    const messages = bus.messages('order.x');
    const first = messages.next();
    await bus.open();
    await bus.publish('order.x', 1);
    expect(await bodyOf(first)).toBe(1);
    await messages.return?.();
  });

  test('rejects with the error of a subscription that failed', async () => {
    const { bus, takeErrors } = await open();
    const named = bus.messages('order.x', { name: 'n' });
    const first = named.next();
    await bus.publish('order.x', 1);
    await first;
    await named.return?.();
    const failing = bus.messages('order.y', { name: 'n' });
    expect(await rejection(failing.next())).toMatchObject({ code: 'HEXBUS_NAME_FILTER' });
    expect(await rejection(failing.next())).toMatchObject({ code: 'HEXBUS_NAME_FILTER' });
    expect(takeErrors()).toHaveLength(1);
  });

  test('throws at once what subscribe would throw', async () => {
    const { bus } = await open();
    expect(() => bus.messages('a..b')).toThrow(expect.objectContaining({ code: 'HEXBUS_INVALID_TOPIC' }));
    expect(() => bus.messages('mouse.moved', { from: 'earliest' })).toThrow(
      expect.objectContaining({ code: 'HEXBUS_NOT_RETAINED' }),
    );
  });

  test('of a topic that is not retained gives each message emitted, and leaving it is no failure', async () => {
    const { bus, settled } = await open();
    const messages = bus.messages('mouse.moved');
    for (const n of [1, 2, 3]) bus.emit('mouse.moved', n);
    expect(await bodyOf(messages.next())).toBe(1);
    expect(await bodyOf(messages.next())).toBe(2);
    await messages.return?.();
    await settled();
    expect(bus.emit('mouse.moved', 4)).toBe(false);
  });

  test('of a topic that is not retained keeps 10,000 for a slow consumer; what comes beyond is told to the error observer', async () => {
    const { bus, settled, takeErrors } = await open();
    const messages = bus.messages(['mouse.moved', 'order.x']);
    await bus.publish('order.x', 'kept');
    await settled();
    for (let n = 1; n <= busDefaults.maxIterated + 1; n++) bus.emit('mouse.moved', n);
    await settled();
    expect(takeErrors()).toMatchObject([
      {
        error: { code: 'HEXBUS_HANDLER_FAILED', cause: { code: 'HEXBUS_OVERLOADED' } },
        message: { topic: 'mouse.moved' },
      },
      { error: { cause: { code: 'HEXBUS_OVERLOADED' } } },
    ]);
    for (const body of ['kept', 1, 2]) expect(await bodyOf(messages.next())).toBe(body);
    bus.emit('mouse.moved', 'room again');
    expect(takeErrors()).toEqual([]);
    await messages.return?.();
  });

  test('is its own iterator', async () => {
    const { bus } = await open();
    const messages = bus.messages('order.x');
    expect(messages[Symbol.asyncIterator]()).toBe(messages);
    await messages.return?.();
  });
});
