import { createMemoryRegistry } from '@hexbus/core/gateway';
import { describe, expect, it } from 'vitest';
import { knock, type TestClient } from './support/connect-client.ts';
import { nothingLeft, useGateways, type World } from './support/use-gateways.ts';

const gateways = useGateways();

const maxOutboxBytes = 2_000;
const stallTimeoutMs = 30_000;
const limits = { maxOutboxBytes };
/** Pings would be frames among those that are counted here. */
const timings = { pingMs: 100_000_000, stallTimeoutMs };

function count(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

/** What waits for a client that is paused, when nothing more happens. */
function takeWaiting({ link, lines }: TestClient): { readonly bytes: number; readonly lines: readonly string[] } {
  link.read(Number.POSITIVE_INFINITY);
  const bytes = link.arrived.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  return { bytes, lines: lines() };
}

async function paused(world: World, topic: string, user?: string): Promise<TestClient> {
  const client = await world.connect({ subs: [[1, topic]] }, user);
  client.lines();
  client.link.pause();
  return client;
}

describe('a slow client of retained topics', () => {
  it('lags: nothing is lost, and what waits for it is bounded', async () => {
    const world = await gateways.open({ limits, timings });
    const slow = await paused(world, 'order.a');
    const fast = await world.connect({ subs: [[1, 'order.a']] });
    await world.publish('order.a', ...count(1, 300));
    expect(fast.lines()).toHaveLength(301);
    const seen: string[] = [];
    for (let round = 0; round < 100 && seen.length < 300; round++) {
      const { bytes, lines } = takeWaiting(slow);
      expect(bytes).toBeGreaterThan(0);
      expect(bytes).toBeLessThan(maxOutboxBytes + 200);
      seen.push(...lines);
      await world.clock.runAll();
    }
    expect(seen).toEqual(count(1, 300).map((body) => `order.a#${body} ${body}`));
    slow.link.resume();
    await world.publish('order.a', 301);
    expect(slow.lines()).toEqual(['order.a#301 301']);
  });

  it('is found with how far it is behind, and what waits for it, by the gateway where it is', async () => {
    const on = await gateways.buses.open();
    const registry = createMemoryRegistry({ clock: on.clock });
    const world = await gateways.open({ on, registry, limits, timings });
    const other = await gateways.open({ on, registry });
    const slow = await paused(world, 'order.a', 'slow');
    const late = await world.connect({ subs: [[1, 'order.b']] }, 'fast');
    const none = { lag: 0, bufferedBytes: 0 };
    expect(await world.gateway.connections.find()).toMatchObject([none, none]);
    await world.publish('order.a', ...count(1, 300));
    const [found] = await world.gateway.connections.find({ user: 'slow' });
    expect(found?.lag).toBeGreaterThan(200);
    expect(found?.lag).toBeLessThan(300);
    expect(found?.bufferedBytes).toBeGreaterThanOrEqual(maxOutboxBytes);
    expect(await world.gateway.connections.find({ user: 'fast' })).toMatchObject([none]);
    const [elsewhere] = await other.gateway.connections.find({ user: 'slow' });
    expect(elsewhere).toMatchObject({ id: slow.welcome.connection });
    expect(elsewhere).not.toHaveProperty('lag');
    slow.link.resume();
    await world.clock.runAll();
    expect(await world.gateway.connections.find()).toMatchObject([none, none]);
    // One subscription that is still at the beginning counts, whatever the others have.
    late.link.pause();
    late.subscribe(2, 'order.a', 'earliest');
    await world.clock.runAll();
    const [behind] = await world.gateway.connections.find({ user: 'fast' });
    expect(behind?.lag).toBeGreaterThan(200);
    late.link.resume();
    await world.clock.runAll();
    expect(await world.gateway.connections.find({ user: 'fast' })).toMatchObject([none]);
  });

  it('is bounded in a single turn too', async () => {
    const world = await gateways.open({ limits, timings });
    const slow = await paused(world, 'order.a');
    for (const body of count(1, 300)) void world.bus.publish('order.a', body);
    await world.clock.runAll();
    expect(takeWaiting(slow).bytes).toBeLessThan(maxOutboxBytes + 200);
    slow.link.resume();
    await world.clock.runAll();
    expect(slow.lines().at(-1)).toBe('order.a#300 300');
  });

  it('gets a message that is larger than its bound when nothing else waits', async () => {
    const world = await gateways.open({ limits, timings });
    const client = await world.connect({ subs: [[1, 'order.a']] });
    client.lines();
    const large = 'x'.repeat(10 * maxOutboxBytes);
    await world.publish('order.a', 1, large, 2);
    expect(client.lines()).toEqual(['order.a#1 1', `order.a#2 "${large}"`, 'order.a#3 2']);
  });

  it('catches up from the store, with its addresses and what begins earlier', async () => {
    const world = await gateways.open({
      limits,
      timings,
      topics: { 'order.>': { retain: { maxCount: 10_000 } }, '@user.>': { retain: { maxCount: 1_000 } } },
    });
    const slow = await paused(world, 'order.a', 'ann');
    // More than the bus keeps in memory.
    for (const body of count(1, 3_000)) void world.bus.publish('order.a', body);
    await world.gateway.post({ user: 'ann' }, 'Hi', 1);
    await world.clock.runAll();
    slow.subscribe(2, 'order.b', 'earliest');
    slow.link.resume();
    await world.clock.runAll();
    const lines = slow.lines().filter((line) => !line.startsWith('RESULT') && line !== 'PING');
    expect(lines).toHaveLength(3_001);
    expect(lines.slice(0, 3)).toEqual(['order.a#1 1', 'order.a#2 2', 'order.a#3 3']);
    expect(lines.at(-1)).toContain('@user.ann#3001 Hi 1');
    expect(new Set(lines).size).toBe(3_001);
  });

  it('resumes after a cut where it was', async () => {
    const world = await gateways.open({ limits, timings });
    const slow = await paused(world, 'order.a');
    await world.publish('order.a', ...count(1, 100));
    const { lines } = takeWaiting(slow);
    slow.link.reset();
    const next = await world.connect({ resume: slow.resume, subs: [[1, 'order.a', 'covered']] });
    const rest = next.lines().filter((line) => line.includes('order.a#'));
    expect([...lines, ...rest]).toEqual(
      count(1, 100).map((body) => expect.stringContaining(`order.a#${body} ${body}`)),
    );
  });
});

describe('a slow client of topics that are not retained', () => {
  it('loses what finds no room, is told of the topics, and gets what follows', async () => {
    const world = await gateways.open({ limits, timings });
    world.observed('dropped');
    const slow = await paused(world, 'chat.*');
    for (const body of count(1, 100)) world.bus.emit(body === 100 ? 'chat.b' : 'chat.a', body);
    await world.clock.runAll();
    const { bytes, lines } = takeWaiting(slow);
    expect(bytes).toBeLessThan(maxOutboxBytes + 200);
    expect(lines).toEqual(count(1, lines.length).map((body) => `chat.a ${body}`));
    expect(world.observed('dropped').map(({ topic }) => topic)).toEqual([
      ...count(lines.length + 1, 99).map(() => 'chat.a'),
      'chat.b',
    ]);
    slow.link.resume();
    await world.clock.runAll();
    world.bus.emit('chat.a', 101);
    await world.clock.runAll();
    expect(slow.lines()).toEqual(['GAP dropped chat.a,chat.b', 'chat.a 101']);
    world.bus.emit('chat.a', 102);
    await world.clock.runAll();
    expect(slow.lines()).toEqual(['chat.a 102']);
  });

  it('is told of the drop before anything that follows, also in the same turn', async () => {
    const world = await gateways.open({ limits, timings });
    const client = await world.connect({ subs: [[1, 'chat.*']] });
    client.lines();
    for (const body of count(1, 100)) world.bus.emit('chat.a', body);
    await world.clock.runAll();
    world.bus.emit('chat.a', 101);
    await world.clock.runAll();
    const lines = client.lines();
    expect(lines.slice(-2)).toEqual(['GAP dropped chat.a', 'chat.a 101']);
    expect(lines.slice(0, -2)).toEqual(count(1, lines.length - 2).map((body) => `chat.a ${body}`));
  });

  it('is told only that something was dropped when it was of many topics', async () => {
    const world = await gateways.open({ limits: { maxOutboxBytes: 10 }, timings });
    const slow = await paused(world, 'chat.*');
    for (const body of count(0, 30)) world.bus.emit(`chat.n${body}`, body);
    slow.link.resume();
    await world.clock.runAll();
    expect(slow.lines()).toEqual(['chat.n0 0', 'GAP dropped']);
  });

  it('loses nothing of its retained topics beside them', async () => {
    const world = await gateways.open({ limits, timings });
    const slow = await paused(world, '>');
    for (const body of count(1, 50)) {
      world.bus.emit('chat.a', body);
      void world.bus.publish('order.a', body);
    }
    await world.clock.runAll();
    const first = takeWaiting(slow).lines;
    slow.link.resume();
    await world.clock.runAll();
    const lines = [...first, ...slow.lines()];
    expect(lines.filter((line) => line.startsWith('order.a'))).toEqual(
      count(1, 50).map((body) => `order.a#${body} ${body}`),
    );
    expect(lines.filter((line) => line.startsWith('GAP'))).toEqual(['GAP dropped chat.a']);
  });
});

describe('a client that takes nothing', () => {
  it('is terminated after stallTimeoutMs, and told why when it comes back', async () => {
    const world = await gateways.open({ limits, timings });
    world.observed('stalled');
    const slow = await paused(world, 'order.a', 'ann');
    await world.publish('order.a', ...count(1, 100));
    await world.clock.advance(stallTimeoutMs - 1);
    expect(world.gateway.connections.count).toBe(1);
    await world.clock.advance(1);
    expect(await slow.link.closed).toEqual({ code: 1006, reason: '' });
    expect(await world.left()).toEqual(nothingLeft);
    const [stalled] = world.observed('stalled');
    expect(stalled).toMatchObject({ connection: slow.welcome.connection, userId: 'ann' });
    expect(stalled?.bufferedBytes).toBeGreaterThan(0);
    expect(stalled?.bufferedBytes).toBeLessThan(maxOutboxBytes + 200);
    const next = await world.connect({ resume: slow.resume, subs: [[1, 'order.a', 'covered']] }, 'ann');
    expect(next.welcome).toMatchObject({ resumed: true, last: { code: 4101, reason: 'took nothing for too long' } });
    const events = next.lines().filter((line) => line.includes('order.a#'));
    expect(events).toEqual(count(1, 100).map((body) => expect.stringContaining(`order.a#${body} ${body}`)));
  });

  it('lives as long as it takes something now and then', async () => {
    const world = await gateways.open({ limits, timings });
    const slow = await paused(world, 'order.a');
    for (const body of count(1, 30)) {
      await world.publish('order.a', body);
      await world.clock.advance(stallTimeoutMs / 2);
      slow.link.read(1);
    }
    expect(world.gateway.connections.count).toBe(1);
    slow.link.resume();
    await world.clock.runAll();
    expect(slow.lines()).toEqual(count(1, 30).map((body) => `order.a#${body} ${body}`));
  });

  it('lives though more comes in than it takes', async () => {
    const world = await gateways.open({ limits, timings });
    const slow = await paused(world, 'order.a');
    await world.publish('order.a', 1);
    await world.clock.advance(1);
    await world.publish('order.a', ...count(2, 5));
    await world.clock.advance(stallTimeoutMs / 2);
    slow.link.read(1);
    await world.clock.advance(stallTimeoutMs / 2);
    expect(world.gateway.connections.count).toBe(1);
    await world.clock.advance(stallTimeoutMs);
    expect(world.gateway.connections.count).toBe(0);
  });

  it('is overloaded for requests', async () => {
    const world = await gateways.open({ limits, timings });
    const slow = await paused(world, 'order.a');
    await world.publish('order.a', ...count(1, 100));
    const { connection } = slow.welcome;
    expect(await world.gateway.request({ connection }, 'state', {})).toMatchObject({
      status: 'error',
      code: 'overloaded',
    });
  });

  it.each<[string, (world: World, slow: TestClient) => unknown]>([
    ['disconnected', ({ gateway }, { welcome }) => gateway.disconnect({ connection: welcome.connection })],
    ['taken over', ({ transport }, { resume }) => knock(transport, { resume })],
    ['wrong', (_, { link }) => link.send('nonsense')],
  ])('is freed when it is %s', async (_, end) => {
    const world = await gateways.open({ limits: { maxOutboxBytes: 10_000 }, timings });
    const slow = await paused(world, 'order.a');
    await world.publish('order.a', 1);
    world.observed('disconnected');
    await end(world, slow);
    while (world.observed('disconnected').length === 0) await world.clock.runAll();
    let closed = false;
    void slow.link.closed.then(() => {
      closed = true;
    });
    await world.clock.advance(stallTimeoutMs - 1);
    expect(closed).toBe(false);
    await world.clock.advance(1);
    expect(closed).toBe(true);
  });

  it('is not read any more while what it asked for has no room', async () => {
    const world = await gateways.open({ limits: { ...limits, maxFrameBurst: 10_000, maxRunningAsks: 1_000 }, timings });
    let asked = 0;
    world.gateway.handle('big', () => {
      asked += 1;
      return 'x'.repeat(500);
    });
    const slow = await world.connect();
    slow.link.pause();
    for (const id of count(1, 1_000)) {
      slow.send('big', null, id);
      await world.clock.runAll();
    }
    expect(asked).toBeLessThan(20);
    slow.link.resume();
    await world.clock.runAll();
    expect(asked).toBe(1_000);
    expect(slow.lines()).toHaveLength(1_000);
  });
});
