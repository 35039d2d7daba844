import { HexbusError, isHexbusError, type WriteResult } from '@hexbus/core';
import { describe, expect, test } from 'vitest';
import { rejection, thrownBy, useBuses } from './support/buses.ts';
import { deferred } from './support/deferred.ts';

const { open, make } = useBuses();

describe('a topic with a policy of its own under a wider pattern', () => {
  const topics = {
    'jobs.*': { retain: 'until-handled' },
    'jobs.debug': { retain: 'none' },
    'logs.*': { retain: { maxCount: 10 } },
    'logs.debug': { retain: 'none' },
  } as const;

  test('that is exempt reaches its listener inside emit and publish', async () => {
    const { bus, log } = await open({ topics });
    for (const topic of ['jobs.debug', 'logs.debug']) {
      bus.subscribe(topic, log.handler('sub'));
      expect(bus.emit(topic, 1)).toBe(true);
      await bus.publish(topic, 2);
    }
    expect(log.take()).toEqual(['sub: jobs.debug 1', 'sub: jobs.debug 2', 'sub: logs.debug 1', 'sub: logs.debug 2']);
  });

  test('that only names a schema stays retained', async () => {
    const schema = { '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) } } as const;
    const { bus } = await open({ topics: { ...topics, 'logs.debug': { schema } } });
    expect(await bus.publish('logs.debug', 1)).toMatchObject({ position: 1 });
  });

  test('a pattern whose topics are all held is refused, since it would bring nothing', async () => {
    const { bus } = await open({ topics });
    expect(thrownBy(() => bus.subscribe('jobs.*', () => undefined))).toMatchObject({ code: 'HEXBUS_CONFIG' });
  });

  test('options that a held topic has no use for are refused', async () => {
    const { bus } = await open();
    expect(thrownBy(() => bus.subscribe('job.x', () => undefined, { onFailure: 'stop' }))).toMatchObject({
      code: 'HEXBUS_CONFIG',
    });
  });
});

describe('close', () => {
  test('may be called again by what it sets off, and then nothing new is accepted', async () => {
    const { bus } = await open();
    const controller = new AbortController();
    const seen: unknown[] = [];
    bus.subscribe(
      'order.x',
      (_message, { signal }) => {
        signal.addEventListener('abort', () => {
          seen.push(bus.close());
          seen.push(thrownBy(() => bus.subscribe('order.y', () => undefined)));
        });
        return new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      },
      { signal: controller.signal },
    );
    await bus.publish('order.x', 1);
    await Promise.resolve();
    const closing = bus.close();
    expect(seen).toEqual([closing, expect.objectContaining({ code: 'HEXBUS_CLOSED' })]);
    await closing;
  });
});

describe('what a handler does that nobody expects', () => {
  test('a result whose then throws is a failure, and the next message follows', async () => {
    const { bus, log, takeErrors } = await open();
    const trap = new Proxy(
      {},
      {
        get: () => {
          throw new Error('trapped');
        },
      },
    );
    const subscription = bus.subscribe('order.x', ({ body }) => (body === 1 ? trap : log.note(String(body))), {
      maxTries: 1,
    });
    await bus.publish('order.x', 1);
    await bus.publish('order.x', 2);
    await subscription.caughtUp();
    expect(log.take()).toEqual(['2']);
    expect(takeErrors()).toHaveLength(1);
  });

  test('an error that cannot be printed makes a held message dead, and the next follows', async () => {
    const { bus, log, takeErrors } = await open();
    const error = Object.assign(new Error('x'), { message: Symbol('no text') });
    const subscription = bus.subscribe(
      'job.x',
      ({ body }) => {
        if (body === 1) throw error;
        log.note(String(body));
      },
      { maxTries: 1 },
    );
    await bus.publish('job.x', 1);
    await bus.publish('job.x', 2);
    await subscription.caughtUp();
    expect(log.take()).toEqual(['2']);
    expect(await bus.deadLetters('job.x')).toHaveLength(1);
    expect(takeErrors()).toHaveLength(1);
  });

  test('ending the subscription in the retried observer ends it without the delay', async () => {
    const { bus } = await open();
    bus.observe('retried', () => subscription.unsubscribe());
    const subscription = bus.subscribe('order.x', () => Promise.reject(new Error('no')), { retryDelayMs: 2000 });
    await bus.publish('order.x', 1);
    await subscription.done;
    expect(subscription.state).toBe('ended');
  });
});

describe('what a history does that nobody expects', () => {
  test('an answer that makes no sense is an unknown outcome, and the bus goes on', async () => {
    const { bus, onNextWrite } = await open();
    onNextWrite(() => Promise.resolve({ applied: true } as WriteResult));
    expect(isHexbusError(await rejection(bus.publish('order.x', 1)), 'HEXBUS_OUTCOME_UNKNOWN')).toBe(true);
    expect(await bus.publish('order.x', 2)).toMatchObject({ position: 1 });
  });

  test('a name that is taken in use while a write fails is ready all the same', async () => {
    const { bus, onNextWrite, clock, takeErrors } = await open();
    const failing = deferred<WriteResult>();
    onNextWrite(() => failing.promise);
    const publish = rejection(bus.publish('order.x', 1));
    await new Promise((resolve) => setImmediate(resolve));
    const subscription = bus.subscribe('order.x', () => undefined, { name: 'n', from: 'earliest' });
    await clock.advance(100);
    failing.reject(new HexbusError('HEXBUS_HISTORY_BUSY', 'busy', { retryable: true }));
    await publish;
    await clock.advance(100);
    await subscription.ready;
    expect(subscription.state).toBe('active');
    takeErrors();
  });

  test('a start that comes late, after its subscription ended, moves no cursor of the next one', async () => {
    const { bus, probe } = await open();
    for (const body of [1, 2, 3]) await bus.publish('order.x', body);
    const answer = probe.holdNext('locate');
    const late = bus.subscribe('order.x', () => undefined, { name: 'n', from: { last: 1 } });
    await new Promise((resolve) => setImmediate(resolve));
    late.unsubscribe();
    expect(thrownBy(() => bus.subscribe('order.x', () => undefined, { name: 'n' }))).toMatchObject({
      code: 'HEXBUS_NAME_TAKEN',
    });
    answer();
    await late.done;
    const next = bus.subscribe('order.x', () => undefined, { name: 'n', from: 'earliest' });
    await next.caughtUp();
    next.unsubscribe();
    await next.done;
    expect(await probe.store.loadCursor('n')).toMatchObject({ position: 3 });
  });
});

describe('caughtUp', () => {
  test('looks at the head of its call, so that steady traffic does not keep it waiting', async () => {
    const { bus } = await open();
    let more = true;
    const subscription = bus.subscribe('order.x', async () => {
      if (more) await bus.publish('order.x', 'again');
    });
    await bus.publish('order.x', 'first');
    await subscription.caughtUp();
    more = false;
  });
});

test('done of a held listener waits until its message is settled', async () => {
  const { bus, probe } = await open();
  const handled = deferred();
  const subscription = bus.subscribe('job.x', () => handled.promise);
  await bus.publish('job.x', 1);
  await new Promise((resolve) => setImmediate(resolve));
  subscription.unsubscribe();
  handled.resolve();
  await subscription.done;
  expect(await probe.store.summarize('job.x')).toMatchObject({ count: 0, dead: 0 });
});

test('a controller in the place of its signal is refused before anything is taken into use', async () => {
  const { bus } = await open();
  const signal = new AbortController() as unknown as AbortSignal;
  expect(thrownBy(() => bus.subscribe('order.x', () => undefined, { name: 'n', signal }))).toMatchObject({
    code: 'HEXBUS_CONFIG',
  });
  await bus.subscribe('order.x', () => undefined, { name: 'n' }).ready;
  expect(await rejection(make().bus.open({ signal }))).toMatchObject({ code: 'HEXBUS_CONFIG' });
});
