import { createMemoryBroker, createMemoryRegistry, type Registry } from '@hexbus/core/gateway';
import { describe, expect, it } from 'vitest';
import { deferred } from '../support/deferred.ts';
import { knock, welcomed } from './support/connect-client.ts';
import { createEventSource, type TestEventSource } from './support/event-source.ts';
import { useGateways, type World, type WorldOptions } from './support/use-gateways.ts';
import { withMethod } from './support/with-method.ts';

const gateways = useGateways();

/** Two gateways of one key on one bus. */
async function cluster(registryOf = (registry: Registry) => registry): Promise<readonly [World, World]> {
  const on = await gateways.buses.open({ topics: { 'order.>': { retain: { maxCount: 100 } } } });
  const shared: WorldOptions = {
    on,
    registry: registryOf(createMemoryRegistry({ clock: on.clock })),
    broker: createMemoryBroker({ clock: on.clock }),
    resumeKey: 'a key of thirty-two bytes or more',
    authenticate: () => null,
  };
  return [await gateways.open(shared), await gateways.open(shared)];
}

/** The same client before both: what it has of one it brings to the other. */
async function clientOf(worlds: readonly [World, World]): Promise<readonly [TestEventSource, TestEventSource]> {
  const ticket = await worlds[0].gateway.createTicket({ userId: 'ann' });
  const [one, two] = worlds.map((world) => createEventSource(world, `?ticket=${ticket}&topic=order.a`));
  return [one!, two!];
}

describe('a client with a ticket', () => {
  it('may come back at any node, and what it leaves behind there is ended', async () => {
    const worlds = await cluster();
    const [one, two] = await clientOf(worlds);
    await one.connect();
    two.id = one.id;
    await worlds[0].publish('order.a', 1);
    one.frames();
    await worlds[0].clock.advance(1);
    expect(await two.connect()).toMatchObject({ accepted: true });
    expect(two.lines()).toEqual(['WELCOME', 'RESULT 1 0 of 1', 'order.a#1 1']);
    expect(two.welcome).toMatchObject({ session: one.welcome.session, resumed: true });
    await worlds[0].clock.runAll();
    expect(await one.closed()).toMatchObject({ code: 4510 });
    expect(await worlds[0].gateway.connections.find()).toHaveLength(1);
  });

  it('may come back where it was long ago, as long as it was elsewhere meanwhile', async () => {
    const worlds = await cluster();
    const [one, two] = await clientOf(worlds);
    await one.connect();
    await one.cut();
    two.id = one.id;
    await two.connect();
    await worlds[0].clock.advance(3_600_000);
    await two.cut();
    expect(await one.connect()).toMatchObject({ accepted: true });
    expect(one.welcome).toMatchObject({ session: two.welcome.session, resumed: true });
  });

  it('may not come back when it was nowhere for too long', async () => {
    const worlds = await cluster();
    const [one] = await clientOf(worlds);
    await one.connect();
    await one.cut();
    await worlds[0].clock.advance(120_000);
    expect(await one.connect()).toMatchObject({ accepted: false, status: 401 });
  });

  it('may come back again when it came back while it was asked whether it is elsewhere', async () => {
    const answer = deferred<readonly []>();
    let isAsked = false;
    const worlds = await cluster((registry) =>
      withMethod(registry, 'find', (query: Parameters<Registry['find']>[0]) => {
        if (!isAsked) return registry.find(query);
        isAsked = false;
        return answer.promise;
      }),
    );
    const [one] = await clientOf(worlds);
    await one.connect();
    await one.cut();
    worlds[0].observed('sessionExpired');
    isAsked = true;
    await worlds[0].clock.advance(120_000);
    expect(isAsked).toBe(false);
    expect(await one.connect()).toMatchObject({ accepted: true });
    answer.resolve([]);
    await worlds[0].clock.runAll();
    expect(worlds[0].observed('sessionExpired')).toEqual([]);
    expect(await one.connect()).toMatchObject({ accepted: true });
  });

  it('is let in again where nobody could say whether it was elsewhere', async () => {
    let isDown = false;
    const worlds = await cluster((registry) =>
      withMethod(registry, 'find', async (query: Parameters<Registry['find']>[0]) => {
        if (isDown) throw new Error('the registry is down');
        return registry.find(query);
      }),
    );
    const [one] = await clientOf(worlds);
    await one.connect();
    await one.cut();
    isDown = true;
    await worlds[0].clock.advance(120_000);
    isDown = false;
    expect(worlds[0].observed('error')).toHaveLength(1);
    expect(await one.connect()).toMatchObject({ accepted: true });
  });

  it('may come back at no node that was told to send it away', async () => {
    const worlds = await cluster();
    const [one, two] = await clientOf(worlds);
    await one.connect();
    for (const { gateway } of worlds) await gateway.disconnect({ user: 'ann' });
    two.id = one.id;
    expect(await two.connect()).toMatchObject({ accepted: false, status: 401 });
  });

  it('may come by a ticket of another node right after very many were sent away', async () => {
    const [one, two] = await cluster();
    for (let count = 0; count < 2_000; count++) await one.gateway.disconnect({ user: 'ann' });
    await one.clock.advance(1);
    const ticket = await two.gateway.createTicket({ userId: 'ann' });
    expect(await createEventSource(one, `?ticket=${ticket}`).connect()).toMatchObject({ accepted: true });
  });

  it('is not the first one at a node where its session goes on by its secret', async () => {
    const [one, two] = await cluster();
    const ticketOf = (): Promise<string> => one.gateway.createTicket({ userId: 'ann' });
    const ticket = await ticketOf();
    const first = await welcomed(knock(one.transport, {}, { url: `/?ticket=${ticket}` }));
    const { resume } = first;
    const back = await welcomed(knock(two.transport, { resume }, { url: `/?ticket=${await ticketOf()}` }));
    expect(back.welcome.resumed).toBe(true);
    const other = createEventSource(two, `?ticket=${ticket}`);
    expect(await other.connect()).toMatchObject({ accepted: false, status: 401 });
  });
});
