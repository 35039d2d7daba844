import { describe, expect, it } from 'vitest';
import { createDurablePlace } from '../support/durable-memory.ts';
import { createEventSource } from './support/event-source.ts';
import { useGateways, type World } from './support/use-gateways.ts';

const gateways = useGateways();
const retained = { retain: { maxCount: 100 } };
const topics = { 'order.>': retained, '@user.>': retained };

async function post({ gateway, clock }: World, user: string, ...notes: readonly unknown[]): Promise<void> {
  for (const note of notes) await gateway.post({ user }, 'Note', note);
  await clock.runAll();
}

describe('an id that was given to somebody else', () => {
  it.each([undefined, 'ann'])('(%s) acknowledges nothing that waits', async (before) => {
    const world = await gateways.open({ topics });
    const source = createEventSource(world, '?topic=order.a', before);
    await post(world, 'bob', 1, 2);
    await world.publish('order.a', 'first');
    await source.connect();
    await world.publish('order.a', 'second');
    expect(source.lines()).toContain('order.a#4 "second"');
    source.user = 'bob';
    await world.publish('order.a', 'third');
    await source.connect();
    const lines = source.lines();
    expect(lines.filter((line) => line.startsWith('@'))).toEqual(['@user.bob#1 Note 1', '@user.bob#2 Note 2']);
    // A topic goes on where it says, whoever comes.
    expect(lines.filter((line) => line.startsWith('order'))).toEqual(['order.a#5 "third"']);
    await source.cut();
    await world.clock.advance(1_000);
    expect(await world.probe.store.loadCursor('@user.bob')).toBeUndefined();
    // What came by then was sent, so now the id stands for it.
    await source.connect();
    expect(source.lines().filter((line) => line.startsWith('@'))).toEqual([]);
  });

  it('acknowledges no more than was sent, while one is there and later', async () => {
    const world = await gateways.open({ topics });
    const bobs = createEventSource(world, '', 'bob');
    await bobs.connect();
    await post(world, 'bob', 1);
    for (const end of [() => undefined, () => bobs.cut()]) {
      await end();
      const source = createEventSource(world, '?topic=order.a');
      await source.connect();
      await world.publish('order.a', 'x');
      await source.cut();
      await post(world, 'bob', 'later');
      source.user = 'bob';
      await source.connect();
      const [first] = source.lines().filter((line) => line.startsWith('@'));
      expect(first).toMatch(/"later"$/);
      await source.cut();
    }
  });

  it('threat 28: takes nothing that came while the page was another user: ann, bob, ann', async () => {
    const world = await gateways.open({ topics });
    const source = createEventSource(world, '?topic=order.a', 'ann');
    const heardAs = async (user: string): Promise<readonly string[]> => {
      source.user = user;
      await source.connect();
      return source.lines().filter((line) => line.startsWith('@'));
    };
    await source.connect();
    await post(world, 'ann', 1);
    source.frames();
    await source.cut();
    await post(world, 'bob', 2);
    await post(world, 'ann', 3);
    expect(await heardAs('bob')).toEqual(['@user.bob#2 Note 2']);
    await post(world, 'ann', 4);
    await world.publish('order.a', 'x');
    await world.clock.runAll();
    expect(source.lines()).toContain('order.a#5 "x"');
    expect(source.id).toMatch(/\.5$/);
    expect(await heardAs('ann')).toEqual(['@user.ann#3 Note 3', '@user.ann#4 Note 4']);
    expect(await heardAs('bob')).toEqual([]);
  });

  it('means nothing for what waits after a restart, so that comes again', async () => {
    const place = createDurablePlace();
    const open = (): Promise<World> => gateways.open({ topics, bus: { history: place.store() } });
    const before = await open();
    const source = createEventSource(before, '', 'bob');
    await source.connect();
    await post(before, 'bob', 1);
    await source.cut();
    await before.close();
    await before.bus.close();
    const after = await open();
    const back = createEventSource(after, '', 'bob');
    back.id = source.id;
    await back.connect();
    expect(back.lines()).toContain('@user.bob#1 Note 1');
    await back.connect();
    expect(back.lines().filter((line) => line.startsWith('@'))).toEqual([]);
  });

  it('is still the acknowledgement of the user of a ticket', async () => {
    const place = createDurablePlace();
    const resumeKey = 'a key of thirty-two bytes or more';
    const open = (): Promise<World> => gateways.open({ topics, resumeKey, bus: { history: place.store() } });
    const before = await open();
    const query = `?ticket=${await before.gateway.createTicket({ userId: 'bob' })}`;
    const source = createEventSource(before, query);
    await source.connect();
    await post(before, 'bob', 1);
    await source.cut();
    await before.close();
    await before.bus.close();
    const after = await open();
    const back = createEventSource(after, query);
    back.id = source.id;
    await back.connect();
    expect(back.lines().filter((line) => line.startsWith('@'))).toEqual([]);
  });

  it('of many users is remembered for maxSessions of them', async () => {
    const world = await gateways.open({ topics, limits: { maxSessions: 2 } });
    const sources = ['ann', 'bob', 'cid'].map((user) => createEventSource(world, '', user));
    for (const source of sources) {
      await source.connect();
      await post(world, String(source.user), 1);
      await source.cut();
      source.frames();
    }
    const again: (readonly string[])[] = [];
    for (const source of sources.reverse()) {
      await source.connect();
      again.push(source.lines().filter((line) => line.startsWith('@')));
    }
    expect(again).toEqual([[], [], ['@user.ann#1 Note 1']]);
  });
});
