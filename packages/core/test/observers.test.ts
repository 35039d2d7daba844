import { type Bus, createBus, type ObserverEvents } from '@hexbus/core';
import { describe, expect, test } from 'vitest';
import { thrownBy, useBuses } from './support/buses.ts';

const { open } = useBuses();

/** Every event of the names, as it is told. */
function watch(bus: Bus, ...names: (keyof ObserverEvents)[]): unknown[][] {
  const events: unknown[][] = [];
  for (const name of names) bus.observe(name, (event) => events.push([name, event]));
  return events;
}

describe('observers are told', () => {
  test('published: of retained messages, duplicates, and those that are not retained', async () => {
    const { bus } = await open();
    const events = watch(bus, 'published');
    await bus.publish('order.x', 1, { id: 'a' });
    await bus.publish('order.x', 1, { id: 'a' });
    await bus.publish('mouse.moved', 1, { id: 'b' });
    expect(events).toEqual([
      ['published', { topic: 'order.x', id: 'a', position: 1, duplicate: false }],
      ['published', { topic: 'order.x', id: 'a', position: 1, duplicate: true }],
      ['published', { topic: 'mouse.moved', id: 'b', duplicate: false }],
    ]);
  });

  test('published: of emit too, with the id that the listeners saw', async () => {
    const { bus } = await open();
    const ids: string[] = [];
    bus.on('mouse.moved', ({ id }) => ids.push(id));
    const events = watch(bus, 'published');
    bus.emit('mouse.moved', 1);
    expect(events).toEqual([['published', { topic: 'mouse.moved', id: ids[0], duplicate: false }]]);
  });

  test('published before any handler of the message runs, in the order of the history', async () => {
    const { bus, log, settled } = await open();
    bus.observe('published', ({ position }) => log.note(`published ${position}`));
    bus.subscribe('order.x', log.handler('sub'));
    await Promise.all([1, 2].map((n) => bus.publish('order.x', n)));
    await settled();
    expect(log.take()).toEqual(['published 1', 'published 2', 'sub: order.x#1 1', 'sub: order.x#2 2']);
  });

  test('delivered: with what the handler returned, sync or not, on topics of every kind', async () => {
    const { bus, settled } = await open();
    const events = watch(bus, 'delivered');
    bus.subscribe('order.x', () => 'a', { name: 'n' });
    bus.subscribe('job.x', async () => 'b');
    bus.subscribe('mouse.moved', () => 'c');
    bus.subscribe('mouse.*', async () => 'd');
    await bus.publish('order.x', 1, { id: '1' });
    await settled();
    await bus.publish('job.x', 1, { id: '2' });
    await settled();
    await bus.publish('mouse.moved', 1, { id: '3' });
    await settled();
    const about = (filter: string, result: string, name?: string): object => ({
      subscription: name === undefined ? { filter: [filter] } : { filter: [filter], name },
      result,
    });
    expect(events).toEqual([
      ['delivered', { topic: 'order.x', id: '1', position: 1, ...about('order.x', 'a', 'n') }],
      ['delivered', { topic: 'job.x', id: '2', position: 2, ...about('job.x', 'b') }],
      ['delivered', { topic: 'mouse.moved', id: '3', ...about('mouse.moved', 'c') }],
      ['delivered', { topic: 'mouse.moved', id: '3', ...about('mouse.*', 'd') }],
    ]);
  });

  test('retried: with the attempt that failed, its error and the subscription', async () => {
    const { bus, clock, takeErrors } = await open();
    const events = watch(bus, 'retried');
    const error = new Error('no');
    bus.subscribe('order.x', () => {
      throw error;
    });
    await bus.publish('order.x', 1, { id: 'a' });
    await clock.advance(1000);
    const about = { topic: 'order.x', id: 'a', position: 1, subscription: { filter: ['order.x'] }, error };
    expect(events).toEqual([
      ['retried', { ...about, attempt: 1 }],
      ['retried', { ...about, attempt: 2 }],
    ]);
    expect(takeErrors()).toHaveLength(1);
  });

  test('held, then handled or dead, of a held topic', async () => {
    const { bus, settled, takeErrors } = await open();
    const events = watch(bus, 'held', 'handled', 'dead');
    await bus.publish('job.x', 'good', { id: 'a' });
    await bus.publish('job.x', 'bad', { id: 'b' });
    bus.subscribe(
      'job.x',
      ({ body }) => {
        if (body === 'bad') throw new Error('no');
        return 'done';
      },
      { maxTries: 1 },
    );
    await settled();
    expect(events).toEqual([
      ['held', { topic: 'job.x', id: 'a', position: 1 }],
      ['held', { topic: 'job.x', id: 'b', position: 2 }],
      ['handled', { topic: 'job.x', id: 'a', position: 1, results: ['done'] }],
      ['dead', { topic: 'job.x', id: 'b', position: 2, reason: 'Error: no' }],
    ]);
    expect(takeErrors()).toHaveLength(1);
  });

  test('never the body', async () => {
    const { bus, settled } = await open();
    const names = ['published', 'delivered', 'held', 'handled'] as const;
    const events = watch(bus, ...names);
    bus.subscribe('order.x', () => {});
    await bus.publish('order.x', 'secret');
    await bus.publish('job.x', 'secret');
    bus.subscribe('job.x', () => {});
    bus.emit('mouse.moved', 'secret');
    await settled();
    expect(new Set(events.map(([name]) => name))).toEqual(new Set(names));
    expect(JSON.stringify(events)).not.toContain('secret');
  });
});

describe('an observer', () => {
  test('that throws is told to the error observer, counted, and disturbs nothing', async () => {
    const { bus, log, takeErrors, settled } = await open();
    const failure = new Error('broken observer');
    for (const name of ['published', 'delivered'] as const) {
      bus.observe(name, () => {
        throw failure;
      });
      bus.observe(name, () => log.note(`second of ${name}`));
    }
    bus.subscribe('order.x', log.handler('sub'));
    await expect(bus.publish('order.x', 1)).resolves.toMatchObject({ position: 1 });
    await settled();
    expect(log.take()).toEqual(['second of published', 'sub: order.x#1 1', 'second of delivered']);
    expect(takeErrors()).toMatchObject([
      { error: { code: 'HEXBUS_OBSERVER_FAILED', cause: failure }, observerFailures: 1 },
      { error: { code: 'HEXBUS_OBSERVER_FAILED', cause: failure }, observerFailures: 2 },
    ]);
  });

  test('that rejects is told to the error observer, and never unhandled', async () => {
    const { bus, takeErrors, settled } = await open();
    bus.observe('published', (() => Promise.reject(new Error('later'))) as () => void);
    await bus.publish('order.x', 1);
    await settled();
    expect(takeErrors()).toMatchObject([{ error: { code: 'HEXBUS_OBSERVER_FAILED' }, observerFailures: 1 }]);
  });

  test('of errors that throws is only counted, and the others are told', async () => {
    const { bus, takeErrors } = await open();
    bus.observe('error', () => {
      throw new Error('even here');
    });
    bus.observe('error', (() => Promise.reject(new Error('and here'))) as () => void);
    bus.on('mouse.moved', () => {
      throw new Error('first');
    });
    bus.emit('mouse.moved', 1);
    await new Promise((resolve) => setImmediate(resolve));
    bus.emit('mouse.moved', 2);
    const errors = takeErrors();
    expect(errors.map(({ error }) => (error as Error).message)).toEqual([
      'a listener of "mouse.moved" failed: Error: first',
      'a listener of "mouse.moved" failed: Error: first',
    ]);
    expect(errors.map(({ observerFailures }) => observerFailures)).toEqual([0, 2]);
  });

  test('is not told any more after what observe returned was called, however often', async () => {
    const { bus, log } = await open();
    const observer = log.observer('o');
    const end = bus.observe('published', observer);
    bus.observe('published', observer);
    bus.emit('mouse.moved', 1);
    end();
    end();
    bus.emit('mouse.moved', 2);
    expect(log.take()).toHaveLength(3);
  });

  test('may end itself, or observe more, while it is told', async () => {
    const { bus, log } = await open();
    const end = bus.observe('published', () => {
      log.note('first');
      end();
      bus.observe('published', () => log.note('new'));
    });
    bus.observe('published', () => log.note('second'));
    bus.emit('mouse.moved', 1);
    expect(log.take()).toEqual(['first', 'second']);
    bus.emit('mouse.moved', 2);
    expect(log.take()).toEqual(['second', 'new']);
  });

  test('of an unknown event, or that is no function, is refused', async () => {
    const { bus } = await open();
    for (const name of ['publish', '', 'toString', undefined] as unknown as 'error'[]) {
      expect(thrownBy(() => bus.observe(name, () => {}))).toMatchObject({
        code: 'HEXBUS_CONFIG',
        message: expect.stringContaining('published, delivered'),
      });
    }
    expect(thrownBy(() => bus.observe('error', undefined as never))).toMatchObject({
      code: 'HEXBUS_CONFIG',
      message: expect.stringMatching(/observer is undefined/),
    });
  });

  test('is not told of anything after close', async () => {
    const { bus, log } = await open({ withoutHistory: true });
    bus.observe('published', log.observer('o'));
    await bus.close();
    bus.observe('published', log.observer('late'));
    expect(log.take()).toEqual([]);
  });
});

test('a bus without observers swallows what listeners throw, so that emit never throws', () => {
  const bus = createBus();
  bus.on('a', () => {
    throw new Error('nobody hears this');
  });
  expect(bus.emit('a', 1)).toBe(true);
});
