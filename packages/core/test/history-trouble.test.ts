import { HexbusError, type HistoryStore, type NewMessage, type OpenHistoryOptions, parseCursor } from '@hexbus/core';
import { createMemoryHistory } from '@hexbus/store-memory';
import { describe, expect, test } from 'vitest';
import { rejection, useBuses } from './support/buses.ts';
import { deferred } from './support/deferred.ts';

const { open } = useBuses();

/** A history that is wiped under the bus that has it open: from then on it is another one, of another epoch. */
function createWipedHistory(): { store: HistoryStore; wipe(): Promise<void> } {
  let inner = createMemoryHistory();
  let openedWith: OpenHistoryOptions | undefined;
  const store: HistoryStore = {
    name: 'wiped',
    capabilities: { durable: false },
    open(options) {
      openedWith = options;
      return inner.open(options);
    },
    write: (batch) => inner.write(batch),
    read: (query) => inner.read(query),
    locate: (query) => inner.locate(query),
    loadCursor: (name) => inner.loadCursor(name),
    summarize: (topic) => inner.summarize(topic),
    close: () => inner.close(),
  };
  return {
    store,
    async wipe() {
      const next = createMemoryHistory();
      await next.open(openedWith as OpenHistoryOptions);
      inner = next;
    },
  };
}

/** Another program writes to the history, whatever its epoch is. */
async function appendByOther(store: HistoryStore, message: NewMessage): Promise<void> {
  const batch = { epoch: 'any', append: [message], settle: [], commitCursors: [], deleteCursors: [] };
  const { epoch } = await store.write(batch);
  await store.write({ ...batch, epoch });
}

describe('a history whose epoch changes while the bus is open', () => {
  test('gets what is published into the new epoch, and each subscription one reset before it', async () => {
    const { store, wipe } = createWipedHistory();
    const { bus, log } = await open({ history: store });
    const subscription = bus.subscribe('order.>', log.handler('sub'), {
      onReset: ({ from, to }) => log.note(`reset ${from === before} ${to}`),
    });
    await bus.publish('order.x', 1);
    await subscription.caughtUp();
    const before = bus.cursor;
    await wipe();
    const receipt = await bus.publish('order.x', 2);
    await subscription.caughtUp();
    const { epoch } = parseCursor(bus.cursor);
    expect(epoch).not.toBe(parseCursor(before).epoch);
    expect(receipt.cursor).toBe(`${epoch}.1`);
    expect(log.take()).toEqual(['sub: order.x#1 1', `reset true ${epoch}.0`, 'sub: order.x#1 2']);
    await bus.publish('order.x', 3);
    await subscription.caughtUp();
    expect(log.take()).toEqual(['sub: order.x#2 3']);
  });

  test('takes no settlement of a position that meant another message', async () => {
    const { store, wipe } = createWipedHistory();
    const { bus, log, settled } = await open({ history: store });
    const gate = deferred();
    bus.observe('handled', ({ position }) => log.note(`handled ${position}`));
    bus.subscribe('job.x', async (message) => {
      log.handler('sub')(message);
      if (message.body === 'old') await gate.promise;
    });
    await bus.publish('job.x', 'old');
    await settled();
    await wipe();
    await bus.publish('job.x', 'new');
    gate.resolve();
    await settled();
    expect(log.take()).toEqual(['sub: job.x#1 "old"', 'sub: job.x#1 "new"', 'handled 1']);
    expect((await bus.stats('job.x')).waiting).toBe(0);
  });

  test('and changes again while a held topic is read has that read again, and delivers what is there', async () => {
    const { store, wipe } = createWipedHistory();
    const { bus, log, probe, settled } = await open({ history: store });
    await wipe();
    const release = probe.holdNext('read');
    bus.subscribe('job.x', log.handler('sub'), { onReset: () => log.note('reset') });
    await settled();
    await wipe();
    await bus.publish('job.x', 1);
    // The page is of the epoch between that of the listener's start and the present one.
    release();
    await settled();
    expect(log.take()).toEqual(['reset', 'reset', 'sub: job.x#1 1']);
    expect((await bus.stats('job.x')).waiting).toBe(0);
  });

  test('delivers nothing of a held topic while it could not be settled, and asks ever more rarely', async () => {
    const { store, wipe } = createWipedHistory();
    const { bus, log, probe, clock, settled, takeErrors } = await open({ history: store });
    await wipe();
    await appendByOther(store, { topic: 'job.x', id: 'theirs', body: '1', deduplicate: false });
    const broken = new HexbusError('HEXBUS_HISTORY_FAILED', 'read-only for a while');
    for (let n = 0; n < 2; n++) probe.failNext('write', broken);
    bus.subscribe('job.x', log.handler('sub'), { onReset: () => log.note('reset') });
    await settled();
    await clock.advance(100);
    expect([log.take(), takeErrors().length]).toEqual([['reset'], 2]);
    await clock.advance(199);
    expect(log.take()).toEqual([]);
    await clock.advance(1);
    expect(log.take()).toEqual(['sub: job.x#1 1']);
    expect((await bus.stats('job.x')).waiting).toBe(0);
  });

  test('gets the cursor of a name word for word, so that the next start meets a reset instead of skipping what is there', async () => {
    const { store, wipe } = createWipedHistory();
    const { bus, clock, settled } = await open({ history: store });
    const subscription = bus.subscribe('order.x', () => {}, { name: 'n' });
    await bus.publish('order.x', 1);
    await subscription.caughtUp();
    const before = bus.cursor;
    await wipe();
    await clock.advance(50);
    expect(await store.loadCursor('n')).toMatchObject({ epoch: parseCursor(before).epoch, position: 1 });
    const { epoch } = parseCursor((await bus.publish('order.x', 2)).cursor);
    await settled();
    await clock.advance(50);
    expect(await store.loadCursor('n')).toMatchObject({ epoch, position: 1 });
  });
});

test('a history without room refuses the message, and what was handled makes room', async () => {
  const { bus } = await open({ history: createMemoryHistory({ maxMessages: 2 }) });
  await Promise.all([1, 2].map((n) => bus.publish('job.x', n)));
  expect(await rejection(bus.publish('job.x', 3))).toMatchObject({ code: 'HEXBUS_HISTORY_FULL', retryable: true });
  await bus.subscribe('job.x', () => {}).caughtUp();
  await bus.publish('job.x', 4);
});

test('a read behind a held topic that fails is told to the error observer, and made again after a pause', async () => {
  const { bus, log, probe, clock, settled, takeErrors } = await open();
  await bus.publish('job.x', 1);
  const broken = new HexbusError('HEXBUS_HISTORY_FAILED', 'the disk is slow');
  for (const verb of ['loadCursor', 'read'] as const) probe.failNext(verb, broken);
  bus.subscribe('job.x', log.handler('sub'));
  await settled();
  await clock.advance(100);
  expect([log.take(), takeErrors().map(({ error }) => error)]).toEqual([[], [broken, broken]]);
  await clock.advance(200);
  expect(log.take()).toEqual(['sub: job.x#1 1']);
});

test.each([
  ['many messages', 6000, 'x'],
  ['large messages', 60, 'x'.repeat(100_000)],
])('a slow subscription gets %s, more than the bus keeps in memory, each once and in order', async (_, count, body) => {
  const { bus, settled } = await open({ topics: { 'order.>': { retain: { maxCount: Infinity } } } });
  const gate = deferred();
  const slow: unknown[] = [];
  const fast: unknown[] = [];
  const patterned = bus.subscribe('order.*', ({ position }) => fast.push(position));
  const waiting = bus.subscribe('order.x', async ({ position }) => {
    await gate.promise;
    slow.push(position);
  });
  for (let published = 0; published < count; ) {
    const burst = Math.min(500, count - published);
    await Promise.all(Array.from({ length: burst }, () => bus.publish('order.x', body)));
    published += burst;
    await settled();
  }
  gate.resolve();
  await Promise.all([patterned.caughtUp(), waiting.caughtUp()]);
  const all = Array.from({ length: count }, (_, n) => n + 1);
  expect(slow).toEqual(all);
  expect(fast).toEqual(all);
});

test('a topic that nobody but the cache knew is resolved again after very many topics', async () => {
  const { bus, log } = await open();
  bus.on('mouse.moved', log.handler('on'));
  bus.emit('mouse.moved', 1);
  for (let n = 0; n < 50_001; n++) bus.emit(`key.${n}`, n);
  bus.emit('mouse.moved', 2);
  expect(log.take()).toEqual(['on: mouse.moved 1', 'on: mouse.moved 2']);
});
