import { createBus, createMessageBridge } from '@hexbus/core';
import { describe, expect, test } from 'vitest';
import { rejection } from '../support/buses.ts';
import { deferred } from '../support/deferred.ts';
import { createDurablePlace } from '../support/durable-memory.ts';
import { useBridges } from './bridges.ts';
import { createFakeSource } from './fake-source.ts';

const open = useBridges();

describe('a name with saveHistory', () => {
  test('waits for its listener, is published to it in the order of reception, and removed as it is handled', async () => {
    const { bus, source, log, settled, takeEnded } = await open();
    const typeOf = (n: number): string => (n === 2 ? 'Done' : 'Step');
    for (const n of [1, 2, 3]) await source.say(typeOf(n), n, `m${n}`);
    expect(await bus.stats('job.step')).toMatchObject({ waiting: 3 });
    expect(takeEnded()).toEqual([]);
    bus.subscribe('job.step', ({ type, body }) => {
      log.note(`${type} ${body}`);
      return `saw ${body}`;
    });
    await settled();
    expect(log.take()).toEqual(['Step 1', 'Done 2', 'Step 3']);
    expect(takeEnded()).toEqual(
      [1, 2, 3].map((n) => ({
        topic: 'job.step',
        body: n,
        result: { status: 'handled', results: [`saw ${n}`], id: `["${typeOf(n)}","m${n}"]`, position: n },
        type: typeOf(n),
      })),
    );
    expect(await bus.stats('job.step')).toMatchObject({ waiting: 0 });
  });

  test('tells what each of several listeners returned, also later', async () => {
    const { bus, source, settled, takeEnded } = await open();
    const gate = deferred();
    bus.subscribe('job.step', () => 'a');
    bus.subscribe('job.step', async () => {
      await gate.promise;
      return 'b';
    });
    await source.say('Step', 1);
    await settled();
    expect(takeEnded()).toEqual([]);
    gate.resolve();
    await settled();
    expect(takeEnded()).toMatchObject([{ result: { status: 'handled', results: ['a', 'b'] } }]);
  });

  test('that failed in every try has died, and is told again when it was requeued and handled', async () => {
    const { bus, clock, source, settled, takeEnded, takeErrors } = await open();
    let broken = true;
    bus.subscribe(
      'job.step',
      () => {
        if (broken) throw new Error('planted');
        return 'mended';
      },
      { maxTries: 2 },
    );
    await source.say('Step', 1, 'm1');
    await settled();
    expect(takeEnded()).toEqual([]);
    await clock.advance(100);
    await settled();
    expect(takeEnded()).toMatchObject([
      { body: 1, type: 'Step', result: { status: 'dead', reason: 'Error: planted', id: '["Step","m1"]', position: 1 } },
    ]);
    expect(takeErrors()).toHaveLength(1);
    broken = false;
    await bus.requeue('job.step');
    await settled();
    expect(takeEnded()).toMatchObject([{ body: 1, result: { status: 'handled', results: ['mended'] } }]);
  });

  test('that an earlier life of the program saved is told with its body and its name', async () => {
    const place = createDurablePlace();
    const first = await open({}, { history: place.store() });
    await first.source.say('Done', { n: 1 }, 'm1');
    await first.bus.close();
    const second = await open({}, { history: place.store() });
    second.bus.subscribe('job.step', () => 'late');
    await second.settled();
    expect(second.takeEnded()).toEqual([
      {
        topic: 'job.step',
        body: { n: 1 },
        type: 'Done',
        result: { status: 'handled', results: ['late'], id: '["Done","m1"]', position: 1 },
      },
    ]);
    expect(first.takeEnded()).toEqual([]);
  });

  test('that comes twice is there once, also when it was handled in between', async () => {
    const { bus, source, log, settled, takeEnded } = await open();
    await Promise.all([source.say('Step', 1, 'm1'), source.say('Step', 1, 'm1')]);
    bus.subscribe('job.step', log.handler('sub'));
    await settled();
    await source.say('Step', 1, 'm1');
    await settled();
    expect(log.take()).toEqual(['sub: job.step#1 Step 1']);
    expect(takeEnded()).toHaveLength(1);
  });

  test('may bear an id that another type or another topic of the source bears', async () => {
    const { bus, source, log, settled } = await open();
    await source.give('Step', { id: '7', topic: '@user.ann', body: 'to ann' });
    await source.give('Step', { id: '7', topic: '@all', body: 'to all' });
    await source.give('Done', { id: '7', topic: '@all', body: 'another type' });
    await source.say('Done', 'no topic', '7');
    await source.give('Step', { id: '7', topic: '@all', body: 'again' });
    bus.subscribe('job.step', ({ id, body }) => log.note(`${id} ${body}`));
    await settled();
    expect(log.take()).toEqual([
      '["@user.ann","Step","7"] to ann',
      '["@all","Step","7"] to all',
      '["@all","Done","7"] another type',
      '["Done","7"] no topic',
    ]);
  });

  test('that a bound removed was dropped; its body and its name went with it', async () => {
    const topics = { 'job.step': { retain: { until: 'handled', maxCount: 1, overflow: 'drop-oldest' } } } as const;
    const messages = [{ type: 'Step', topic: 'job.step', saveHistory: true }];
    const { source, settled, takeEnded } = await open({ messages }, { topics });
    await source.say('Step', 1, 'm1');
    await source.say('Step', 2, 'm2');
    await settled();
    expect(takeEnded()).toEqual([
      {
        topic: 'job.step',
        body: undefined,
        type: 'Step',
        result: { status: 'dropped', why: 'bound', id: '["Step","m1"]', position: 1 },
      },
    ]);
  });

  test('is not told of what others publish to its topic under other names', async () => {
    const { bus, settled, takeEnded } = await open();
    bus.subscribe('job.step', () => undefined);
    await bus.publish('job.step', 1);
    await bus.publish('job.step', 2, { type: 'Other' });
    await settled();
    expect(takeEnded()).toEqual([]);
  });
});

describe('a name without saveHistory', () => {
  test('is dropped while nobody listens, and afterPublish says so', async () => {
    const { bus, source, settled, takeEnded } = await open();
    await source.say('Hint', 1, 'm1');
    await source.say('Momentary', 2);
    await settled();
    expect(takeEnded()).toEqual([
      { topic: 'hint', body: 1, type: 'Hint', result: { status: 'dropped', why: 'no-listener', id: '["Hint","m1"]' } },
      { topic: 'job.now', body: 2, type: 'Momentary', result: { status: 'dropped', why: 'no-listener' } },
    ]);
    expect(await bus.stats('job.now')).toMatchObject({ waiting: 0 });
  });

  test('reaches who listens, by the topic or a pattern, at once', async () => {
    const { bus, source, log, settled, takeEnded } = await open();
    bus.subscribe('hint', ({ body }) => `exact ${body}`);
    bus.subscribe('*', async (message) => {
      log.handler('pattern')(message);
      return 'pattern';
    });
    void source.say('Hint', 1, 'm1');
    expect(log.take()).toEqual(['pattern: hint Hint 1']);
    await settled();
    expect(takeEnded()).toEqual([
      {
        topic: 'hint',
        body: 1,
        type: 'Hint',
        result: { status: 'handled', results: ['exact 1', 'pattern'], id: '["Hint","m1"]' },
      },
    ]);
  });

  test('has died when a listener failed; the source need not hand it over again', async () => {
    const { bus, source, settled, takeEnded, takeErrors } = await open();
    bus.subscribe('hint', () => 'well');
    bus.subscribe('hint', async () => {
      throw new Error('planted');
    });
    bus.subscribe('hint', () => {
      throw new Error('later');
    });
    await source.say('Hint', 1);
    await settled();
    expect(takeEnded()).toMatchObject([{ result: { status: 'dead', reason: 'Error: planted' } }]);
    expect(takeErrors()).toHaveLength(2);
  });

  test('is dropped when all who listened have left before one succeeded', async () => {
    const { bus, source, settled, takeEnded } = await open();
    const subscription = bus.subscribe('hint', (_, { signal }) => {
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    });
    await source.say('Hint', 1);
    subscription.unsubscribe();
    await settled();
    expect(takeEnded()).toMatchObject([{ result: { status: 'dropped', why: 'no-listener' } }]);
  });

  test('is kept where the topic keeps everything within limits, whoever listens', async () => {
    const { bus, source, takeEnded } = await open();
    await source.say('Order', 1, 'm1');
    await source.say('Order', 1, 'm1');
    expect(takeEnded()).toEqual([
      { topic: 'order.in', body: 1, type: 'Order', result: { status: 'retained', id: '["Order","m1"]', position: 1 } },
    ]);
    expect((await bus.read('order.in')).messages).toHaveLength(1);
  });

  test('goes into the queue of a held topic while somebody listens', async () => {
    const { bus, source, log, settled, takeEnded } = await open();
    bus.subscribe('job.now', log.handler('sub'));
    await source.say('Momentary', 1);
    await settled();
    expect(log.take()).toEqual(['sub: job.now#1 Momentary 1']);
    expect(takeEnded()).toMatchObject([{ result: { status: 'handled', position: 1 } }]);
  });
});

describe('what the source is told', () => {
  test('that a message is in the bus, only when it is', async () => {
    const { source, onNextWrite, settled } = await open();
    const gate = deferred();
    onNextWrite(async (proceed) => {
      await gate.promise;
      return proceed();
    });
    let saved = false;
    const said = source.say('Step', 1).then(() => {
      saved = true;
    });
    await settled();
    expect(saved).toBe(false);
    gate.resolve();
    await said;
  });

  test('that it is not, when the topic is full; the next try may succeed', async () => {
    const topics = { 'job.step': { retain: { until: 'handled', maxCount: 1 } } } as const;
    const messages = [{ type: 'Step', topic: 'job.step', saveHistory: true }];
    const { bus, source, settled, takeEnded, takeBridgeErrors } = await open({ messages }, { topics });
    await source.say('Step', 1, 'm1');
    expect(await rejection(source.say('Step', 2, 'm2'))).toMatchObject({ code: 'HEXBUS_TOPIC_FULL' });
    expect(takeBridgeErrors()).toMatchObject([
      { error: { code: 'HEXBUS_TOPIC_FULL' }, type: 'Step', topic: 'job.step', id: '["Step","m2"]', retryable: true },
    ]);
    expect(takeEnded()).toEqual([]);
    bus.subscribe('job.step', () => undefined);
    await settled();
    await source.say('Step', 2, 'm2');
    await settled();
    expect(takeEnded().map(({ body }) => body)).toEqual([1, 2]);
  });

  test('that it is not, when the history failed or its answer is missing; the same id is there once', async () => {
    const { bus, source, probe, log, settled, takeBridgeErrors } = await open();
    for (const when of ['before', 'after'] as const) {
      probe.failNext('write', new Error('planted'), when);
      await rejection(source.say('Step', when, when));
      await source.say('Step', when, when);
    }
    bus.subscribe('job.step', log.handler('sub'));
    await settled();
    expect(log.take()).toHaveLength(2);
    expect(takeBridgeErrors()).toHaveLength(2);
  });

  test('that it is not, when the bus is not open or closed', async () => {
    const source = createFakeSource();
    const bus = createBus();
    const bridge = createMessageBridge(bus, { source, messages: [{ type: 'Hint', topic: 'hint' }] });
    const errors: unknown[] = [];
    bridge.observe('error', (event) => errors.push(event));
    await bridge.open();
    await bus.close();
    expect(await rejection(source.say('Hint', 1))).toMatchObject({ code: 'HEXBUS_CLOSED' });
    expect(errors).toMatchObject([{ error: { code: 'HEXBUS_CLOSED' }, retryable: true }]);
    await bridge.close();
  });

  test('nothing more, when the bus will never take the message: that is told, and it is dropped', async () => {
    const { source, takeEnded, takeBridgeErrors } = await open({}, { maxBodyBytes: 10 });
    await source.say('Step', () => undefined, 'm1');
    await source.say('Step', 'x'.repeat(20), 'm2');
    await source.give('Step', { body: 1, id: '' });
    await source.give('Step', { body: 1, id: 'x'.repeat(502) });
    await source.give('Step', 'not a message' as never);
    const codes = ['HEXBUS_INVALID_BODY', 'HEXBUS_BODY_TOO_LARGE', 'HEXBUS_CONFIG', 'HEXBUS_CONFIG', 'HEXBUS_CONFIG'];
    expect(takeBridgeErrors()).toMatchObject(codes.map((code) => ({ error: { code }, retryable: false })));
    expect(takeEnded()).toMatchObject(
      codes.map((code) => ({ type: 'Step', result: { status: 'dropped', why: 'refused', error: { code } } })),
    );
  });

  test('a source that does not look at the promise leaves no rejection behind', async () => {
    const { source, bus, settled, takeBridgeErrors } = await open();
    await bus.close();
    void source.say('Step', 1);
    await settled();
    expect(takeBridgeErrors()).toHaveLength(1);
  });
});

describe('the message in the bus', () => {
  test('bears the name it came under, an id of this name and its own, its sender and its headers', async () => {
    const { bus, source } = await open();
    await source.give('Step', { body: 1, id: 'm1', sender: 'ann', headers: { traceparent: 't' } });
    const seen = await bus.messages('job.step').next();
    expect(seen.value).toMatchObject({
      type: 'Step',
      id: '["Step","m1"]',
      sender: 'ann',
      headers: { traceparent: 't' },
    });
  });

  test('has an id of the bus when the source gives none', async () => {
    const { source, settled, bus, takeEnded } = await open();
    bus.subscribe('job.step', () => undefined);
    await Promise.all([source.say('Step', 1), source.say('Step', 1)]);
    await settled();
    expect(takeEnded()).toHaveLength(2);
  });
});
