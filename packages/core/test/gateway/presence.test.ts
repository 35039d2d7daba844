import { type ConnectionEntry, createMemoryRegistry, type Registry } from '@hexbus/core/gateway';
import { createVirtualClock } from '@hexbus/testkit';
import { describe, expect, it } from 'vitest';
import { Presence } from '../../src/gateway/nodes/presence.ts';
import { rejection } from '../support/buses.ts';
import { deferred } from '../support/deferred.ts';
import { useGateways } from './support/use-gateways.ts';
import { withMethod } from './support/with-method.ts';

const gateways = useGateways();
const never = (): Promise<never> => new Promise(() => {});

describe('a registry that hangs', () => {
  it('keeps close from waiting for it for more than a second', async () => {
    const on = await gateways.buses.open();
    const registry = createMemoryRegistry({ clock: on.clock });
    let hangs = false;
    const stuck = (verb: 'unregister' | 'close') => (name: string) => (hangs ? never() : registry[verb](name));
    const world = await gateways.open({
      on,
      registry: withMethod(withMethod(registry, 'unregister', stuck('unregister')), 'close', stuck('close')),
      timings: { drainMs: 0 },
    });
    await world.connect();
    hangs = true;
    let isClosed = false;
    void world.gateway.close().then(() => {
      isClosed = true;
    });
    await on.clock.advance(999);
    expect(isClosed).toBe(false);
    await on.clock.advance(1);
    expect(isClosed).toBe(true);
    await registry.close(world.gateway.node);
  });

  it('is told of each connection how it is then, and nothing that has passed', async () => {
    const clock = createVirtualClock();
    const answer = deferred();
    const told: string[] = [];
    const tell = (what: string): Promise<void> => {
      told.push(what);
      return answer.promise;
    };
    const registry: Registry = {
      ...createMemoryRegistry({ clock }),
      name: 'slow',
      leaseMs: 1_000,
      register: ({ capabilities }) => tell(`register ${capabilities}`),
      unregister: (connection) => tell(`unregister ${connection}`),
    };
    const presence = new Presence({ registry, node: 'here', clock, entries: () => [], onError: () => {} });
    const entry = (capability: string) =>
      ({
        id: 'a',
        node: 'here',
        session: 's',
        transport: 't',
        capabilities: [capability],
        connectedAt: 0,
        generation: 1,
      }) as const;
    void presence.register(entry('1'));
    for (const capability of ['2', '3', '4']) {
      presence.unregister('a');
      void presence.register(entry(capability));
    }
    presence.unregister('a');
    answer.resolve();
    await clock.runAll();
    expect(told).toEqual(['register 1', 'unregister a']);
  });

  it('in one renewal hides nobody', async () => {
    const on = await gateways.buses.open();
    const registry = createMemoryRegistry({ clock: on.clock });
    let calls = 0;
    const renew: Registry['renew'] = (node) => (++calls === 1 ? never() : registry.renew(node));
    const world = await gateways.open({ on, registry: withMethod(registry, 'renew', renew) });
    await world.connect({}, 'ann');
    for (let thirds = 0; thirds < 9; thirds++) {
      await on.clock.advance(registry.leaseMs / 3);
      expect(await world.gateway.connections.find({ user: 'ann' })).toHaveLength(1);
    }
    expect(world.observed('error')).toMatchObject([{ error: { code: 'HEXBUS_HANDLER_TIMEOUT', retryable: true } }]);
  });

  it('when told of a connection is told a third of its lease later that it went', async () => {
    const on = await gateways.buses.open();
    const registry = createMemoryRegistry({ clock: on.clock });
    const register = (entry: ConnectionEntry): Promise<never> => registry.register(entry).then(never);
    const world = await gateways.open({ on, registry: withMethod(registry, 'register', register) });
    const client = await world.connect({}, 'ann');
    client.link.reset();
    await on.clock.advance(registry.leaseMs / 3 - 1);
    expect(await registry.find({})).toHaveLength(1);
    await on.clock.advance(1);
    expect(await registry.find({})).toEqual([]);
    expect(world.observed('error')).toHaveLength(1);
  });

  it('when asked is given up after a third of its lease, or when the gateway closes', async () => {
    const on = await gateways.buses.open();
    const registry = createMemoryRegistry({ clock: on.clock });
    let hangs = true;
    const find: Registry['find'] = (query) => (hangs ? never() : registry.find(query));
    const { gateway } = await gateways.open({ on, registry: withMethod(registry, 'find', find) });
    const found = rejection(gateway.connections.find());
    await on.clock.advance(registry.leaseMs / 3);
    expect(await found).toMatchObject({ code: 'HEXBUS_HANDLER_TIMEOUT' });
    const last = rejection(gateway.connections.find());
    const closing = gateway.close();
    expect(await last).toMatchObject({ code: 'HEXBUS_CLOSED' });
    await closing;
    hangs = false;
  });
});

it('P33: a registry whose answer to a renewal was lost is told of every connection again', async () => {
  const on = await gateways.buses.open();
  const registry = createMemoryRegistry({ clock: on.clock });
  let arrives = false;
  let isAnswerLost = true;
  const renew: Registry['renew'] = async (node) => {
    const wasDead = arrives && (await registry.renew(node));
    if (arrives && isAnswerLost) throw new Error('lost');
    return wasDead;
  };
  const world = await gateways.open({ on, registry: withMethod(registry, 'renew', renew) });
  await world.connect({}, 'ann');
  await on.clock.advance(registry.leaseMs);
  arrives = true;
  await on.clock.advance(registry.leaseMs / 3);
  expect(await registry.find({})).toEqual([]);
  isAnswerLost = false;
  await on.clock.advance(registry.leaseMs / 3);
  expect(await registry.find({})).toHaveLength(1);
  expect(world.observed('error')).toHaveLength(1);
});
