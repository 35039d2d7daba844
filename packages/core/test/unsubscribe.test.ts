import type { Subscription } from '@hexbus/core';
import { describe, expect, test } from 'vitest';
import { useBuses } from './support/buses.ts';
import { deferred } from './support/deferred.ts';

const { open, make } = useBuses();

describe('unsubscribe', () => {
  test('lets no further call start after it returned, whatever waits', async () => {
    const { bus, log, settled } = await open();
    const gate = deferred();
    const subscription = bus.subscribe('order.x', async (message) => {
      log.handler('sub')(message);
      await gate.promise;
    });
    await Promise.all([1, 2, 3].map((n) => bus.publish('order.x', n)));
    await settled();
    subscription.unsubscribe();
    gate.resolve();
    await subscription.done;
    await bus.publish('order.x', 4);
    await settled();
    expect(log.take()).toEqual(['sub: order.x#1 1']);
  });

  test('before the delivery that a publish has caused takes that back', async () => {
    const { bus, log, settled } = await open({ turns: 'manual' });
    const subscription = bus.subscribe('order.x', log.handler('sub'));
    void bus.publish('order.x', 1);
    subscription.unsubscribe();
    await settled();
    expect(log.take()).toEqual([]);
  });

  test('aborts the signal of the running call; done waits for it, and its success counts', async () => {
    const { bus, settled, log } = await open();
    const gate = deferred();
    let signal: AbortSignal | undefined;
    const subscription = bus.subscribe('order.x', (_, context) => {
      signal = context.signal;
      return gate.promise;
    });
    const receipt = await bus.publish('order.x', 1);
    await settled();
    subscription.unsubscribe();
    expect(signal).toMatchObject({ aborted: true, reason: { code: 'HEXBUS_CLOSED' } });
    void subscription.done.then(() => log.note('done'));
    await settled();
    expect(log.take()).toEqual([]);
    gate.resolve();
    await subscription.done;
    expect(subscription.cursor).toBe(receipt.cursor);
  });

  test('gives a running call that asks for its signal later one that is aborted', async () => {
    const { bus, settled } = await open();
    const gate = deferred();
    const aborted: boolean[] = [];
    const subscription = bus.subscribe('order.x', async (_, context) => {
      await gate.promise;
      aborted.push(context.signal.aborted);
    });
    await bus.publish('order.x', 1);
    await settled();
    subscription.unsubscribe();
    gate.resolve();
    await subscription.done;
    expect(aborted).toEqual([true]);
  });

  test.each(['order.x', 'mouse.moved', 'job.x'])('may be called inside the handler of %s, and again', async (topic) => {
    const { bus, log } = await open();
    const subscription: Subscription = bus.subscribe(topic, (message) => {
      log.note(String(message.body));
      subscription.unsubscribe();
      subscription.unsubscribe();
    });
    await Promise.all([bus.publish(topic, 1), bus.publish(topic, 2)]);
    await subscription.done;
    subscription.unsubscribe();
    expect([log.take(), subscription.state]).toEqual([['1'], 'ended']);
  });

  test('inside the handler lets that call count as handled', async () => {
    const { bus } = await open();
    const subscription: Subscription = bus.subscribe('order.x', () => subscription.unsubscribe());
    const { cursor } = await bus.publish('order.x', 1);
    await subscription.done;
    expect(subscription.cursor).toBe(cursor);
  });

  test('leaves the other subscriptions of the topic alone', async () => {
    const { bus, log } = await open();
    const first = bus.subscribe('order.x', log.handler('first'));
    const second = bus.subscribe('order.x', log.handler('second'));
    first.unsubscribe();
    await bus.publish('order.x', 1);
    await second.caughtUp();
    expect(log.take()).toEqual(['second: order.x#1 1']);
    expect((await bus.stats('order.x')).listeners).toBe(1);
  });

  test('before the bus is open means that nothing ever begins', async () => {
    const { bus, log, probe } = make();
    const subscription = bus.subscribe('order.x', log.handler('sub'), { from: 'earliest' });
    subscription.unsubscribe();
    await subscription.done;
    await bus.open();
    await bus.publish('order.x', 1);
    expect([log.take(), probe.calls.includes('locate')]).toEqual([[], false]);
  });

  test('while a read is under way lets nothing of it through, neither messages nor signals', async () => {
    const { bus, log, probe, settled } = await open();
    await bus.publish('order.x', 1);
    const release = probe.holdNext('read');
    const subscription = bus.subscribe('order.x', log.handler('sub'), {
      from: { after: 'other.1' },
      onReset: log.observer('reset'),
      onCaughtUp: () => log.note('caught up'),
    });
    await settled();
    expect(probe.calls.at(-1)).toBe('read');
    subscription.unsubscribe();
    release();
    await subscription.done;
    await settled();
    expect(log.take()).toEqual([]);
  });
});

describe('the option signal', () => {
  test('ends the subscription when it is aborted', async () => {
    const { bus, log } = await open();
    const controller = new AbortController();
    const subscription = bus.subscribe('order.x', log.handler('sub'), { signal: controller.signal });
    await bus.publish('order.x', 1);
    await subscription.caughtUp();
    controller.abort();
    expect(subscription.state).toBe('ended');
    await subscription.done;
    await bus.publish('order.x', 2);
    expect(log.take()).toEqual(['sub: order.x#1 1']);
  });

  test.each(['order.x', 'mouse.moved', 'job.x'])('that is aborted already lets nothing begin on %s', async (topic) => {
    const { bus, log, settled } = await open();
    const subscription = bus.subscribe(topic, log.handler('sub'), { signal: AbortSignal.abort() });
    expect(subscription.state).toBe('ended');
    await bus.publish(topic, 1);
    await settled();
    await subscription.done;
    expect(log.take()).toEqual([]);
  });

  test('is let go when the subscription ends otherwise', async () => {
    const { bus } = await open();
    const controller = new AbortController();
    const removed: string[] = [];
    const remove = controller.signal.removeEventListener.bind(controller.signal);
    controller.signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      removed.push(args[0]);
      remove(...args);
    };
    const subscription = bus.subscribe('order.x', () => {}, { signal: controller.signal });
    subscription.unsubscribe();
    await subscription.done;
    expect(removed).toEqual(['abort']);
    controller.abort();
  });
});
