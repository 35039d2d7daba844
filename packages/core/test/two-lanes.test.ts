import { expect, test } from 'vitest';
import { useBuses } from './support/buses.ts';
import { deferred } from './support/deferred.ts';

const { open, make } = useBuses();

test('a pattern over retained topics and others gets both: emitted ones at once, retained ones after the commit', async () => {
  const { bus, log } = await open();
  const subscription = bus.subscribe('>', log.handler('all'));
  const publishing = bus.publish('order.x', 'kept');
  bus.emit('mouse.moved', 'fleeting');
  expect(log.take()).toEqual(['all: mouse.moved "fleeting"']);
  await publishing;
  await subscription.caughtUp();
  expect(log.take()).toEqual(['all: order.x#1 "kept"']);
});

test('a list of names of both kinds too, and from concerns the retained ones', async () => {
  const { bus, log } = await open();
  await bus.publish('order.x', 'kept');
  bus.emit('mouse.moved', 'nobody heard');
  const subscription = bus.subscribe(['mouse.moved', 'order.x'], log.handler('both'), { from: 'earliest' });
  bus.emit('mouse.moved', 'heard');
  await subscription.caughtUp();
  expect(log.take()).toEqual(['both: mouse.moved "heard"', 'both: order.x#1 "kept"']);
});

test('the two lanes do not wait for each other', async () => {
  const { bus, log, settled } = await open();
  const gate = deferred();
  bus.subscribe('>', async (message) => {
    log.handler('all')(message);
    await gate.promise;
  });
  await Promise.all([bus.publish('order.x', 1), bus.publish('order.x', 2)]);
  await settled();
  bus.emit('mouse.moved', 3);
  bus.emit('mouse.moved', 4);
  expect(log.take()).toEqual(['all: order.x#1 1', 'all: mouse.moved 3', 'all: mouse.moved 4']);
  gate.resolve();
  await settled();
  expect(log.take()).toEqual(['all: order.x#2 2']);
});

test('before the bus is open the emitted ones come already', async () => {
  const { bus, log } = make();
  const subscription = bus.subscribe('>', log.handler('all'));
  bus.emit('mouse.moved', 1);
  expect(log.take()).toEqual(['all: mouse.moved 1']);
  await bus.open();
  await bus.publish('order.x', 2);
  await subscription.caughtUp();
  expect(log.take()).toEqual(['all: order.x#1 2']);
});

test('held topics are passed by, by patterns', async () => {
  const { bus, log } = await open();
  const subscription = bus.subscribe(['>', 'job.*'], log.handler('all'), { from: 'earliest' });
  await bus.publish('job.mail', 1);
  await bus.publish('order.x', 2);
  await subscription.caughtUp();
  expect(log.take()).toEqual(['all: order.x#2 2']);
  expect((await bus.stats('job.mail')).waiting).toBe(1);
});

test('unsubscribe ends both lanes, and done waits for the calls of both', async () => {
  const { bus, log, settled } = await open();
  const gates = { 'order.x': deferred(), 'mouse.moved': deferred() };
  const subscription = bus.subscribe('>', ({ topic }) => gates[topic as keyof typeof gates].promise);
  await bus.publish('order.x', 1);
  bus.emit('mouse.moved', 2);
  await settled();
  subscription.unsubscribe();
  void subscription.done.then(() => log.note('done'));
  gates['order.x'].resolve();
  await settled();
  expect(log.take()).toEqual([]);
  gates['mouse.moved'].resolve();
  await subscription.done;
  expect(bus.emit('mouse.moved', 3)).toBe(false);
  expect(log.take()).toEqual(['done']);
});
