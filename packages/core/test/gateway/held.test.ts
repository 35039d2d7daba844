import { describe, expect, it } from 'vitest';
import { knock, type TestClient, welcomed } from './support/connect-client.ts';
import { nothingLeft, useGateways, type World } from './support/use-gateways.ts';

const gateways = useGateways();

/** A world with a client that listens to job.a. */
async function listening(world: World): Promise<TestClient> {
  const client = await world.connect({ subs: [[1, 'job.a']] });
  expect(client.lines()[0]).toBe('RESULT 1 {"held":true}');
  return client;
}

async function waiting({ bus }: World): Promise<number> {
  return (await bus.stats('job.a')).waiting;
}

describe('a held topic', () => {
  it('is delivered as requests, one at a time, in order', async () => {
    const world = await gateways.open();
    await world.publish('job.a', 1, 2);
    const client = await world.connect({ subs: [[1, 'job.a']] });
    expect(client.lines()).toEqual(['RESULT 1 {"held":true}', 'DELIVERY 1 to 1: job.a 1']);
    await world.publish('job.a', 3);
    expect(client.lines()).toEqual([]);
    client.answer(1);
    await world.clock.runAll();
    expect(client.lines()).toEqual(['DELIVERY 2 to 1: job.a 2']);
    client.answer(2, { done: true });
    await world.clock.runAll();
    client.answer(3);
    await world.clock.runAll();
    expect(client.lines()).toEqual(['DELIVERY 3 to 1: job.a 3']);
    expect(await waiting(world)).toBe(0);
  });

  it('tells a delivery as it was published, and how long it may take', async () => {
    const world = await gateways.open({ bus: { handleTimeoutMs: 7_000 } });
    const client = await listening(world);
    const { id } = await world.bus.publish('job.a', { x: 1 }, { type: 'Do', sender: 'crm', headers: { h: 'v' } });
    await world.clock.runAll();
    expect(client.frames()).toEqual([
      {
        kind: 'delivery',
        id: 1,
        sub: 1,
        message: {
          id,
          topic: 'job.a',
          type: 'Do',
          body: { x: 1 },
          sender: 'crm',
          headers: { h: 'v' },
          time: world.clock.now(),
        },
        timeoutMs: 7_000,
      },
    ]);
    client.answer(1);
    await world.clock.runAll();
  });

  it('reaches observers of the bus with the answer of the client', async () => {
    const world = await gateways.open();
    const handled: unknown[] = [];
    world.bus.observe('handled', ({ results }) => handled.push(results));
    const client = await listening(world);
    await world.publish('job.a', 1);
    client.answer(1, { by: 'ann' });
    await world.clock.runAll();
    expect(handled).toEqual([[{ by: 'ann' }]]);
  });

  it('is tried again when the client fails, and is dead when the tries are used up', async () => {
    const world = await gateways.open({ bus: { maxTries: 3, retryDelayMs: 100 } });
    const client = await listening(world);
    await world.publish('job.a', 1, 2);
    for (let attempt = 1; attempt <= 3; attempt++) {
      await world.clock.advance(1_000);
      expect(client.lines()).toEqual([`DELIVERY ${attempt} to 1: job.a 1`]);
      client.fail(attempt);
    }
    await world.clock.runAll();
    expect(client.lines()).toEqual(['DELIVERY 4 to 1: job.a 2']);
    client.answer(4);
    await world.clock.runAll();
    const letters = await world.bus.deadLetters('job.a');
    expect(letters.map(({ message, reason }) => ({ body: message.body, reason }))).toEqual([
      { body: 1, reason: expect.stringContaining('remote-error: no') },
    ]);
    expect(world.takeErrors().length).toBeGreaterThan(0);
  });

  it('is tried again when the client does not answer in time, which is told to it', async () => {
    const world = await gateways.open({ bus: { maxTries: 2, handleTimeoutMs: 1_000, retryDelayMs: 10 } });
    const client = await listening(world);
    await world.publish('job.a', 1);
    await world.clock.advance(1_500);
    expect(client.lines()).toEqual(['DELIVERY 1 to 1: job.a 1', 'CANCEL 1', 'DELIVERY 2 to 1: job.a 1']);
    world.observed('ignored');
    // An answer that comes too late settles nothing else.
    client.answer(1);
    await world.clock.runAll();
    expect(world.observed('ignored')).toMatchObject([{ what: 'a reply that nobody waits for' }]);
    expect(await waiting(world)).toBe(1);
    client.answer(2);
    await world.clock.runAll();
    expect(await waiting(world)).toBe(0);
  });

  it.each<[string, (client: TestClient) => void]>([
    ['unsubscribes', (client) => client.unsubscribe(1)],
    ['disconnects', (client) => client.link.reset()],
    ['leaves', (client) => client.link.close(1000)],
  ])('keeps the message for the next listener when the client %s', async (_, leave) => {
    const world = await gateways.open();
    await world.publish('job.a', 1, 2);
    const first = await listening(world);
    leave(first);
    await world.clock.runAll();
    expect(await waiting(world)).toBe(2);
    const second = await world.connect({ subs: [[5, 'job.a']] });
    expect(second.lines()).toEqual(['RESULT 5 {"held":true}', 'DELIVERY 1 to 5: job.a 1']);
    second.answer(1);
    await world.clock.runAll();
    second.answer(2);
    await world.clock.runAll();
    expect(await waiting(world)).toBe(0);
    expect(await world.bus.deadLetters('job.a')).toEqual([]);
  });

  it.each<[string, (client: TestClient) => void]>([
    ['unsubscribes', (client) => client.unsubscribe(1)],
    ['disconnects', (client) => client.link.reset()],
  ])('counts no try of a client that has cancelled it, and %s soon after', async (_, leave) => {
    const world = await gateways.open({ bus: { maxTries: 1 } });
    const first = await listening(world);
    await world.publish('job.a', 1);
    first.cancel(1);
    await world.clock.advance(1_000);
    leave(first);
    await world.clock.runAll();
    expect(await world.bus.deadLetters('job.a')).toEqual([]);
    const second = await world.connect({ subs: [[5, 'job.a']] });
    expect(second.lines()).toEqual(['RESULT 5 {"held":true}', 'DELIVERY 1 to 5: job.a 1']);
    second.answer(1);
    await world.clock.runAll();
    expect(await waiting(world)).toBe(0);
  });

  it('is dead when a client cancels it again and again, and stays', async () => {
    const world = await gateways.open({ bus: { maxTries: 2, handleTimeoutMs: 1_000, retryDelayMs: 10 } });
    const client = await listening(world);
    await world.publish('job.a', 1);
    client.cancel(1);
    await world.clock.advance(1_500);
    client.cancel(2);
    await world.clock.advance(1_500);
    expect(await world.bus.deadLetters('job.a')).toMatchObject([{ message: { body: 1 } }]);
    expect(world.takeErrors().length).toBeGreaterThan(0);
  });

  it('tells a client that unsubscribes in the middle that its answer is not wanted', async () => {
    const world = await gateways.open();
    const client = await listening(world);
    await world.publish('job.a', 1);
    client.unsubscribe(1);
    await world.clock.runAll();
    expect(client.lines()).toEqual(['DELIVERY 1 to 1: job.a 1', 'CANCEL 1']);
  });

  it('goes to all listeners, and is handled when all have succeeded or left', async () => {
    const world = await gateways.open();
    const [ann, bob, eve] = [await listening(world), await listening(world), await listening(world)];
    await world.publish('job.a', 1, 2);
    for (const client of [ann, bob, eve]) expect(client.lines()).toEqual(['DELIVERY 1 to 1: job.a 1']);
    ann.answer(1);
    await world.clock.runAll();
    expect(await waiting(world)).toBe(2);
    bob.link.reset();
    await world.clock.runAll();
    expect(ann.lines()).toEqual([]);
    eve.answer(1);
    await world.clock.runAll();
    expect(await waiting(world)).toBe(1);
    for (const client of [ann, eve]) {
      expect(client.lines()).toEqual(['DELIVERY 2 to 1: job.a 2']);
      client.answer(2);
    }
    await world.clock.runAll();
    expect(await waiting(world)).toBe(0);
  });

  it('goes to clients and listeners in the process alike', async () => {
    const world = await gateways.open();
    const seen: unknown[] = [];
    world.bus.subscribe('job.a', ({ body }) => void seen.push(body));
    const client = await listening(world);
    await world.publish('job.a', 1, 2);
    expect(seen).toEqual([1]);
    client.answer(1);
    await world.clock.runAll();
    expect(seen).toEqual([1, 2]);
    client.answer(2);
    await world.clock.runAll();
    expect(await waiting(world)).toBe(0);
  });

  it('may be listened to twice by one client', async () => {
    const world = await gateways.open();
    const client = await world.connect({
      subs: [
        [1, 'job.a'],
        [2, 'job.a'],
      ],
    });
    await world.publish('job.a', 1);
    expect(client.lines()).toEqual([
      'RESULT 1 {"held":true}',
      'RESULT 2 {"held":true}',
      'DELIVERY 1 to 1: job.a 1',
      'DELIVERY 2 to 2: job.a 1',
    ]);
    client.answer(2);
    await world.clock.runAll();
    expect(await waiting(world)).toBe(1);
    client.answer(1);
    await world.clock.runAll();
    expect(await waiting(world)).toBe(0);
  });

  it('is delivered however many requests wait for the client', async () => {
    const world = await gateways.open({ limits: { maxPendingRequests: 1 } });
    const client = await listening(world);
    void world.gateway.request({ connection: client.welcome.connection }, 'state', null);
    await world.publish('job.a', 1);
    expect(client.lines()).toEqual(['REQUEST 1 state null', 'DELIVERY 2 to 1: job.a 1']);
    client.answer(2);
    await world.clock.runAll();
    expect(await waiting(world)).toBe(0);
  });

  it('waits for room in the outbox, without a try', async () => {
    const limits = { maxOutboxBytes: 1_000 };
    const subs = Array.from({ length: 20 }, (_, index) => [index + 1, `job.${index}`] as const);
    const timings = { stallTimeoutMs: Infinity, pingMs: 10_000_000 };
    const world = await gateways.open({ limits, timings, bus: { maxTries: 1, handleTimeoutMs: Infinity } });
    const client = await world.connect({ subs });
    client.lines();
    client.link.pause();
    for (const [, topic] of subs) await world.publish(topic, 'x'.repeat(500));
    await world.clock.advance(1_000_000);
    client.link.read(Number.POSITIVE_INFINITY);
    expect(client.link.arrived.length).toBeLessThan(4);
    client.link.resume();
    for (let answered = 0; answered < subs.length; ) {
      await world.clock.runAll();
      const deliveries = client.frames().filter((frame) => frame.kind === 'delivery');
      expect(deliveries.length).toBeGreaterThan(0);
      for (const { id } of deliveries) client.answer(id);
      answered += deliveries.length;
    }
    await world.clock.runAll();
    for (const [, topic] of subs) expect((await world.bus.stats(topic)).waiting).toBe(0);
    expect(await world.bus.deadLetters('job.0')).toEqual([]);
  });

  it('that waits for room is given up with its subscription', async () => {
    const timings = { stallTimeoutMs: Infinity, pingMs: 10_000_000 };
    const world = await gateways.open({ limits: { maxOutboxBytes: 300 }, timings });
    const client = await listening(world);
    client.subscribe(2, 'live');
    await world.clock.runAll();
    client.lines();
    client.link.pause();
    await world.publish('live', 'x'.repeat(500));
    await world.publish('job.a', 1);
    expect(await world.gateway.disconnect({ all: true })).toBe(1);
    client.link.resume();
    await world.clock.runAll();
    expect(client.lines()).not.toContainEqual(expect.stringContaining('DELIVERY'));
    expect(await waiting(world)).toBe(1);
    expect(await world.bus.deadLetters('job.a')).toEqual([]);
  });

  it('is not delivered without the right to follow it, nor after it was revoked', async () => {
    let allowed = false;
    const world = await gateways.open({ authorize: () => allowed });
    await world.publish('job.a', 1);
    const client = await world.connect({ subs: [[1, 'job.a']] });
    expect(client.lines()).toEqual(['ERROR 1 forbidden']);
    allowed = true;
    client.subscribe(2, 'job.a');
    await world.clock.runAll();
    expect(client.lines()).toEqual(['RESULT 2 {"held":true}', 'DELIVERY 1 to 2: job.a 1']);
    allowed = false;
    expect(await world.gateway.revoke({ all: true })).toBe(1);
    await world.clock.runAll();
    expect(client.lines().toSorted()).toEqual(['CANCEL 1', 'ERROR 2 forbidden']);
    client.answer(1);
    await world.clock.runAll();
    expect(await waiting(world)).toBe(1);
  });

  it('begins where a token covers it with what waits', async () => {
    const world = await gateways.open();
    const first = await listening(world);
    first.link.reset();
    await world.publish('job.a', 1);
    const second = await world.connect({ resume: first.resume, subs: [[1, 'job.a', 'covered']] });
    expect(second.lines()).toEqual(['RESULT 1 {"held":true}', 'DELIVERY 1 to 1: job.a 1']);
    second.answer(1);
    await world.clock.runAll();
    expect(await waiting(world)).toBe(0);
  });

  it('is taken over with its session, without a message lost', async () => {
    const world = await gateways.open();
    const first = await listening(world);
    await world.publish('job.a', 1);
    const link = knock(world.transport, { resume: first.resume, subs: [[1, 'job.a', 'covered']] });
    const second = await welcomed(link);
    await world.clock.runAll();
    expect(first.lines()).toEqual(['DELIVERY 1 to 1: job.a 1', 'BYE 4510']);
    first.answer(1);
    await world.clock.runAll();
    expect(await waiting(world)).toBe(1);
    expect(second.lines()).toEqual(['RESULT 1 {"held":true}', 'DELIVERY 1 to 1: job.a 1']);
    second.answer(1);
    await world.clock.runAll();
    expect(await waiting(world)).toBe(0);
  });

  it('leaves nothing behind', async () => {
    const world = await gateways.open();
    const client = await listening(world);
    await world.publish('job.a', 1);
    client.link.reset();
    await world.clock.runAll();
    expect(await world.left()).toEqual(nothingLeft);
    const handled: unknown[] = [];
    world.bus.subscribe('job.a', ({ body }) => void handled.push(body));
    await world.clock.runAll();
    expect(handled).toEqual([1]);
  });
});
