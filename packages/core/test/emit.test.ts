import type { Message } from '@hexbus/core';
import { describe, expect, test } from 'vitest';
import { thrownBy, useBuses } from './support/buses.ts';
import { deferred } from './support/deferred.ts';

const { open, make } = useBuses();

const kinds = [
  ['with a history', {}],
  ['without a history', { withoutHistory: true }],
] as const;

describe.each(kinds)('emit %s', (_, options) => {
  test('calls the listeners before it returns, in order of subscription, and tells whether there were any', async () => {
    const { bus, log } = await open(options);
    expect(bus.emit('mouse.moved', 0)).toBe(false);
    bus.subscribe('mouse.moved', log.handler('a'));
    bus.subscribe('mouse.>', log.handler('b'));
    bus.subscribe('mouse.moved', log.handler('c'));
    bus.on('*.moved', log.handler('d'));
    expect(bus.emit('mouse.moved', { x: 1 })).toBe(true);
    expect(log.take()).toEqual(['a', 'b', 'c', 'd'].map((name) => `${name}: mouse.moved {"x":1}`));
    expect(bus.emit('mouse.left', 0)).toBe(true);
    expect(log.take()).toEqual(['b: mouse.left 0']);
    expect(bus.emit('key.down', 0)).toBe(false);
  });

  test('gives a message with id, topic and time, without a position, and the body itself', async () => {
    const { bus, clock } = await open(options);
    const seen: Message[] = [];
    bus.subscribe('mouse.moved', (message) => seen.push(message));
    const body = { x: 1, f: () => {} };
    bus.emit('mouse.moved', body);
    bus.emit('mouse.moved', body);
    const [first, second] = seen;
    expect(first).toMatchObject({ topic: 'mouse.moved', time: clock.now() });
    expect(first?.body).toBe(body);
    expect(first).not.toHaveProperty('position');
    expect(first?.id).toMatch(/./);
    expect(first?.id).toBe(first?.id);
    expect(first?.id).not.toBe(second?.id);
    expect(JSON.parse(JSON.stringify(first))).toEqual({
      id: first?.id,
      topic: 'mouse.moved',
      body: { x: 1 },
      time: clock.now(),
    });
  });

  test('a listener that throws disturbs no other, and the error observer is told', async () => {
    const { bus, log, takeErrors } = await open(options);
    const failure = new Error('broken');
    bus.subscribe('mouse.moved', log.handler('a'));
    bus.subscribe('mouse.moved', () => {
      throw failure;
    });
    bus.subscribe('mouse.moved', log.handler('c'));
    expect(bus.emit('mouse.moved', 1)).toBe(true);
    expect(log.take()).toEqual(['a: mouse.moved 1', 'c: mouse.moved 1']);
    expect(takeErrors()).toMatchObject([
      {
        error: { code: 'HEXBUS_HANDLER_FAILED', cause: failure },
        message: { topic: 'mouse.moved' },
        subscription: { filter: ['mouse.moved'] },
      },
    ]);
  });

  test('an async listener is not waited for; its rejection goes to the error observer and is never unhandled', async () => {
    const { bus, takeErrors, settled } = await open(options);
    const gate = deferred();
    const failure = new Error('later');
    let calls = 0;
    bus.subscribe('mouse.moved', async () => {
      calls += 1;
      await gate.promise;
      throw failure;
    });
    bus.emit('mouse.moved', 1);
    bus.emit('mouse.moved', 2);
    expect(calls).toBe(2);
    gate.resolve();
    await settled();
    expect(takeErrors().map(({ error }) => (error as Error).cause)).toEqual([failure, failure]);
  });

  test('goes to those who listened when it began: not to one that subscribes, nor to one that ends meanwhile', async () => {
    const { bus, log } = await open(options);
    bus.subscribe('mouse.moved', (message) => {
      log.handler('a')(message);
      if (message.body !== 1) return;
      last.unsubscribe();
      bus.subscribe('mouse.moved', log.handler('new'));
    });
    bus.subscribe('mouse.moved', log.handler('b'));
    const last = bus.subscribe('mouse.moved', log.handler('last'));
    bus.emit('mouse.moved', 1);
    expect(log.take()).toEqual(['a: mouse.moved 1', 'b: mouse.moved 1']);
    bus.emit('mouse.moved', 2);
    expect(log.take()).toEqual(['a: mouse.moved 2', 'b: mouse.moved 2', 'new: mouse.moved 2']);
  });

  test('a listener that ends itself, or one before it, makes nobody miss the message', async () => {
    const { bus, log } = await open(options);
    const first = bus.subscribe('mouse.moved', log.handler('first'));
    const second = bus.subscribe('mouse.moved', (message) => {
      log.handler('second')(message);
      first.unsubscribe();
      second.unsubscribe();
    });
    bus.subscribe('mouse.moved', log.handler('third'));
    bus.emit('mouse.moved', 1);
    expect(log.take()).toEqual(['first', 'second', 'third'].map((name) => `${name}: mouse.moved 1`));
    bus.emit('mouse.moved', 2);
    expect(log.take()).toEqual(['third: mouse.moved 2']);
  });

  test('inside a listener is handed on before the outer one goes on', async () => {
    const { bus, log } = await open(options);
    bus.subscribe('a', (message) => {
      log.handler('first')(message);
      bus.emit('b', 2);
    });
    bus.subscribe('b', log.handler('nested'));
    bus.subscribe('a', log.handler('second'));
    bus.emit('a', 1);
    expect(log.take()).toEqual(['first: a 1', 'nested: b 2', 'second: a 1']);
  });

  test('reaches a subscription once, also if several entries of its filter match', async () => {
    const { bus, log } = await open(options);
    bus.subscribe(['mouse.moved', 'mouse.*', '>', 'mouse.moved'], log.handler('once'));
    bus.emit('mouse.moved', 1);
    expect(log.take()).toEqual(['once: mouse.moved 1']);
  });

  test('reserved topics are reached only by patterns that write the first token out', async () => {
    const { bus, log } = await open(options);
    bus.subscribe(['>', '*', '*.ann', '*.>'], log.handler('wide'));
    bus.subscribe('@user.*', log.handler('users'));
    bus.subscribe('@user.>', log.handler('below users'));
    bus.emit('@user.ann', 1);
    expect(log.take()).toEqual(['users: @user.ann 1', 'below users: @user.ann 1']);
  });

  test('refuses patterns and what is no topic, by throwing', async () => {
    const { bus } = await open(options);
    for (const topic of ['mouse.*', '>', '', 'a b', undefined as unknown as string]) {
      expect(thrownBy(() => bus.emit(topic, 1))).toMatchObject({ code: 'HEXBUS_INVALID_TOPIC' });
    }
  });
});

describe('emit and publish', () => {
  test('emit on a retained topic is refused, since it would pass the history by', async () => {
    const { bus, log } = await open();
    bus.subscribe('>', log.handler('all'));
    for (const topic of ['order.x', 'job.x']) {
      expect(thrownBy(() => bus.emit(topic, 1))).toMatchObject({
        code: 'HEXBUS_RETAINED',
        message: expect.stringContaining('use publish'),
      });
    }
    expect(log.take()).toEqual([]);
  });

  test('emit works before a bus with a history is open', async () => {
    const { bus, log } = make();
    bus.subscribe('mouse.moved', log.handler('a'));
    expect(bus.emit('mouse.moved', 1)).toBe(true);
    expect(log.take()).toEqual(['a: mouse.moved 1']);
  });

  test.each(kinds)('publish on a topic that is not retained calls the listeners like emit, %s', async (_, options) => {
    const { bus, log, batches } = await open(options);
    bus.subscribe('mouse.moved', log.handler('a'));
    const publishing = bus.publish('mouse.moved', 1, { id: 'mine', type: 'Moved', sender: 'me', headers: { h: '1' } });
    expect(log.take()).toEqual(['a: mouse.moved Moved 1']);
    expect(await publishing).toEqual({ id: 'mine', topic: 'mouse.moved', duplicate: false });
    expect((await bus.publish('mouse.moved', 2, { id: 'mine' })).duplicate).toBe(false);
    expect(log.take()).toEqual(['a: mouse.moved 2']);
    expect(batches).toEqual([]);
  });

  test('what publish was given beside the body reaches the listeners of a topic that is not retained', async () => {
    const { bus } = await open();
    const seen: unknown[] = [];
    bus.subscribe('mouse.moved', (message) => seen.push(JSON.parse(JSON.stringify(message))));
    const options = { id: 'm', type: 'Moved', sender: 'me', headers: { h: '1' } };
    await bus.publish('mouse.moved', { x: 1 }, options);
    expect(seen).toMatchObject([{ ...options, topic: 'mouse.moved', body: { x: 1 } }]);
  });

  test('the context of a listener says attempt 1, and its signal is aborted when the subscription ends', async () => {
    const { bus } = await open();
    const contexts: { attempt: number; signal: AbortSignal }[] = [];
    const subscription = bus.subscribe('mouse.moved', (_, context) => contexts.push(context));
    bus.emit('mouse.moved', 1);
    const [context] = contexts;
    expect(context).toMatchObject({ attempt: 1, signal: { aborted: false } });
    subscription.unsubscribe();
    expect(context?.signal.aborted).toBe(true);
  });

  test('done waits for the running calls of an async listener', async () => {
    const { bus, settled, log } = await open();
    const gate = deferred();
    const subscription = bus.subscribe('mouse.moved', () => gate.promise);
    bus.emit('mouse.moved', 1);
    subscription.unsubscribe();
    void subscription.done.then(() => log.note('done'));
    await settled();
    expect(log.take()).toEqual([]);
    gate.resolve();
    await subscription.done;
    expect(log.take()).toEqual(['done']);
  });
});
