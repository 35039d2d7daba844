import type { Clock } from '@hexbus/core';
import { describe, expect, it } from 'vitest';
import type { TestBus } from '../support/buses.ts';
import { knock, welcomed } from './support/connect-client.ts';
import { useGateways, type World, type WorldOptions } from './support/use-gateways.ts';
import { withMethod } from './support/with-method.ts';

const gateways = useGateways();

interface Standing extends World {
  /** The process stands still until the next timer is due. Only when that has run is it read what clients did meanwhile. */
  standStill(ms: number, meanwhile: () => void): Promise<void>;
}

async function open(options: WorldOptions): Promise<Standing> {
  const host = await gateways.buses.open();
  let unread = (): void => {};
  const setTimer: Clock['setTimer'] = (callback, ms) =>
    host.clock.setTimer(() => {
      callback();
      const read = unread;
      unread = () => {};
      read();
    }, ms);
  const on: TestBus = { ...host, clock: withMethod(host.clock, 'setTimer', setTimer) };
  const world = await gateways.open({ on, ...options });
  return {
    ...world,
    async standStill(ms, meanwhile) {
      await host.clock.advance(ms - 1);
      unread = meanwhile;
      await host.clock.advance(1);
    },
  };
}

describe('a process that stood still reads what was sent meanwhile before it judges', () => {
  it('whether a client lives', async () => {
    const world = await open({ timings: { pingMs: 1_000, maxMissedPings: 2 } });
    const client = await world.connect();
    await world.standStill(3_000, () => client.send(15));
    expect(world.gateway.connections.count).toBe(1);
    await world.clock.advance(3_000);
    expect(world.gateway.connections.count).toBe(0);
  });

  it('whether a client takes what it is sent', async () => {
    const world = await open({ timings: { stallTimeoutMs: 7_000, pingMs: 100_000 }, limits: { maxOutboxBytes: 200 } });
    const { link } = await world.connect({ subs: [[1, 'order.a']] });
    link.pause();
    for (let n = 0; n < 10; n++) await world.publish('order.a', 'x'.repeat(100));
    await world.standStill(7_000, () => link.read(1));
    expect(world.gateway.connections.count).toBe(1);
    await world.clock.advance(7_000);
    expect(world.gateway.connections.count).toBe(0);
  });

  it('whether a client that is told to go takes what is said to it', async () => {
    const world = await open({ timings: { stallTimeoutMs: 7_000, pingMs: 100_000 } });
    const { link, welcome } = await world.connect();
    link.pause();
    await world.publish('order.a', 1);
    await world.gateway.post({ connection: welcome.connection }, 'Hello', null);
    await world.clock.runAll();
    await world.gateway.disconnect({ connection: welcome.connection });
    await world.standStill(7_000, () => link.read(1));
    link.resume();
    expect(await link.closed).toMatchObject({ code: 1000 });
  });

  it('whether a client has said HELLO', async () => {
    const world = await open({ timings: { helloTimeoutMs: 4_000 } });
    const link = world.transport.connect();
    await world.clock.runAll();
    await world.standStill(4_000, () => {
      knock({ ...world.transport, connect: () => link });
    });
    await welcomed(link);
    expect(world.gateway.connections.count).toBe(1);
  });

  it('whether a client has answered', async () => {
    const world = await open({});
    const { answer, welcome } = await world.connect();
    const asked = world.gateway.request({ connection: welcome.connection }, 'state', null, { timeoutMs: 700 });
    await world.standStill(700, () => answer(1, 'yes'));
    expect(await asked).toEqual({ status: 'success', body: 'yes' });
  });
});
