import {
  type Broker,
  type ConnectionQuery,
  createMemoryBroker,
  createMemoryRegistry,
  type Registry,
} from '@hexbus/core/gateway';
import { createVirtualClock, type VirtualClock } from '@hexbus/testkit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Disconnects } from '../../src/gateway/admission/disconnects.ts';
import type { LiveConnection } from '../../src/gateway/connection/live-connection.ts';
import { TakeOvers } from '../../src/gateway/nodes/take-overs.ts';
import { Sessions } from '../../src/gateway/sessions/sessions.ts';
import { deferred } from '../support/deferred.ts';
import { useGateways } from './support/use-gateways.ts';
import { withMethod } from './support/with-method.ts';

const gateways = useGateways();
const session = 'urn:hexbus:session:x';
const resumeKey = 'a key of thirty-two bytes or more';

describe('a session that goes on at another node', () => {
  it('is taken over: the old connection ends with 4510, and messages go to the new one only', async () => {
    const on = await gateways.buses.open();
    const registry = createMemoryRegistry({ clock: on.clock });
    const broker = createMemoryBroker({ clock: on.clock });
    const shared = { on, registry, broker, resumeKey };
    const [one, two] = [await gateways.open(shared), await gateways.open(shared)];
    const old = await one.connect({}, 'ann');
    const now = await two.connect({ resume: old.resume }, 'ann');
    await one.clock.runAll();
    expect(now.welcome).toMatchObject({ resumed: true, session: old.welcome.session });
    expect(await old.link.closed).toMatchObject({ code: 4510 });
    expect(old.lines()).toEqual(['BYE 4510']);
    const { receivers } = await two.gateway.post({ session: now.welcome.session }, 'Hello', 1);
    await one.clock.runAll();
    expect(receivers).toBe(1);
    expect(now.lines()).toHaveLength(1);
    const found = await one.gateway.connections.find({ session: old.welcome.session });
    expect(found.map(({ id }) => id)).toEqual([now.welcome.connection]);
  });

  it('P33: rises by one with each connection that is known, here or elsewhere', async () => {
    const on = await gateways.buses.open();
    const registry = createMemoryRegistry({ clock: on.clock });
    const shared = { on, registry, broker: createMemoryBroker({ clock: on.clock }), resumeKey };
    const [one, two] = [await gateways.open(shared), await gateways.open(shared)];
    let { resume } = await one.connect({}, 'ann');
    const generations: unknown[] = [];
    for (const world of [one, one, two, one]) {
      ({ resume } = await world.connect({ resume }, 'ann'));
      generations.push(...(await registry.find({})).map(({ generation }) => generation));
    }
    expect(generations).toEqual([2, 3, 4, 5]);
  });

  it('and comes back meanwhile is not ended by what was meant for the connection before', async () => {
    const on = await gateways.buses.open();
    const registry = createMemoryRegistry({ clock: on.clock });
    const broker = createMemoryBroker({ clock: on.clock });
    const held = deferred();
    const slow = withMethod(broker, 'request', (...parts: Parameters<Broker['request']>) =>
      held.promise.then(() => broker.request(...parts)),
    );
    let looked = Promise.resolve();
    const one = await gateways.open({
      on: { ...on, clock: withMethod(on.clock, 'now', () => on.clock.now() - 300) },
      registry: withMethod(registry, 'find', (query: ConnectionQuery) => looked.then(() => registry.find(query))),
      broker,
      resumeKey,
    });
    const two = await gateways.open({ on, registry, broker: slow, resumeKey });
    const first = await one.connect({}, 'ann');
    await on.clock.advance(1);
    const second = await two.connect({ resume: first.resume }, 'ann');
    await on.clock.advance(1);
    const look = deferred();
    looked = look.promise;
    const third = await one.connect({ resume: second.resume }, 'ann');
    held.resolve();
    await on.clock.runAll();
    look.resolve();
    await on.clock.runAll();
    expect(await first.link.closed).toMatchObject({ code: 4510 });
    expect(await second.link.closed).toMatchObject({ code: 4510 });
    expect(third.lines().filter((line) => line.startsWith('BYE'))).toEqual([]);
    expect(await one.gateway.connections.find()).toHaveLength(1);
  });

  it('and comes back at two nodes at once keeps one connection', async () => {
    const on = await gateways.buses.open();
    const registry = createMemoryRegistry({ clock: on.clock });
    const broker = createMemoryBroker({ clock: on.clock });
    const held = deferred();
    const find: Registry['find'] = (query) => held.promise.then(() => registry.find(query));
    const shared = { on, registry: withMethod(registry, 'find', find), broker, resumeKey };
    const [one, two, three] = [await gateways.open(shared), await gateways.open(shared), await gateways.open(shared)];
    const first = await one.connect({}, 'ann');
    first.link.reset();
    const both = [
      await two.connect({ resume: first.resume }, 'ann'),
      await three.connect({ resume: first.resume }, 'ann'),
    ];
    held.resolve();
    await on.clock.runAll();
    const ended = both.filter((client) => client.lines().includes('BYE 4510'));
    expect(ended).toHaveLength(1);
    expect(await registry.find({ session: first.welcome.session })).toHaveLength(1);
  });

  it('and comes back at two nodes at once keeps one connection, however long the registry takes', async () => {
    const on = await gateways.buses.open();
    const registry = createMemoryRegistry({ clock: on.clock });
    const broker = createMemoryBroker({ clock: on.clock });
    const register: Registry['register'] = (entry) => passed(on.clock, 20).then(() => registry.register(entry));
    const shared = { on, registry: withMethod(registry, 'register', register), broker, resumeKey };
    const [one, two, three] = [await gateways.open(shared), await gateways.open(shared), await gateways.open(shared)];
    const first = await one.connect({}, 'ann');
    await on.clock.advance(100);
    first.link.reset();
    await on.clock.advance(100);
    const both = [
      await two.connect({ resume: first.resume }, 'ann'),
      await three.connect({ resume: first.resume }, 'ann'),
    ];
    await on.clock.advance(1_000);
    expect(both.filter((client) => client.lines().includes('BYE 4510'))).toHaveLength(1);
    expect(await registry.find({ session: first.welcome.session })).toHaveLength(1);
  });

  it('goes on there also where the clock is behind', async () => {
    const on = await gateways.buses.open();
    const registry = createMemoryRegistry({ clock: on.clock });
    const broker = createMemoryBroker({ clock: on.clock });
    const shared = { on, registry, broker, resumeKey };
    const behind = { ...on, clock: withMethod(on.clock, 'now', () => on.clock.now() - 300) };
    const [one, two] = [await gateways.open(shared), await gateways.open({ ...shared, on: behind })];
    const old = await one.connect({}, 'ann');
    await on.clock.advance(100);
    const now = await two.connect({ resume: old.resume }, 'ann');
    await on.clock.runAll();
    expect(await old.link.closed).toMatchObject({ code: 4510 });
    expect(now.lines()).toEqual([]);
    const found = await registry.find({ session: old.welcome.session });
    expect(found.map(({ id }) => id)).toEqual([now.welcome.connection]);
  });

  it('is asked there, also as long as the old connection is registered', async () => {
    const on = await gateways.buses.open();
    const registry = createMemoryRegistry({ clock: on.clock });
    const broker = createMemoryBroker({ clock: on.clock });
    const deaf = withMethod(broker, 'request', () => new Promise(() => {}));
    const shared = { on, registry, broker, resumeKey };
    const [one, two, three] = [
      await gateways.open(shared),
      await gateways.open({ ...shared, broker: deaf }),
      await gateways.open(shared),
    ];
    const old = await one.connect({}, 'ann');
    await on.clock.advance(1);
    const now = await two.connect({ resume: old.resume }, 'ann');
    const { session } = old.welcome;
    expect(await registry.find({ session })).toHaveLength(2);
    const asked = three.gateway.request({ session }, 'who', null);
    await on.clock.runAll();
    expect([old.lines(), now.lines()]).toEqual([[], ['REQUEST 1 who null']]);
    now.answer(1, 'now');
    expect(await asked).toEqual({ status: 'success', body: 'now' });
  });
});

it('of a session that comes back at any nodes at any times one connection stays', async () => {
  const step = fc.record({ node: fc.nat(2), gapMs: fc.constantFrom(0, 1, 7, 30, 200) });
  const delays = fc.infiniteStream(fc.constantFrom(0, 1, 5, 10, 40));
  const runs = process.env['HEXBUS_DEEP'] === '1' ? 20_000 : 500;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), delays, async (steps, ms) => {
      const cluster = new Cluster(() => ms.next().value);
      for (const { node, gapMs } of steps) {
        cluster.comeBack(node);
        await cluster.clock.advance(gapMs);
      }
      await cluster.clock.advance(10_000);
      expect(cluster.live).toHaveLength(1);
      expect((await cluster.registry.find({})).map(({ id }) => id)).toEqual(cluster.live);
      expect(cluster.errors).toEqual([]);
    }),
    { numRuns: runs, includeErrorInReport: true },
  );
});

/** Three nodes to which one session comes back, with a registry and a broker that take as long as they are told. */
class Cluster {
  readonly clock = createVirtualClock();
  readonly registry = createMemoryRegistry({ clock: this.clock, leaseMs: 1_000_000 });
  readonly errors: unknown[] = [];
  readonly #delayMs: () => number;
  readonly #nodes: readonly { readonly sessions: Sessions; readonly takeOvers: TakeOvers }[];
  /** By node: what it called last, as calls of a node take effect in their order. */
  readonly #calls = new Map<string, Promise<unknown>>();
  #count = 0;

  constructor(delayMs: () => number) {
    this.#delayMs = delayMs;
    this.#nodes = ['n0', 'n1', 'n2'].map((node) => {
      void this.registry.open(node);
      const sessions = new Sessions({
        clock: this.clock,
        resumeWindowMs: 1_000_000,
        maxDetached: 9,
        maxRemembered: 9,
        disconnects: new Disconnects(this.clock, 9),
        onExpired: () => undefined,
      });
      return { sessions, takeOvers: this.#takeOvers(node, sessions) };
    });
  }

  get live(): string[] {
    return this.#nodes.flatMap(({ sessions }) => sessions.connectionOf(session)?.id ?? []);
  }

  /** As a gateway does it. */
  comeBack(index: number): void {
    const { sessions, takeOvers } = this.#nodes[index]!;
    const id = `c${(this.#count++ * 7) % 10}`;
    const end = (code: number, reason: string): void => {
      sessions.detach(session, connection, { code, reason });
      void this.#called(`n${index}`, () => this.registry.unregister(id));
    };
    const connection = { id, end } as unknown as LiveConnection;
    sessions.attach({ session, secret: '', userId: undefined, addresses: [], byTicket: false }, connection);
    void takeOvers.begin(connection);
  }

  #takeOvers(node: string, sessions: Sessions): TakeOvers {
    return new TakeOvers({
      sessions,
      entryOf: ({ id }) => ({
        id,
        node,
        session,
        transport: 'memory',
        capabilities: [],
        connectedAt: 0,
        generation: sessions.generationOf(session),
      }),
      register: (entry) => this.#called(node, () => this.registry.register(entry)),
      findSession: () => this.#called(node, () => this.registry.find({ session })),
      tell: (other, by) =>
        passed(this.clock, this.#delayMs()).then(() =>
          this.#nodes[Number(other.node[1])]!.takeOvers.giveWay(other.id, by),
        ),
      onError: (error) => this.errors.push(error),
    });
  }

  /** The call takes effect after a while, and its answer takes another. */
  #called<Answer>(node: string, call: () => Promise<Answer>): Promise<Answer> {
    const before = this.#calls.get(node);
    const done = passed(this.clock, this.#delayMs())
      .then(() => before)
      .then(call);
    this.#calls.set(node, done);
    return done.then((answer) => passed(this.clock, this.#delayMs()).then(() => answer));
  }
}

function passed(clock: VirtualClock, ms: number): Promise<void> {
  return new Promise((resolve) => void clock.setTimer(resolve, ms));
}
