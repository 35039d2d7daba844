import { createBus, HexbusError, type HistoryStore, type Message, type Subscription } from '@hexbus/core';
import { createMemoryHistory } from '@hexbus/store-memory';
import { describe, expect, test } from 'vitest';
import { type BusInternals, busInternals } from '../src/bus/internals.ts';
import { useBuses, usualTopics } from './support/buses.ts';
import { deferred } from './support/deferred.ts';
import { createDurablePlace } from './support/durable-memory.ts';
import { microtasks } from './support/microtasks.ts';

const { open, make } = useBuses();

describe('a held topic', () => {
  test('keeps what arrives while nobody listens, and hands it on in the order of reception, then what follows', async () => {
    const { bus, log, settled } = await open();
    for (const n of [1, 2, 3]) await bus.publish('job.x', n);
    expect(await bus.stats('job.x')).toMatchObject({
      waiting: 3,
      dead: 0,
      listeners: 0,
      first: 1,
      last: 3,
      head: bus.cursor,
    });
    const subscription = bus.subscribe('job.x', log.handler('sub'));
    await subscription.caughtUp();
    expect(log.take()).toEqual(['sub: job.x#1 1', 'sub: job.x#2 2', 'sub: job.x#3 3']);
    await bus.publish('job.x', 4);
    await settled();
    expect(log.take()).toEqual(['sub: job.x#4 4']);
    expect(await bus.stats('job.x')).toMatchObject({
      waiting: 0,
      dead: 0,
      listeners: 1,
      first: undefined,
      last: undefined,
    });
  });

  test('removes a message only when its handler has settled, and delivers the next after that', async () => {
    const { bus, log, settled } = await open();
    const gates = [deferred(), deferred()];
    bus.subscribe('job.x', async ({ body }) => {
      log.note(`begins ${body}`);
      await gates[body as number]?.promise;
    });
    await Promise.all([bus.publish('job.x', 0), bus.publish('job.x', 1)]);
    await settled();
    expect([log.take(), (await bus.stats('job.x')).waiting]).toEqual([['begins 0'], 2]);
    gates[0]?.resolve();
    await settled();
    expect([log.take(), (await bus.stats('job.x')).waiting]).toEqual([['begins 1'], 1]);
    gates[1]?.resolve();
    await settled();
    expect((await bus.stats('job.x')).waiting).toBe(0);
  });

  test('gives a message to all listeners of that moment; a later one gets only what follows', async () => {
    const { bus, log, settled } = await open();
    bus.subscribe('job.x', log.handler('a'));
    bus.subscribe('job.x', log.handler('b'));
    await bus.publish('job.x', 1);
    await settled();
    bus.subscribe('job.x', log.handler('late'));
    await bus.publish('job.x', 2);
    await settled();
    expect(log.take()).toEqual(['a: job.x#1 1', 'b: job.x#1 1', 'a: job.x#2 2', 'b: job.x#2 2', 'late: job.x#2 2']);
  });

  test('delivers the next message when the slowest listener is done', async () => {
    const { bus, log, settled } = await open();
    const gate = deferred();
    bus.subscribe('job.x', log.handler('fast'));
    bus.subscribe('job.x', async (message) => {
      log.handler('slow')(message);
      await gate.promise;
    });
    await Promise.all([bus.publish('job.x', 1), bus.publish('job.x', 2)]);
    await settled();
    expect(log.take()).toEqual(['fast: job.x#1 1', 'slow: job.x#1 1']);
    gate.resolve();
    await settled();
    expect(log.take()).toEqual(['fast: job.x#2 2', 'slow: job.x#2 2']);
  });

  test('goes on independently of another held topic', async () => {
    const { bus, log, settled } = await open();
    const gate = deferred();
    bus.subscribe('job.x', () => gate.promise);
    bus.subscribe('job.y', log.handler('y'));
    await Promise.all([bus.publish('job.x', 1), bus.publish('job.y', 2), bus.publish('job.y', 3)]);
    await settled();
    expect(log.take()).toEqual(['y: job.y#2 2', 'y: job.y#3 3']);
    gate.resolve();
  });

  test('hands on what is published while a handler runs, and by it', async () => {
    const { bus, log } = await open();
    const subscription = bus.subscribe('job.x', async (message) => {
      log.handler('sub')(message);
      if (message.body === 1) await bus.publish('job.x', 2);
    });
    await bus.publish('job.x', 1);
    await subscription.caughtUp();
    await subscription.caughtUp();
    expect(log.take()).toEqual(['sub: job.x#1 1', 'sub: job.x#2 2']);
  });

  test('may be listened to before the bus is open', async () => {
    const { bus, log } = make();
    const subscription = bus.subscribe('job.x', log.handler('sub'));
    expect(subscription.state).toBe('starting');
    await bus.open();
    await bus.publish('job.x', 1);
    await subscription.caughtUp();
    expect([log.take(), subscription.state, subscription.cursor, subscription.lag]).toEqual([
      ['sub: job.x#1 1'],
      'active',
      undefined,
      0,
    ]);
  });

  test('can be read without settling anything', async () => {
    const { bus } = await open();
    await Promise.all([1, 2].map((n) => bus.publish('job.x', n)));
    expect((await bus.read('job.x')).messages.map(({ body }) => body)).toEqual([1, 2]);
    expect((await bus.read('>')).messages).toEqual([]);
    expect((await bus.stats('job.x')).waiting).toBe(2);
  });

  test('tells its listener that it is caught up, once at the start and again after more came than it keeps', async () => {
    const { bus, log, settled } = await open();
    await bus.publish('job.x', 1);
    const gate = deferred();
    const slow = async (message: Message): Promise<void> => {
      if (message.body === 3) await gate.promise;
      else log.handler('sub')(message);
    };
    const subscription = bus.subscribe('job.x', slow, { onCaughtUp: () => log.note('caught up') });
    await subscription.caughtUp();
    expect(log.take()).toEqual(['sub: job.x#1 1', 'caught up']);
    await bus.publish('job.x', 2);
    await settled();
    expect(log.take()).toEqual(['sub: job.x#2 2']);
    for (let n = 3; n <= 200; n++) await bus.publish('job.x', n);
    gate.resolve();
    await subscription.caughtUp();
    expect(log.take().filter((line) => line === 'caught up')).toHaveLength(1);
    bus.subscribe('job.x', () => {}, { onCaughtUp: () => log.note('another is caught up') });
    await settled();
    expect(log.take()).toEqual(['another is caught up']);
  });

  test('that nobody listens to any more takes no memory', async () => {
    const { bus, settled } = await open();
    const { side } = (bus as unknown as { readonly [busInternals]: BusInternals })[busInternals];
    const subscription = bus.subscribe('job.x', () => {});
    await bus.publish('job.x', 1);
    await settled();
    expect(side?.heldQueues.get('job.x')).toBeDefined();
    subscription.unsubscribe();
    await subscription.done;
    await settled();
    expect(side?.heldQueues.get('job.x')).toBeUndefined();
  });

  test('hands nothing out twice when a listener sees a new epoch before a write does', async () => {
    const [before, after] = [createMemoryHistory(), createMemoryHistory()];
    const other = createBus({ history: after, topics: usualTopics });
    await other.open();
    await other.publish('job.x', 'of the new epoch');
    let now = before;
    const history: HistoryStore = {
      name: 'replaced',
      capabilities: { durable: false },
      open: (options) => before.open(options),
      write: (batch) => now.write(batch),
      read: (query) => now.read(query),
      locate: (query) => now.locate(query),
      loadCursor: (name) => now.loadCursor(name),
      summarize: (topic) => now.summarize(topic),
      close: () => before.close(),
    };
    const { bus, log, onNextWrite, clock, takeErrors } = await open({ history });
    now = after;
    onNextWrite(() => Promise.reject(new HexbusError('HEXBUS_HISTORY_BUSY', 'not now', { retryable: true })));
    bus.subscribe('job.x', log.handler('sub'), { onReset: () => log.note('reset') });
    await clock.advance(1000);
    expect(takeErrors()).toHaveLength(1);
    await bus.publish('job.x', 'next');
    await clock.advance(1000);
    expect(log.take()).toEqual(['reset', 'sub: job.x#1 "of the new epoch"', 'sub: job.x#2 "next"']);
    expect((await bus.stats('job.x')).waiting).toBe(0);
    await other.close();
  });
});

describe('a listener that attaches while a message is in delivery', () => {
  test('does not get that one, and gets the next, after it', async () => {
    const { bus, log, settled } = await open();
    const gate = deferred();
    bus.subscribe('job.x', async (message) => {
      log.handler('first')(message);
      if (message.body === 1) await gate.promise;
    });
    await Promise.all([bus.publish('job.x', 1), bus.publish('job.x', 2)]);
    await settled();
    bus.subscribe('job.x', log.handler('second'));
    await settled();
    expect(log.take()).toEqual(['first: job.x#1 1']);
    gate.resolve();
    await settled();
    expect(log.take()).toEqual(['first: job.x#2 2', 'second: job.x#2 2']);
  });

  test('inside the handler, for every message, repeats none', async () => {
    const { bus, log, settled } = await open();
    await Promise.all([1, 2, 3].map((n) => bus.publish('job.x', n)));
    let attached = 0;
    bus.subscribe('job.x', (message) => {
      log.handler('outer')(message);
      attached += 1;
      bus.subscribe('job.x', log.handler(`nested ${attached}`));
    });
    await settled();
    expect(log.take()).toEqual([
      'outer: job.x#1 1',
      'outer: job.x#2 2',
      'nested 1: job.x#2 2',
      'outer: job.x#3 3',
      'nested 1: job.x#3 3',
      'nested 2: job.x#3 3',
    ]);
    expect((await bus.stats('job.x')).waiting).toBe(0);
  });
});

describe('a listener that leaves', () => {
  test('while another still has the message takes nothing away: the success of the other counts', async () => {
    const { bus, log, settled } = await open();
    const gates = { a: deferred(), b: deferred() };
    const leaving = bus.subscribe('job.x', () => gates.a.promise);
    bus.subscribe('job.x', () => gates.b.promise);
    bus.observe('handled', log.observer('handled'));
    await bus.publish('job.x', 1);
    await settled();
    leaving.unsubscribe();
    gates.a.reject(new Error('the call that was left fails'));
    gates.b.resolve();
    await settled();
    expect(log.take()).toEqual(['handled: job.x#1 results=[null]']);
  });

  test('with a running call that succeeds has handled the message', async () => {
    const { bus, settled } = await open();
    const gate = deferred();
    const subscription = bus.subscribe('job.x', () => gate.promise);
    await bus.publish('job.x', 1);
    await settled();
    subscription.unsubscribe();
    gate.resolve();
    await subscription.done;
    await settled();
    expect((await bus.stats('job.x')).waiting).toBe(0);
  });

  test('as the last one, before any succeeded, leaves the message first, for whoever attaches next', async () => {
    const { bus, log, settled } = await open();
    const gate = deferred();
    const leaving = bus.subscribe('job.x', () => gate.promise);
    await Promise.all([bus.publish('job.x', 1), bus.publish('job.x', 2)]);
    await settled();
    leaving.unsubscribe();
    gate.reject(new Error('interrupted'));
    await leaving.done;
    await settled();
    expect((await bus.stats('job.x')).waiting).toBe(2);
    const next = bus.subscribe('job.x', log.handler('next'));
    await next.caughtUp();
    expect(log.take()).toEqual(['next: job.x#1 1', 'next: job.x#2 2']);
  });

  test('while it waits for its next try leaves the message first', async () => {
    const { bus, log, settled, clock } = await open();
    const leaving = bus.subscribe('job.x', () => {
      throw new Error('no');
    });
    await bus.publish('job.x', 1);
    await settled();
    leaving.unsubscribe();
    await leaving.done;
    await clock.advance(1000);
    expect(await bus.stats('job.x')).toMatchObject({ waiting: 1, dead: 0 });
    await bus.subscribe('job.x', log.handler('next')).caughtUp();
    expect(log.take()).toEqual(['next: job.x#1 1']);
  });

  test('because another one ends it inside the same delivery is not called any more', async () => {
    const { bus, log, settled } = await open();
    bus.subscribe('job.x', (message) => {
      log.handler('first')(message);
      second.unsubscribe();
    });
    const second = bus.subscribe('job.x', log.handler('second'));
    await bus.publish('job.x', 1);
    await settled();
    expect([log.take(), (await bus.stats('job.x')).waiting]).toEqual([['first: job.x#1 1'], 0]);
  });

  test('and comes back, again and again, never gets a message twice or misses one', async () => {
    const { bus, log, settled } = await open();
    let subscription: Subscription | undefined;
    for (let n = 1; n <= 10; n++) {
      subscription?.unsubscribe();
      subscription = bus.subscribe('job.x', log.handler('sub'));
      if (n % 2 === 0) await settled();
      void bus.publish('job.x', n);
    }
    await settled();
    expect(log.take()).toEqual(Array.from({ length: 10 }, (_, n) => `sub: job.x#${n + 1} ${n + 1}`));
  });

  test.each(Array.from({ length: 16 }, (_, count) => count))(
    'is followed by another %i microtasks after its message was settled: that one gets what comes, once',
    async (count) => {
      const { bus, log, settled } = await open();
      const attach = (): void => void bus.subscribe('job.x', log.handler('next'));
      const stop = bus.observe('handled', () => void microtasks(count).then(attach));
      const first: Subscription = bus.subscribe('job.x', () => first.unsubscribe());
      await bus.publish('job.x', 1);
      await settled();
      stop();
      await bus.publish('job.x', 2);
      await settled();
      attach();
      await bus.publish('job.x', 3);
      await settled();
      expect(log.take()).toEqual(['next: job.x#2 2', 'next: job.x#3 3', 'next: job.x#3 3']);
      expect(await bus.stats('job.x')).toMatchObject({ waiting: 0, listeners: 2 });
    },
  );
});

test('after the bus was made again over the same place what waits is still there, and what was handled is not', async () => {
  const place = createDurablePlace();
  const first = await open({ history: place.store() });
  await first.bus.publish('job.x', 1);
  await first.bus.subscribe('job.x', () => {}).caughtUp();
  const gate = deferred();
  await first.bus.publish('job.y', 2);
  first.bus.subscribe('job.y', () => gate.promise);
  await first.settled();
  const closing = first.bus.close();
  gate.reject(new Error('the process is going'));
  await closing;

  const second = await open({ history: place.store() });
  for (const topic of ['job.x', 'job.y']) await second.bus.subscribe(topic, second.log.handler('sub')).caughtUp();
  expect(second.log.take()).toEqual(['sub: job.y#2 2']);
});
