import {
  type Broker,
  createMemoryBroker,
  createMemoryRegistry,
  type Outcome,
  type Registry,
} from '@hexbus/core/gateway';
import { describe, expect, it } from 'vitest';
import { rejection } from '../support/buses.ts';
import { deferred } from '../support/deferred.ts';
import { useGateways, type World, type WorldOptions } from './support/use-gateways.ts';
import { withMethod } from './support/with-method.ts';

const gateways = useGateways();
const resumeKey = 'a key of thirty-two bytes or more';

interface Cluster {
  readonly one: World;
  readonly two: World;
  readonly registry: Registry;
  readonly broker: Broker;
}

/** Two gateways on one bus that share a registry and a broker. */
async function cluster(options: WorldOptions = {}): Promise<Cluster> {
  const on = await gateways.buses.open({
    topics: { '@user.>': { retain: { maxCount: 100 } }, 'order.>': { retain: { maxCount: 100 } } },
  });
  const registry = createMemoryRegistry({ clock: on.clock });
  const broker = createMemoryBroker({ clock: on.clock });
  const shared = { on, registry, broker, resumeKey, ...options };
  return { one: await gateways.open(shared), two: await gateways.open(shared), registry, broker };
}

describe('a request to a connection of another node', () => {
  it('reaches it, by connection and by session, and brings back its answer', async () => {
    const { one, two } = await cluster();
    const client = await two.connect({}, 'ann');
    const { connection, session } = client.welcome;
    one.observed('requested');
    const asked = [
      one.gateway.request({ connection }, 'state', { a: 1 }, { timeoutMs: 900 }),
      one.gateway.request({ session }, 'state', null),
    ];
    await one.clock.runAll();
    expect(client.frames()).toMatchObject([
      { name: 'state', body: { a: 1 }, id: 1, timeoutMs: 900 },
      { name: 'state', body: null, id: 2, timeoutMs: 10_000 },
    ]);
    client.answer(1, 'one');
    client.fail(2);
    expect(await Promise.all(asked)).toEqual([
      { status: 'success', body: 'one' },
      { status: 'error', code: 'remote-error', message: 'no' },
    ]);
    expect(one.observed('requested').map(({ status }) => status)).toEqual(['success', 'remote-error']);
  });

  it('P29: ends in its time, which nothing on the way makes longer', async () => {
    const { one, two } = await cluster();
    const { connection } = (await two.connect()).welcome;
    const before = one.clock.pendingTimers;
    const ends: string[] = [];
    void one.gateway.request({ connection }, 'state', 1, { timeoutMs: 500 }).then(({ status }) => ends.push(status));
    await one.clock.advance(499);
    expect(ends).toEqual([]);
    await one.clock.advance(1);
    expect(ends).toEqual(['timeout']);
    await one.clock.advance(1_000);
    expect(one.clock.pendingTimers).toBe(before);
  });

  it('P29: tells the client what is left of its time', async () => {
    const on = await gateways.buses.open();
    const registry = createMemoryRegistry({ clock: on.clock });
    const broker = createMemoryBroker({ clock: on.clock });
    let findMs = 400;
    const find: Registry['find'] = (query) =>
      findMs === 0
        ? registry.find(query)
        : new Promise((resolve) => void on.clock.setTimer(() => resolve(registry.find(query)), findMs));
    const one = await gateways.open({ on, registry: withMethod(registry, 'find', find), broker });
    const two = await gateways.open({ on, registry, broker });
    const client = await two.connect({}, 'ann');
    const { connection } = client.welcome;
    const asked = [500, Infinity].map((timeoutMs) => one.gateway.request({ connection }, 'state', 1, { timeoutMs }));
    await on.clock.advance(400);
    expect(client.frames()).toMatchObject([{ timeoutMs: 100 }, { timeoutMs: Infinity }]);
    await on.clock.advance(100);
    expect(await asked[0]).toEqual({ status: 'timeout' });
    client.answer(2, 'late');
    await on.clock.runAll();
    expect(await asked[1]).toEqual({ status: 'success', body: 'late' });
    findMs = 0;
  });

  it('without a limit of time waits for the answer', async () => {
    const { one, two } = await cluster();
    const client = await two.connect({}, 'ann');
    const { connection } = client.welcome;
    let outcome: Outcome | undefined;
    void one.gateway.request({ connection }, 'state', 1, { timeoutMs: Infinity }).then((end) => {
      outcome = end;
    });
    for (let n = 0; n < 30; n++) {
      await one.clock.advance(20_000);
      client.send(14);
    }
    expect(outcome).toBeUndefined();
    client.answer(1, 'late');
    await one.clock.runAll();
    expect(outcome).toEqual({ status: 'success', body: 'late' });
  });

  it('given up ends as cancelled, and the client is told', async () => {
    const { one, two } = await cluster();
    const client = await two.connect();
    const controller = new AbortController();
    const asked = one.gateway.request({ connection: client.welcome.connection }, 'state', 1, {
      signal: controller.signal,
    });
    await one.clock.runAll();
    controller.abort();
    expect(await asked).toMatchObject({ status: 'error', code: 'cancelled' });
    await one.clock.runAll();
    expect(client.lines()).toEqual(['REQUEST 1 state 1', 'CANCEL 1']);
    client.answer(1);
    await one.clock.runAll();
    expect(
      await one.gateway.request({ connection: client.welcome.connection }, 'state', 1, { signal: controller.signal }),
    ).toMatchObject({ code: 'cancelled' });
  });

  it('with a body that JSON cannot carry is refused', async () => {
    const { one, two } = await cluster();
    const { connection } = (await two.connect()).welcome;
    expect(await rejection(one.gateway.request({ connection }, 'state', 1n))).toMatchObject({
      code: 'HEXBUS_INVALID_BODY',
    });
  });

  it('49: whose client goes ends as disconnected, once', async () => {
    const { one, two } = await cluster();
    const client = await two.connect();
    const asked = one.gateway.request({ connection: client.welcome.connection }, 'state', 1);
    await one.clock.runAll();
    client.link.reset();
    expect(await asked).toMatchObject({ status: 'error', code: 'disconnected' });
  });

  it('49: whose node leaves before the answer ends as disconnected', async () => {
    const { one, two } = await cluster();
    const client = await two.connect();
    const asked = one.gateway.request({ connection: client.welcome.connection }, 'state', 1);
    await one.clock.runAll();
    await two.close();
    expect(await asked).toMatchObject({ status: 'error', code: 'disconnected' });
  });

  it('49: whose node hangs ends as timeout', async () => {
    const on = await gateways.buses.open();
    const registry = createMemoryRegistry({ clock: on.clock });
    const broker = createMemoryBroker({ clock: on.clock });
    const one = await gateways.open({
      on,
      registry,
      broker: withMethod(broker, 'request', () => new Promise(() => {})),
    });
    const two = await gateways.open({ on, registry, broker });
    const { connection } = (await two.connect()).welcome;
    const asked = one.gateway.request({ connection }, 'state', 1, { timeoutMs: 700 });
    await on.clock.advance(700);
    expect(await asked).toEqual({ status: 'timeout' });
  });

  it('ends in its time when the registry never answers, and as disconnected when it fails', async () => {
    const on = await gateways.buses.open();
    const registry = createMemoryRegistry({ clock: on.clock });
    const answer = deferred<never>();
    let isStuck = true;
    const find: Registry['find'] = (query) => (isStuck ? answer.promise : registry.find(query));
    const world = await gateways.open({ on, registry: withMethod(registry, 'find', find) });
    const asked = world.gateway.request({ connection: 'x' }, 'state', 1, { timeoutMs: 300 });
    const second = world.gateway.request({ connection: 'x' }, 'state', 1, { timeoutMs: 3_000 });
    await on.clock.advance(300);
    expect(await asked).toEqual({ status: 'timeout' });
    answer.reject(new Error('no registry'));
    expect(await second).toMatchObject({ code: 'disconnected' });
    await on.clock.runAll();
    expect(world.observed('error').map(({ error }) => (error as Error).message)).toContain('no registry');
    isStuck = false;
  });

  it('ends as disconnected when the broker rejects, and when it throws, which the observer is told', async () => {
    const on = await gateways.buses.open();
    const registry = createMemoryRegistry({ clock: on.clock });
    const trouble = new Error('draining');
    const two = await gateways.open({ on, registry });
    const { connection } = (await two.connect()).welcome;
    const ways: readonly (() => unknown)[] = [
      () => Promise.reject(trouble),
      () => {
        throw trouble;
      },
    ];
    for (const way of ways) {
      const one = await gateways.open({ on, registry, broker: withMethod(createMemoryBroker(), 'request', way) });
      const asked = one.gateway.request({ connection }, 'state', 1);
      expect(await asked).toMatchObject({ status: 'error', code: 'disconnected' });
      expect(one.observed('error').map(({ error }) => error)).toEqual([trouble]);
    }
  });

  it('is over in its time also when the broker rejects what gives it up there', async () => {
    const on = await gateways.buses.open();
    const registry = createMemoryRegistry({ clock: on.clock });
    const request = (_: string, text: string): Promise<never> =>
      text.includes('"cancel"') ? Promise.reject(new Error('draining')) : new Promise(() => {});
    const one = await gateways.open({
      on,
      registry,
      broker: withMethod(createMemoryBroker(), 'request', request),
    });
    const two = await gateways.open({ on, registry });
    const { connection } = (await two.connect()).welcome;
    const asked = one.gateway.request({ connection }, 'state', 1, { timeoutMs: 100 });
    await on.clock.advance(100);
    expect(await asked).toEqual({ status: 'timeout' });
    expect(one.observed('error')).toHaveLength(1);
  });

  it.each(['', '{', 'null', '7', '{}', '{"status":"fine"}'])(
    'answered with %j by a node is invalid-reply',
    async (text) => {
      const { one, registry, broker } = await cluster();
      await registry.open('strange');
      await broker.open('strange', async () => text);
      const entry = {
        id: 'c1',
        node: 'strange',
        session: 's1',
        transport: 'memory',
        capabilities: [],
        connectedAt: 0,
        generation: 1,
      };
      await registry.register(entry);
      expect(await one.gateway.request({ connection: 'c1' }, 'state', 1)).toMatchObject({
        status: 'error',
        code: 'invalid-reply',
      });
      await broker.close('strange');
      await registry.close('strange');
    },
  );

  it('ends as disconnected when its own gateway closes', async () => {
    const { one, two } = await cluster();
    const client = await two.connect();
    const { connection } = client.welcome;
    const asked = one.gateway.request({ connection }, 'state', 1, { timeoutMs: Infinity });
    await one.clock.runAll();
    await one.close();
    expect(await asked).toMatchObject({ status: 'error', code: 'disconnected' });
    await one.clock.runAll();
    expect(client.lines()).toEqual(['REQUEST 1 state 1', 'CANCEL 1']);
  });
});

describe('who is connected where', () => {
  it('is the same on every node, oldest first', async () => {
    const { one, two } = await cluster();
    const ids: string[] = [];
    for (const world of [one, two, one]) {
      ids.push((await world.connect({ caps: ['console'] }, 'ann')).welcome.connection);
      await one.clock.advance(1);
    }
    for (const { gateway } of [one, two]) {
      const found = await gateway.connections.find({ user: 'ann', capability: 'console' });
      expect(found.map(({ id }) => id)).toEqual(ids);
      expect(found.map(({ node }) => node)).toEqual([one, two, one].map((world) => world.gateway.node));
    }
    expect([one.gateway.connections.count, two.gateway.connections.count]).toEqual([2, 1]);
  });

  it('49, P33: a node that died is gone after its lease, and its connections with it', async () => {
    const { one, registry, broker } = await cluster();
    await registry.open('dead');
    await broker.open('dead', () => new Promise(() => {}));
    const entry = {
      id: 'c1',
      node: 'dead',
      session: 's1',
      transport: 'memory',
      capabilities: [],
      connectedAt: 0,
      generation: 1,
    };
    await registry.register(entry);
    await one.connect();
    await one.clock.advance(14_999);
    expect(await one.gateway.connections.find()).toHaveLength(2);
    await one.clock.advance(1);
    expect((await one.gateway.connections.find()).map(({ node }) => node)).toEqual([one.gateway.node]);
    expect(await one.gateway.request({ connection: 'c1' }, 'state', 1)).toMatchObject({ code: 'not-found' });
    await one.clock.advance(30_000);
    expect((await one.gateway.connections.find()).map(({ node }) => node)).toEqual([one.gateway.node]);
  });

  it('P33: a node that was taken for dead tells of its connections again, each once', async () => {
    const on = await gateways.buses.open();
    const registry = createMemoryRegistry({ clock: on.clock });
    let arrives = false;
    const renew: Registry['renew'] = async (node) => arrives && registry.renew(node);
    const one = await gateways.open({ on, registry: withMethod(registry, 'renew', renew) });
    const two = await gateways.open({ on, registry });
    await one.connect();
    await on.clock.advance(registry.leaseMs);
    expect(await two.gateway.connections.find()).toEqual([]);
    arrives = true;
    await on.clock.advance(registry.leaseMs / 3);
    expect(await two.gateway.connections.find()).toHaveLength(1);
  });

  it('P33: is told once more what the registry failed to take', async () => {
    const on = await gateways.buses.open();
    const registry = createMemoryRegistry({ clock: on.clock });
    let isDown = true;
    const whenUp =
      (verb: 'register' | 'unregister') =>
      (given: never): Promise<void> =>
        isDown ? Promise.reject(new Error('no registry')) : registry[verb](given);
    const world = await gateways.open({
      on,
      registry: withMethod(withMethod(registry, 'register', whenUp('register')), 'unregister', whenUp('unregister')),
    });
    const gone = await world.connect();
    const { connection } = (await world.connect()).welcome;
    gone.link.reset();
    await on.clock.advance(4_999);
    expect(await world.gateway.connections.find()).toEqual([]);
    isDown = false;
    await on.clock.advance(1);
    expect((await world.gateway.connections.find()).map(({ id }) => id)).toEqual([connection]);
    isDown = true;
    await world.gateway.disconnect({ connection });
    await on.clock.advance(4_999);
    expect(await world.gateway.connections.find()).toHaveLength(1);
    isDown = false;
    await on.clock.advance(1);
    expect(await world.gateway.connections.find()).toEqual([]);
    expect(world.observed('error')).toHaveLength(4);
  });
});
