import type { OpenHistoryOptions } from '@hexbus/core';
import { describe, expect, test } from 'vitest';
import { heard, rejection, type TestBus, useBuses } from './support/buses.ts';
import { deferred } from './support/deferred.ts';

const { open, make } = useBuses();

/** Closes a bus whose history hangs. Closing again, which follows each test, would reject again. */
async function closeHanging({ bus, clock }: TestBus, afterMs: number): Promise<unknown> {
  const closing = heard(bus.close());
  let settled = false;
  const note = (): void => {
    settled = true;
  };
  closing.then(note, note);
  await clock.advance(afterMs - 1);
  expect(settled, 'closed too early').toBe(false);
  await clock.advance(1);
  const error = await rejection(closing);
  expect([bus.state, clock.pendingTimers]).toEqual(['closed', 0]);
  Object.assign(bus, { close: async () => {} });
  return error;
}

const unanswered = {
  code: 'HEXBUS_OUTCOME_UNKNOWN',
  message: expect.stringMatching(/history.*publishes, settlements and cursors.*may not be committed/),
};

describe('close, when the history hangs', () => {
  test('in a write: rejects after closeTimeoutMs, and so does whatever waits for that write or the next', async () => {
    const one = await open({ closeTimeoutMs: 3000 });
    const { bus, probe, settled } = one;
    const release = probe.holdNext('write');
    const underWay = [heard(bus.publish('order.x', 1)), heard(bus.forget('n'))];
    await settled();
    const behind = [heard(bus.publish('order.x', 2)), heard(bus.requeue('job.x', [1]))];
    await settled();
    expect(await closeHanging(one, 3000)).toMatchObject(unanswered);
    for (const call of [...underWay, ...behind]) expect(await rejection(call)).toMatchObject(unanswered);
    expect(probe.calls.at(-1)).toBe('close');
    const { length } = probe.calls;
    release();
    await settled();
    expect(probe.calls).toHaveLength(length);
  });

  test('gives the history the same time again after the handlers', async () => {
    const one = await open({ closeTimeoutMs: 3000 });
    const { bus, probe, settled } = one;
    const gate = deferred();
    bus.subscribe('order.x', () => gate.promise);
    await bus.publish('order.x', 1);
    await settled();
    const release = probe.holdNext('write');
    const publishing = heard(bus.publish('order.x', 2));
    expect(await closeHanging(one, 6000)).toMatchObject(unanswered);
    expect(await rejection(publishing)).toMatchObject(unanswered);
    gate.resolve();
    release();
  });

  test.each(['read', 'loadCursor', 'locate'] as const)(
    'in %s: the subscription that waits for it is done',
    async (call) => {
      const { bus, probe, settled, clock } = await open({ closeTimeoutMs: 3000 });
      await bus.publish('order.x', 1);
      const release = probe.holdNext(call);
      const start = call === 'read' ? { after: 'other.1' } : 'earliest';
      const { done } = bus.subscribe('order.x', () => {}, {
        from: start,
        ...(call === 'loadCursor' ? { name: 'n' } : {}),
      });
      await settled();
      expect(probe.calls.at(-1)).toBe(call);
      const closing = bus.close();
      await clock.advance(6000);
      await closing;
      await done;
      release();
    },
  );

  test('in close: rejects, and the bus is closed', async () => {
    const one = await open({ closeTimeoutMs: 3000 });
    const gate = deferred();
    const { close } = one.probe.store;
    Object.assign(one.probe.store, { close: () => Promise.all([close(), gate.promise]) });
    expect(await closeHanging(one, 3000)).toMatchObject(unanswered);
    gate.resolve();
  });

  test('in open: rejects, and a history that opens later is closed', async () => {
    const one = make({ closeTimeoutMs: 3000 });
    const gate = deferred();
    const { open: openStore } = one.probe.store;
    Object.assign(one.probe.store, {
      open: async (options: OpenHistoryOptions) => {
        await gate.promise;
        return openStore({ ...options, signal: undefined });
      },
    });
    const opening = heard(one.bus.open());
    const subscription = one.bus.subscribe('order.x', () => {});
    expect(await closeHanging(one, 3000)).toMatchObject(unanswered);
    await subscription.done;
    gate.resolve();
    expect(await rejection(opening)).toMatchObject({ code: 'HEXBUS_CLOSED' });
    expect(one.probe.calls).toEqual(['open', 'close']);
    one.takeErrors();
  });
});
