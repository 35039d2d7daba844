import { createBus, createMessageBridge, type MessageSource } from '@hexbus/core';
import { describe, expect, test } from 'vitest';
import { type BusInternals, busInternals } from '../../src/bus/internals.ts';
import { rejection, useBuses } from '../support/buses.ts';
import { deferred } from '../support/deferred.ts';
import { useBridges } from './bridges.ts';
import { createFakeSource } from './fake-source.ts';

const open = useBridges();
const buses = useBuses();

const hint = [{ type: 'Hint', topic: 'hint' }];

describe('open', () => {
  test('is the same promise each time, and takes messages from then on', async () => {
    const source = createFakeSource();
    const bridge = createMessageBridge(createBus(), { source, messages: hint });
    expect([bridge.state, source.handlers]).toEqual(['idle', 0]);
    const opening = bridge.open();
    expect([bridge.state, source.handlers]).toEqual(['open', 1]);
    expect(bridge.open()).toBe(opening);
    await opening;
    await bridge.close();
  });

  test('does not wait for the bus: the source is told to hand over again what comes before that is open', async () => {
    const { bus, settled } = buses.make();
    const source = createFakeSource();
    const messages = [{ type: 'Step', topic: 'job.step', saveHistory: true }];
    const ended: unknown[] = [];
    const bridge = createMessageBridge(bus, {
      source,
      messages,
      afterPublish: (_, body) => ended.push(body),
    });
    await bridge.open();
    expect(await rejection(source.say('Step', 1))).toMatchObject({ code: 'HEXBUS_NOT_OPEN' });
    bus.subscribe('job.step', () => undefined);
    await bus.open();
    await source.say('Step', 1);
    await settled();
    expect(ended).toEqual([1]);
    await bridge.close();
  });

  test('of a bridge to a bus that is closed is refused, and leaves the bridge closed', async () => {
    const bus = createBus();
    await bus.close();
    const source = createFakeSource();
    const bridge = createMessageBridge(bus, { source, messages: hint });
    expect(await rejection(bridge.open())).toMatchObject({ code: 'HEXBUS_CLOSED' });
    expect([bridge.state, source.handlers]).toEqual(['closed', 0]);
  });

  test('of a bridge that was closed is refused', async () => {
    const bridge = createMessageBridge(createBus(), { source: createFakeSource(), messages: hint });
    await bridge.close();
    expect(await rejection(bridge.open())).toMatchObject({ code: 'HEXBUS_CLOSED' });
  });

  test('fails when a source cannot be listened to, and lets go of what it had', async () => {
    const source = createFakeSource();
    const broken: MessageSource = {
      on(type, handler) {
        if (type === 'Other') throw new Error('planted');
        return source.on(type, handler);
      },
    };
    const messages = [...hint, { type: 'Other', topic: 'other' }];
    const bridge = createMessageBridge(createBus(), { source: broken, messages });
    expect(await rejection(bridge.open())).toMatchObject({ message: 'planted' });
    expect([bridge.state, source.handlers]).toEqual(['closed', 0]);
  });

  test('fails with a source that cannot be let go', async () => {
    const bus = createBus();
    const bridge = createMessageBridge(bus, { source: { on: () => undefined }, messages: hint });
    expect(await rejection(bridge.open())).toMatchObject({
      code: 'HEXBUS_CONFIG',
      message: expect.stringContaining('source'),
    });
    expect(bridge.state).toBe('closed');
  });
});

describe('close', () => {
  test('is the same promise each time, and leaves nothing behind in source or bus', async () => {
    const { bus, bridge, source } = await open();
    const closing = bridge.close();
    expect(bridge.close()).toBe(closing);
    expect(bridge.state).toBe('closing');
    await closing;
    expect([bridge.state, source.handlers]).toEqual(['closed', 0]);
    const internals = (bus as unknown as { [busInternals]: BusInternals })[busInternals];
    expect(internals.endings.size).toBe(0);
  });

  test('lets go of a source by off, where on returns nothing that ends it', async () => {
    const listeners = new Set<unknown>();
    const source: MessageSource = {
      on: (_, handler) => listeners.add(handler),
      off: (_, handler) => listeners.delete(handler),
    };
    const bridge = createMessageBridge(createBus(), { source, messages: hint });
    await bridge.open();
    expect(listeners.size).toBe(1);
    await bridge.close();
    expect(listeners.size).toBe(0);
  });

  test('waits for what is on its way into the bus, and for its end where that is near', async () => {
    const { bus, bridge, source, onNextWrite, settled, takeEnded } = await open();
    const [write, call] = [deferred(), deferred()];
    onNextWrite(async (proceed) => {
      await write.promise;
      return proceed();
    });
    bus.subscribe('hint', () => call.promise);
    const step = source.say('Step', 1);
    await source.say('Hint', 2);
    let closed = false;
    const closing = bridge.close().then(() => {
      closed = true;
    });
    await settled();
    write.resolve();
    await step;
    await settled();
    expect([closed, takeEnded()]).toEqual([false, []]);
    call.resolve();
    await closing;
    expect(takeEnded()).toMatchObject([{ body: 2, result: { status: 'handled' } }]);
    expect(await bus.stats('job.step')).toMatchObject({ waiting: 1 });
  });

  test('waits closeTimeoutMs at most; what ends later is not told', async () => {
    const { bus, bridge, clock, source, settled, takeEnded } = await open({ closeTimeoutMs: 1_000 });
    const call = deferred();
    bus.subscribe('hint', () => call.promise);
    await source.say('Hint', 1);
    const closing = bridge.close();
    await settled();
    await clock.advance(999);
    expect(bridge.state).toBe('closing');
    await clock.advance(1);
    await closing;
    call.resolve();
    await settled();
    expect(takeEnded()).toEqual([]);
  });

  test('refuses what comes meanwhile, and lets go of the source last: a client keeps it for who comes next', async () => {
    const { bus, bridge, source, settled } = await open();
    const call = deferred();
    bus.subscribe('hint', () => call.promise);
    await source.say('Hint', 1);
    const closing = bridge.close();
    await settled();
    expect(source.handlers).toBe(5);
    expect(await rejection(source.say('Step', 2))).toMatchObject({ code: 'HEXBUS_CLOSED' });
    call.resolve();
    await closing;
    expect(source.handlers).toBe(0);
    expect(await bus.stats('job.step')).toMatchObject({ waiting: 0 });
  });

  test('refuses what a source still hands over, so that it is not lost', async () => {
    let handler: Parameters<MessageSource['on']>[1] | undefined;
    const source: MessageSource = {
      on(_, given) {
        handler = given;
        return () => undefined;
      },
    };
    const bridge = createMessageBridge(createBus(), { source, messages: hint });
    await bridge.open();
    const closing = bridge.close();
    expect(await rejection(handler!({ body: 1 }))).toMatchObject({ code: 'HEXBUS_CLOSED' });
    await closing;
  });

  test('asks a source to hand over again for ever what was refused', async () => {
    const asked: unknown[] = [];
    const source: MessageSource = {
      on(...given) {
        asked.push(given[2]);
        return () => undefined;
      },
    };
    await using bridge = createMessageBridge(createBus(), { source, messages: hint });
    await bridge.open();
    expect(asked).toEqual([{ maxTries: Infinity }]);
  });

  test('tells what a source throws when it is let go, and goes on', async () => {
    const fake = createFakeSource();
    const source: MessageSource = {
      on(type, handler) {
        const stop = fake.on(type, handler) as () => void;
        return () => {
          stop();
          if (type === 'Hint') throw new Error('planted');
        };
      },
    };
    const errors: unknown[] = [];
    const bridge = createMessageBridge(createBus(), { source, messages: [...hint, { type: 'Other', topic: 'x' }] });
    bridge.observe('error', ({ error }) => errors.push(error));
    await bridge.open();
    await bridge.close();
    expect(errors).toMatchObject([{ message: 'planted' }]);
    expect(fake.handlers).toBe(0);
  });

  test('before it was opened, in a handler and by await using', async () => {
    const { bus, bridge, source } = await open();
    bus.subscribe('hint', () => bridge.close());
    await source.say('Hint', 1);
    await bridge.close();
    const idle = createMessageBridge(bus, { source, messages: hint });
    await idle.close();
    const other = createMessageBridge(bus, { source, messages: hint });
    {
      await using opened = other;
      await opened.open();
      expect(source.handlers).toBe(1);
    }
    expect([other.state, source.handlers]).toEqual(['closed', 0]);
  });

  test('of the bus ends messages that are being handled, which the bridge still tells', async () => {
    const { bus, source, settled, takeEnded } = await open();
    const gate = deferred();
    bus.subscribe('job.step', () => gate.promise);
    await Promise.all([source.say('Step', 1), source.say('Step', 2)]);
    await settled();
    const closing = bus.close();
    gate.resolve();
    await closing;
    expect(takeEnded()).toMatchObject([{ body: 1, result: { status: 'handled' } }]);
  });
});
