import type { GatewayObserverEvents } from '@hexbus/core/gateway';
import { describe, expect, it } from 'vitest';
import { knock, welcomed } from './support/connect-client.ts';
import { useGateways } from './support/use-gateways.ts';

const gateways = useGateways();
const names = [
  'connected',
  'resumed',
  'disconnected',
  'sessionExpired',
  'posted',
  'requested',
  'dropped',
  'stalled',
  'rejected',
  'ignored',
  'error',
] as const satisfies readonly (keyof GatewayObserverEvents)[];

describe('observers', () => {
  it('are told of a client that comes, goes, comes back and stays away, each once', async () => {
    const world = await gateways.open({ timings: { resumeWindowMs: 5_000 } });
    const told = (): object =>
      Object.fromEntries(
        (['connected', 'resumed', 'disconnected', 'sessionExpired'] as const).map((name) => [
          name,
          world.observed(name),
        ]),
      );
    told();
    const first = await world.connect({}, 'ann');
    const { session, connection } = first.welcome;
    const about = { session, userId: 'ann', transport: 'memory' };
    const none = { connected: [], resumed: [], disconnected: [], sessionExpired: [] };
    expect(told()).toEqual({ ...none, connected: [{ ...about, connection }] });
    first.link.close(4_321, 'lunch');
    await world.clock.runAll();
    expect(told()).toEqual({ ...none, disconnected: [{ ...about, connection, code: 4_321, reason: 'lunch' }] });
    const second = await world.connect({ resume: first.resume }, 'ann');
    const next = second.welcome.connection;
    expect(told()).toEqual({ ...none, resumed: [{ ...about, connection: next }] });
    second.link.reset();
    await world.clock.advance(4_999);
    expect(told()).toEqual({ ...none, disconnected: [{ ...about, connection: next, code: 1006, reason: '' }] });
    await world.clock.advance(1);
    expect(told()).toEqual({ ...none, sessionExpired: [{ session, userId: 'ann' }] });
  });

  it('are told who ended a connection', async () => {
    const world = await gateways.open();
    world.observed('disconnected');
    await world.connect({}, 'ann');
    expect(await world.gateway.disconnect({ user: 'ann' }, 'rent is due')).toBe(1);
    await world.clock.runAll();
    expect(world.observed('disconnected')).toMatchObject([{ code: 1000, reason: 'rent is due' }]);
  });

  it('are told of what is posted', async () => {
    const world = await gateways.open();
    world.observed('posted');
    await world.connect({}, 'ann');
    const receipt = await world.gateway.post({ user: 'ann' }, 'Hello', 1, { id: 'mine' });
    expect(receipt).toMatchObject({ id: 'mine', receivers: 1 });
    expect(world.observed('posted')).toEqual([
      { topic: '@user.ann', id: 'mine', target: { user: 'ann' }, receivers: 1 },
    ]);
  });

  it('are told of what was dropped for a client that does not keep up', async () => {
    const world = await gateways.open({ limits: { maxOutboxBytes: 300 } });
    world.observed('dropped');
    const client = await world.connect({ subs: [[1, 'live']] }, 'ann');
    client.link.pause();
    for (let n = 0; n < 10; n++) await world.publish('live', 'x'.repeat(100));
    const dropped = world.observed('dropped');
    expect(dropped.length).toBeGreaterThan(0);
    expect(dropped[0]).toEqual({
      connection: client.welcome.connection,
      session: client.welcome.session,
      userId: 'ann',
      transport: 'memory',
      topic: 'live',
      id: expect.any(String),
    });
    client.link.resume();
    await world.clock.runAll();
    expect(client.lines()).toContain('GAP dropped live');
  });

  it('are told of each wish of a client that is refused', async () => {
    const world = await gateways.open({ authorize: async ({ topic }) => topic === 'order.a' });
    world.observed('rejected');
    const client = await world.connect(
      {
        subs: [
          [1, 'order.a'],
          [2, 'order.b'],
        ],
      },
      'ann',
    );
    client.subscribe(3, 'order.*');
    client.subscribe(4, '@user.bob');
    client.send(18, 5, 'order.b', null, 1);
    await world.clock.runAll();
    const about = { address: 'memory', connection: client.welcome.connection };
    const whys = ['subscribe "order.b"', 'subscribe-pattern "order.*"', 'subscribe "@user.bob"', 'publish "order.b"'];
    const told = world.observed('rejected').toSorted((a, b) => a.why.localeCompare(b.why));
    expect(told).toEqual(
      whys.toSorted((a, b) => a.localeCompare(b)).map((why) => ({ ...about, why: `${why} is forbidden` })),
    );
  });

  it('48: that throw or reject harm nothing, and are told of once each', async () => {
    const world = await gateways.open({ limits: { maxPendingRequests: 1 } });
    for (const name of names) {
      world.gateway.observe(name, () => {
        throw new Error(`${name} throws`);
      });
      world.gateway.observe(name, () => Promise.reject(new Error(`${name} rejects`)) as never);
    }
    const client = await world.connect({}, 'ann');
    await world.gateway.post({ user: 'ann' }, 'Hello', 1);
    const asked = world.gateway.request({ connection: client.welcome.connection }, 'state', null);
    await world.clock.runAll();
    client.answer(1, 'fine');
    expect(await asked).toEqual({ status: 'success', body: 'fine' });
    client.send(99);
    await world.clock.runAll();
    client.link.reset();
    await world.clock.runAll();
    const again = await welcomed(knock(world.transport, { resume: client.resume }, { headers: { user: 'ann' } }));
    expect(again.welcome.resumed).toBe(true);
    await world.clock.runAll();
    const failures = world.observed('error');
    const told = failures.map(({ error }) => (error as Error).message.match(/observer of (\w+) threw/)?.[1]);
    expect(told.toSorted()).toEqual(
      ['connected', 'disconnected', 'ignored', 'posted', 'requested', 'resumed'].flatMap((name) => [name, name]),
    );
    await world.close();
    // Its end is the second one of a connection.
    expect(world.observed('error')).toHaveLength(2);
  });

  it('end when they are told to', async () => {
    const world = await gateways.open();
    let count = 0;
    const end = world.gateway.observe('connected', () => {
      count += 1;
    });
    await world.connect();
    end();
    end();
    await world.connect();
    expect(count).toBe(1);
  });
});
