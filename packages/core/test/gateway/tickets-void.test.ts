import { describe, expect, it } from 'vitest';
import { createEventSource, type TestEventSource } from './support/event-source.ts';
import { useGateways, type World, type WorldOptions } from './support/use-gateways.ts';

const gateways = useGateways();
const retained = { retain: { maxCount: 100 } };
const topics = { 'order.>': retained, '@user.>': retained, '@all': retained };
const notAuthenticated = { accepted: false, status: 401 };

/** A gateway that lets nobody in without a ticket. */
function guarded(options: WorldOptions = {}): Promise<World> {
  return gateways.open({ topics, authenticate: () => null, ...options });
}

function ticketOf(world: World, userId = 'ann'): Promise<string> {
  return world.gateway.createTicket({ userId });
}

function sourceWith(world: World, ticket: string): TestEventSource {
  return createEventSource(world, `?ticket=${ticket}`);
}

describe('a ticket', () => {
  it.each([
    ['its user', () => ({ user: 'ann' })],
    ['its session', ({ welcome: { session } }: TestEventSource) => ({ session })],
    ['all', () => ({ all: true }) as const],
  ])('is refused when disconnect named %s between two connections', async (_, targetOf) => {
    const world = await guarded();
    const ticket = await ticketOf(world);
    const [unused, unusedOfBob] = [await ticketOf(world), await ticketOf(world, 'bob')];
    const source = sourceWith(world, ticket);
    await source.connect();
    await source.cut();
    const target = targetOf(source);
    await world.gateway.disconnect(target);
    expect(await source.connect()).toMatchObject(notAuthenticated);
    // So are those that were made before for whom it names, and only these.
    const isFor = (user: string): boolean => 'all' in target || ('user' in target && target.user === user);
    expect(await sourceWith(world, unused).connect()).toMatchObject({ accepted: !isFor('ann') });
    expect(await sourceWith(world, unusedOfBob).connect()).toMatchObject({ accepted: !isFor('bob') });
    expect(await sourceWith(world, await ticketOf(world)).connect()).toMatchObject({ accepted: true });
  });

  it('is refused when its client was sent away on its first way in', async () => {
    const world = await guarded();
    const ticket = await ticketOf(world);
    const coming = world.streams.connect({ url: `/?ticket=${ticket}` });
    expect(await coming.answer).toMatchObject({ accepted: true });
    expect(await world.gateway.disconnect({ user: 'ann' })).toBe(1);
    expect(await coming.closed).toMatchObject({ code: 1000 });
    expect(await sourceWith(world, ticket).connect()).toMatchObject(notAuthenticated);
  });

  it('that was never used is refused after ticketMs, whatever id comes with it', async () => {
    const world = await guarded();
    const ticket = await ticketOf(world);
    await world.clock.advance(30_001);
    for (const id of ['', 'x', '-', 'e.1', world.bus.cursor ?? '']) {
      const source = sourceWith(world, ticket);
      source.id = id;
      expect(await source.connect(), id).toMatchObject(notAuthenticated);
    }
  });

  it.each(['x', '.', 'e.', 'e.1~', 'e 1'])('is of nobody who comes back where its id is %j', async (id) => {
    const world = await guarded({ resumeKey: 'a key of thirty-two bytes or more' });
    const [ticket, unused] = [await ticketOf(world), await ticketOf(world)];
    const source = sourceWith(world, ticket);
    await source.connect();
    source.id = id;
    expect(await source.connect()).toMatchObject(notAuthenticated);
    await world.clock.advance(30_001);
    const late = sourceWith(world, unused);
    late.id = id;
    expect(await late.connect()).toMatchObject(notAuthenticated);
  });
});
