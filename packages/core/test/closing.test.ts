import { HexbusError } from '@hexbus/core';
import { describe, expect, test } from 'vitest';
import { heard, rejection, useBuses } from './support/buses.ts';
import { deferred } from './support/deferred.ts';

const { open, make } = useBuses();

describe('close', () => {
  test('is idempotent: one promise, one closing of the history', async () => {
    const { bus, probe } = await open();
    const closing = bus.close();
    expect([bus.state, bus.close()]).toEqual(['closing', closing]);
    await closing;
    expect([bus.state, bus.close()]).toEqual(['closed', closing]);
    expect(probe.calls.filter((call) => call === 'close')).toHaveLength(1);
  });

  test('of a bus that was never opened does not touch the history', async () => {
    const { bus, probe } = make();
    const subscription = bus.subscribe('order.x', () => {});
    await bus.close();
    await subscription.done;
    expect([bus.state, subscription.state, probe.calls.includes('open')]).toEqual(['closed', 'ended', false]);
  });

  test('writes what was published before, and refuses what is published after', async () => {
    const { bus, probe } = await open();
    const before = [bus.publish('order.x', 1), bus.publish('order.x', 2)];
    const closing = bus.close();
    expect(await rejection(bus.publish('order.x', 3))).toMatchObject({ code: 'HEXBUS_CLOSED' });
    expect((await Promise.all(before)).map(({ position }) => position)).toEqual([1, 2]);
    await closing;
    expect(probe.calls.slice(-2)).toEqual(['write', 'close']);
  });

  test('ends all subscriptions: none starts a further call, also for what was written while closing', async () => {
    const { bus, log, settled } = await open();
    const subscriptions = ['order.x', 'job.x'].map((topic) => bus.subscribe(topic, log.handler('sub')));
    const publishing = ['order.x', 'job.x'].map((topic) => bus.publish(topic, 1));
    await bus.close();
    await Promise.all(publishing);
    await settled();
    expect([log.take(), subscriptions.map(({ state }) => state)]).toEqual([[], ['ended', 'ended']]);
    await expect(bus.stats('order.x')).rejects.toMatchObject({ code: 'HEXBUS_CLOSED' });
  });

  test('gives running handlers their signal, and waits for them', async () => {
    const { bus, settled, log } = await open();
    const gates = { 'order.x': deferred(), 'job.x': deferred(), 'mouse.moved': deferred() };
    const topics = Object.keys(gates) as (keyof typeof gates)[];
    for (const topic of topics) {
      bus.subscribe(topic, async (_, { signal }) => {
        signal.addEventListener('abort', () => log.note(`${topic} is told`));
        await gates[topic].promise;
        log.note(`${topic} ends`);
      });
      await bus.publish(topic, 1);
    }
    await settled();
    const closing = bus.close().then(() => log.note('closed'));
    await settled();
    expect(log.take().sort()).toEqual([...topics].sort().map((topic) => `${topic} is told`));
    for (const topic of topics) {
      gates[topic].resolve();
      await settled();
    }
    await closing;
    expect(log.take()).toEqual([...topics.map((topic) => `${topic} ends`), 'closed']);
  });

  test('lets a running handler publish, and counts its success', async () => {
    const { bus, settled, batches, probe } = await open();
    const gate = deferred();
    bus.subscribe('job.x', async () => {
      await gate.promise;
      await bus.publish('order.result', 'from the handler');
      bus.emit('mouse.moved', 1);
    });
    await bus.publish('job.x', 1);
    await settled();
    const closing = bus.close();
    gate.resolve();
    await closing;
    expect(batches.flatMap(({ append }) => append.map(({ topic }) => topic))).toEqual(['job.x', 'order.result']);
    expect(batches.flatMap(({ settle }) => settle)).toEqual([{ outcome: 'handled', topic: 'job.x', position: 1 }]);
    expect(probe.calls.at(-1)).toBe('close');
  });

  test('retries nothing and settles nothing as failed', async () => {
    const { bus, settled, batches, log } = await open();
    const gate = deferred();
    bus.subscribe(
      'job.x',
      async (_, { attempt }) => {
        log.note(`try ${attempt}`);
        await gate.promise;
      },
      { maxTries: 1 },
    );
    await bus.publish('job.x', 1);
    await settled();
    const closing = bus.close();
    gate.reject(new Error('interrupted'));
    await closing;
    expect([log.take(), batches.flatMap(({ settle }) => settle)]).toEqual([['try 1'], []]);
  });

  test('ends a pause between two tries at once', async () => {
    const { bus, settled, log } = await open();
    for (const topic of ['order.x', 'job.x']) {
      bus.subscribe(topic, () => {
        log.note(topic);
        throw new Error('no');
      });
      await bus.publish(topic, 1);
    }
    await settled();
    await bus.close();
    expect(log.take()).toEqual(['order.x', 'job.x']);
  });

  test('commits the cursor of a durable name that a running handler moves', async () => {
    const { bus, settled, batches } = await open();
    const gate = deferred();
    bus.subscribe('order.x', () => gate.promise, { name: 'n' });
    await bus.publish('order.x', 1);
    await settled();
    const closing = bus.close();
    gate.resolve();
    await closing;
    expect(batches.at(-1)?.commitCursors).toMatchObject([{ name: 'n', position: 1 }]);
  });

  test('waits at most closeTimeoutMs; what still runs then settles nothing', async () => {
    const { bus, settled, clock, batches, log } = await open({ closeTimeoutMs: 3000 });
    const gate = deferred();
    for (const topic of ['order.x', 'job.x', 'mouse.moved']) {
      bus.subscribe(topic, () => gate.promise, topic === 'order.x' ? { name: 'n' } : {});
      await settled();
      await bus.publish(topic, 1);
    }
    await settled();
    const writes = batches.length;
    const closing = bus.close().then(() => log.note('closed'));
    await clock.advance(2999);
    expect(log.take()).toEqual([]);
    await clock.advance(1);
    await closing;
    gate.resolve();
    await settled();
    expect(batches.slice(writes).flatMap(({ settle, commitCursors }) => [...settle, ...commitCursors])).toEqual([]);
    expect(await rejection(bus.publish('order.x', 2))).toMatchObject({ code: 'HEXBUS_CLOSED' });
  });

  test('waits for ever with closeTimeoutMs Infinity', async () => {
    const { bus, settled, clock, log } = await open({ closeTimeoutMs: Infinity });
    const gate = deferred();
    bus.subscribe('order.x', () => gate.promise, { handleTimeoutMs: Infinity });
    await bus.publish('order.x', 1);
    await settled();
    const closing = bus.close().then(() => log.note('closed'));
    await clock.advance(1_000_000_000);
    expect(log.take()).toEqual([]);
    gate.resolve();
    await closing;
  });

  test.each(['order.x', 'job.x', 'mouse.moved'])('may be called inside a handler of %s', async (topic) => {
    const { bus } = await open();
    const ended = deferred<Promise<void>>();
    bus.subscribe(topic, () => ended.resolve(bus.close()));
    await bus.publish(topic, 1);
    await ended.promise;
    expect(bus.state).toBe('closed');
  });

  test('that is awaited inside a handler ends after closeTimeoutMs', async () => {
    const { bus, settled, clock, log } = await open();
    bus.subscribe('order.x', async () => {
      await bus.close();
      log.note('the handler goes on');
    });
    await bus.publish('order.x', 1);
    await settled();
    await clock.advance(10_000);
    expect([log.take(), bus.state]).toEqual([['the handler goes on'], 'closed']);
  });

  test('while the bus opens gives up opening, and closes the history', async () => {
    const { bus, probe, log, settled, takeErrors } = make();
    const release = probe.holdNext('open');
    const opening = heard(bus.open());
    const subscription = bus.subscribe('order.x', log.handler('sub'));
    await settled();
    const closing = bus.close();
    expect(bus.state).toBe('closing');
    release();
    await closing;
    expect(await rejection(opening)).toMatchObject({ code: 'HEXBUS_CLOSED' });
    await subscription.done;
    expect([bus.state, probe.calls]).toEqual(['closed', ['open', 'close']]);
    takeErrors();
  });

  test('rejects if the history cannot be closed, and the bus is closed nevertheless', async () => {
    const { bus, probe, clock } = await open();
    const broken = new HexbusError('HEXBUS_HISTORY_FAILED', 'cannot flush');
    const { close } = probe.store;
    Object.assign(probe.store, { close: () => close().then(() => Promise.reject(broken)) });
    expect(await rejection(bus.close())).toBe(broken);
    expect([bus.state, clock.pendingTimers]).toEqual(['closed', 0]);
    // What follows each test closes the bus again, and this promise is always the same.
    Object.assign(bus, { close: async () => {} });
  });

  test('is what await using does', async () => {
    const { bus } = await open();
    {
      await using used = bus;
      await used.publish('order.x', 1);
    }
    expect(bus.state).toBe('closed');
  });

  test('leaves nobody listening', async () => {
    const { bus, log } = await open();
    bus.on('mouse.moved', log.handler('on'));
    bus.observe('published', log.observer('observer'));
    await bus.close();
    for (const call of [() => bus.emit('mouse.moved', 1), () => bus.emit('order.x', 1)]) {
      expect(call).toThrow(expect.objectContaining({ code: 'HEXBUS_CLOSED' }));
    }
    expect(log.take()).toEqual([]);
  });

  test('while a write fails ends well, and the publishes hear of it', async () => {
    const { bus, probe, batches } = await open();
    const broken = new HexbusError('HEXBUS_HISTORY_FAILED', 'no');
    probe.failNext('write', broken);
    const publishing = heard(bus.publish('order.x', 1));
    await bus.close();
    expect(await rejection(publishing)).toBe(broken);
    expect(batches).toEqual([]);
  });

  test('does not wait for ever for a settlement that the history keeps refusing', async () => {
    const { bus, probe, settled, clock, takeErrors } = await open();
    for (let n = 0; n < 50; n++)
      probe.failNext('write', new HexbusError('HEXBUS_HISTORY_BUSY', 'later', { retryable: true }));
    bus.subscribe('job.x', () => {});
    bus.subscribe('order.x', () => {}, { name: 'n' });
    await settled();
    const closing = bus.close();
    await clock.advance(10_000);
    await closing;
    expect(bus.state).toBe('closed');
    takeErrors();
  });
});
