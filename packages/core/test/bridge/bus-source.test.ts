import { createMessageBridge, type MessageSource } from '@hexbus/core';
import { expect, onTestFinished, test } from 'vitest';
import { type TestBus, useBuses } from '../support/buses.ts';

const { open } = useBuses();

async function two(): Promise<{ readonly from: TestBus; readonly to: TestBus; settled(): Promise<void> }> {
  const [from, to] = [await open(), await open()];
  return {
    from,
    to,
    async settled() {
      for (let round = 0; round < 3; round++) {
        await from.settled();
        await to.settled();
      }
    },
  };
}

test('a bus is a source as it is: topics that are retained, held or neither, in order', async () => {
  const { from, to, settled } = await two();
  const bridge = createMessageBridge(to.bus, {
    source: from.bus,
    messages: [
      { type: 'order.created', topic: 'job.order', saveHistory: true },
      { type: 'job.x', topic: 'job.order', saveHistory: true },
      { type: 'mouse', topic: 'mouse' },
    ],
  });
  await bridge.open();
  to.bus.subscribe('mouse', to.log.handler('mouse'));
  from.bus.emit('mouse', 1);
  await from.bus.publish('order.created', 2, { sender: 'ann' });
  await from.bus.publish('job.x', 3);
  await settled();
  to.bus.subscribe('job.order', ({ type, body, sender }) => to.log.note(`${type} ${body} ${sender}`));
  await settled();
  expect(to.log.take()).toEqual(['mouse: mouse mouse 1', 'order.created 2 ann', 'job.x 3 undefined']);
  expect(await from.bus.stats('job.x')).toMatchObject({ waiting: 0 });

  await bridge.close();
  expect((await from.bus.stats('order.created')).listeners).toBe(0);
  expect((await from.bus.stats('mouse')).listeners).toBe(0);
  await from.bus.publish('job.x', 4);
  await settled();
  expect(await from.bus.stats('job.x')).toMatchObject({ waiting: 1 });
});

test('topics that meet in one topic may use the same ids; what comes twice is still there once', async () => {
  const { from, to, settled } = await two();
  const bridge = createMessageBridge(to.bus, {
    source: from.bus,
    messages: [
      { type: 'order.created', topic: 'job.order', saveHistory: true },
      { type: 'order.paid', topic: 'job.order', saveHistory: true },
    ],
  });
  onTestFinished(() => bridge.close());
  await bridge.open();
  await from.bus.publish('order.created', 'created 7', { id: '7' });
  await from.bus.publish('order.paid', 'paid 7', { id: '7' });
  await settled();
  to.bus.subscribe('job.order', ({ id, body }) => to.log.note(`${id} ${body}`));
  await settled();
  expect(to.log.take()).toEqual(['["order.created","7"] created 7', '["order.paid","7"] paid 7']);
});

test('a held message of the source is handled only when it is safely in the other bus, and tried again until then', async () => {
  const { from, to, settled } = await two();
  const bridge = createMessageBridge(to.bus, {
    source: from.bus,
    messages: [{ type: 'job.x', topic: 'job.y', saveHistory: true }],
  });
  onTestFinished(() => bridge.close());
  const errors: unknown[] = [];
  bridge.observe('error', ({ error }) => errors.push(error));
  await bridge.open();
  const failing = async (cause: () => unknown): Promise<void> => {
    to.onNextWrite(() => Promise.reject(new Error('planted')));
    await cause();
    await settled();
    expect(await from.bus.stats('job.x')).toMatchObject({ waiting: 1, dead: 0 });
  };
  await failing(() => from.bus.publish('job.x', 1));
  for (const pauseMs of [100, 200, 400, 800]) await failing(() => from.clock.advance(pauseMs));
  expect(errors).toMatchObject(Array(5).fill({ code: 'HEXBUS_OUTCOME_UNKNOWN' }));
  await from.clock.advance(1_600);
  await settled();
  expect(await from.bus.stats('job.x')).toMatchObject({ waiting: 0 });
  expect(await to.bus.stats('job.y')).toMatchObject({ waiting: 1 });
});

test('a subscription with a name is a source that goes on where it was', async () => {
  const { from, to, settled } = await two();
  const durable: MessageSource = {
    on(type, handler) {
      const durably = { name: `bridge of ${type}`, from: 'earliest', maxTries: Infinity } as const;
      const subscription = from.bus.subscribe(type, handler, durably);
      return () => subscription.unsubscribe();
    },
  };
  await from.bus.publish('order.created', 1);
  const messages = [{ type: 'order.created', topic: 'job.order', saveHistory: true }];
  for (const n of [2, 3]) {
    const bridge = createMessageBridge(to.bus, { source: durable, messages });
    await bridge.open();
    await settled();
    await bridge.close();
    await settled();
    await from.bus.publish('order.created', n);
  }
  const last = createMessageBridge(to.bus, { source: durable, messages });
  await last.open();
  await settled();
  await last.close();
  to.bus.subscribe('job.order', ({ body }) => to.log.note(String(body)));
  await settled();
  expect(to.log.take()).toEqual(['1', '2', '3']);
});
