import type { HandlerContext, Message } from '@hexbus/core';
import { describe, expect, test } from 'vitest';
import { useBuses } from './support/buses.ts';
import { deferred } from './support/deferred.ts';

const { open, make } = useBuses();

describe('on', () => {
  test('calls the listener with the message, and this set to the context', async () => {
    const { bus } = await open();
    const seen: unknown[] = [];
    function listener(this: unknown, message: Message, { attempt }: HandlerContext): void {
      seen.push([this, message.body, attempt]);
    }
    const context = { name: 'context' };
    expect(bus.on('mouse.moved', listener, context)).toBe(bus);
    bus.on('mouse.moved', listener);
    bus.emit('mouse.moved', 1);
    expect(seen).toEqual([
      [context, 1, 1],
      [undefined, 1, 1],
    ]);
    expect((seen[0] as unknown[])[0]).toBe(context);
  });

  test.each(['mouse.moved', 'order.x', 'job.x'])(
    'gives a listener of %s without context no this, on its retries neither',
    async (topic) => {
      const { bus, clock } = await open();
      const seen: unknown[] = [];
      async function listener(this: unknown, _: Message, { attempt }: HandlerContext): Promise<void> {
        seen.push(this);
        if (attempt === 1 && topic !== 'mouse.moved') throw new Error('again');
      }
      bus.on(topic, listener);
      await bus.publish(topic, 1);
      await clock.advance(1000);
      expect(new Set(seen)).toEqual(new Set([undefined]));
    },
  );

  test('begins from now, on topics of every kind', async () => {
    const { bus, log, settled } = await open();
    await bus.publish('order.x', 'before');
    await bus.publish('job.x', 'waits');
    bus.on('order.*', log.handler('order')).on('job.x', log.handler('job')).on('mouse.>', log.handler('mouse'));
    await bus.publish('order.x', 1);
    bus.emit('mouse.moved', 2);
    await settled();
    expect(log.take().sort()).toEqual(['job: job.x#2 "waits"', 'mouse: mouse.moved 2', 'order: order.x#3 1']);
  });

  test('the same listener twice is called twice', async () => {
    const { bus, log } = await open();
    const listener = log.handler('a');
    bus.on('mouse.moved', listener).on('mouse.moved', listener);
    bus.emit('mouse.moved', 1);
    expect(log.take()).toHaveLength(2);
    bus.off('mouse.moved', listener);
    expect(bus.emit('mouse.moved', 2)).toBe(false);
  });

  test('throws what subscribe throws', async () => {
    const { bus } = await open();
    expect(() => bus.on('a..b', () => {})).toThrow(expect.objectContaining({ code: 'HEXBUS_INVALID_TOPIC' }));
    expect(() => bus.on('mouse.moved', undefined as never)).toThrow(expect.objectContaining({ code: 'HEXBUS_CONFIG' }));
    expect(() => bus.once('mouse.moved', {} as never)).toThrow(expect.objectContaining({ code: 'HEXBUS_CONFIG' }));
    expect(() => bus.on('mouse.moved', 'x' as never, {})).toThrow(expect.objectContaining({ code: 'HEXBUS_CONFIG' }));
  });
});

describe('once', () => {
  test('calls the listener for one message, with this', async () => {
    const { bus } = await open();
    const seen: unknown[] = [];
    const context = {};
    bus.once(
      'mouse.*',
      function (this: unknown, { body }) {
        seen.push([this === context, body]);
      },
      context,
    );
    expect([bus.emit('mouse.moved', 1), bus.emit('mouse.moved', 2)]).toEqual([true, false]);
    expect(seen).toEqual([[true, 1]]);
  });

  test('is over before the listener runs where nothing is retained, also if it emits again or throws', async () => {
    const { bus, log, settled, takeErrors } = await open();
    bus.once('mouse.moved', (message) => {
      log.handler('once')(message);
      bus.emit('mouse.moved', 'again');
      throw new Error('no');
    });
    bus.emit('mouse.moved', 'first');
    bus.emit('mouse.moved', 'later');
    await settled();
    expect(log.take()).toEqual(['once: mouse.moved "first"']);
    expect(takeErrors()).toMatchObject([{ error: { code: 'HEXBUS_HANDLER_FAILED' } }]);
  });

  test('gives its listener a signal that is not aborted', async () => {
    const { bus, settled } = await open();
    const aborted: boolean[] = [];
    for (const topic of ['mouse.moved', 'order.x', 'job.x']) {
      bus.once(topic, (_, { signal }) => aborted.push(signal.aborted));
      await bus.publish(topic, 1);
    }
    await settled();
    expect(aborted).toEqual([false, false, false]);
  });

  test('aborts the signal of a running call when it is ended by off or close', async () => {
    const { bus } = await open({ withoutHistory: true });
    const signals: AbortSignal[] = [];
    const gate = deferred();
    const listener = async (_: Message, { signal }: HandlerContext): Promise<void> => {
      signals.push(signal);
      await gate.promise;
    };
    for (const topic of ['a', 'b']) {
      bus.once(topic, listener);
      bus.emit(topic, 1);
    }
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, false]);
    bus.off('a');
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
    const closing = bus.close();
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
    gate.resolve();
    await closing;
  });

  test.each(['order.x', 'job.x'])('on %s tries until the listener has succeeded once', async (topic) => {
    const { bus, log, clock } = await open();
    bus.once(topic, async ({ body }, { attempt }) => {
      log.note(`${body} try ${attempt}`);
      if (attempt < 3) throw new Error('no');
    });
    await Promise.all([1, 2].map((n) => bus.publish(topic, n)));
    await clock.advance(1000);
    expect(log.take()).toEqual(['1 try 1', '1 try 2', '1 try 3']);
    expect((await bus.stats(topic)).listeners).toBe(0);
  });

  test('on a retained topic takes the next message when one used up its tries', async () => {
    const { bus, log, takeErrors, clock } = await open({ maxTries: 1 });
    bus.once('order.x', ({ body }) => {
      log.note(String(body));
      if (body === 'bad') throw new Error('no');
    });
    for (const body of ['bad', 'good', 'more']) await bus.publish('order.x', body);
    await clock.advance(0);
    expect([log.take(), takeErrors().length]).toEqual([['bad', 'good'], 1]);
  });

  test('on a held topic takes one message out, and leaves the others waiting', async () => {
    const { bus, log, settled } = await open();
    await Promise.all([1, 2].map((n) => bus.publish('job.x', n)));
    bus.once('job.x', log.handler('once'));
    await settled();
    expect(log.take()).toEqual(['once: job.x#1 1']);
    expect(await bus.stats('job.x')).toMatchObject({ waiting: 1, listeners: 0 });
  });

  test('may be called before the bus is open', async () => {
    const { bus, log, settled } = make();
    bus.once('order.x', log.handler('once'));
    await bus.open();
    await Promise.all([1, 2].map((n) => bus.publish('order.x', n)));
    await settled();
    expect(log.take()).toEqual(['once: order.x#1 1']);
  });
});

describe('off', () => {
  test('ends by listener and context, by listener, or all of the filter', async () => {
    const { bus, log } = await open();
    const a = log.handler('a');
    const b = log.handler('b');
    const [one, two] = [{}, {}];
    const heard = (): string[] => {
      bus.emit('mouse.moved', 0);
      return log.take().map((line) => line[0]!);
    };
    bus.on('mouse.moved', a, one).on('mouse.moved', a, two).on('mouse.moved', b, one).once('mouse.moved', b);
    expect(bus.off('mouse.moved', a, one)).toBe(bus);
    expect(heard()).toEqual(['a', 'b', 'b']);
    bus.on('mouse.moved', a, one).off('mouse.moved', a);
    expect(heard()).toEqual(['b']);
    bus.on('mouse.*', a).once('mouse.moved', a).off('mouse.moved');
    expect(heard()).toEqual(['a']);
    bus.off('mouse.*');
    expect(heard()).toEqual([]);
  });

  test('of what is not there does nothing, and leaves what subscribe made alone', async () => {
    const { bus, log } = await open();
    const listener = log.handler('sub');
    bus.subscribe('mouse.moved', listener);
    bus
      .off('mouse.moved', listener)
      .off('mouse.moved')
      .off('never.seen')
      .off('mouse.moved', () => {}, {});
    bus.emit('mouse.moved', 1);
    expect(log.take()).toHaveLength(1);
  });

  test('inside an emit keeps the message from those it ended', async () => {
    const { bus, log } = await open();
    const later = log.handler('later');
    bus.on('mouse.moved', () => void bus.off('mouse.moved', later)).on('mouse.moved', later);
    bus.emit('mouse.moved', 1);
    expect(log.take()).toEqual([]);
  });

  test('ends a listener of a retained topic and of a held one', async () => {
    const { bus, log, settled } = await open();
    for (const topic of ['order.x', 'job.x']) bus.on(topic, log.handler('on')).off(topic);
    await Promise.all(['order.x', 'job.x'].map((topic) => bus.publish(topic, 1)));
    await settled();
    expect([log.take(), (await bus.stats('job.x')).waiting]).toEqual([[], 1]);
  });

  test('after the subscription ended otherwise is not confused by a later listener', async () => {
    const { bus, log, settled } = await open();
    const listener = log.handler('a');
    bus.once('mouse.moved', listener);
    bus.emit('mouse.moved', 1);
    await settled();
    bus.on('mouse.moved', listener);
    bus.emit('mouse.moved', 2);
    bus.off('mouse.moved', listener);
    bus.emit('mouse.moved', 3);
    expect(log.take()).toEqual(['a: mouse.moved 1', 'a: mouse.moved 2']);
  });
});
