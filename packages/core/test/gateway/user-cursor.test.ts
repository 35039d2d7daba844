import { describe, expect, it } from 'vitest';
import { rejection } from '../support/buses.ts';
import { createDurablePlace } from '../support/durable-memory.ts';
import { knock, type TestClient, welcomed } from './support/connect-client.ts';
import { useGateways, type World, type WorldOptions } from './support/use-gateways.ts';

const gateways = useGateways();

const topics = { '@user.>': { retain: { maxCount: 100 } }, 'order.>': { retain: { maxCount: 100 } } } as const;

async function post({ gateway, clock }: World, ...bodies: readonly unknown[]): Promise<void> {
  for (const body of bodies) await gateway.post({ user: 'ann' }, 'Hi', body);
  await clock.runAll();
}

/** The bodies of what a client got. */
function bodies({ frames }: TestClient): readonly unknown[] {
  return frames().flatMap((frame) => {
    if (frame.kind === 'ping') return [];
    return frame.kind === 'event' || frame.kind === 'event-for' ? [frame.message.body] : [frame.kind];
  });
}

/** The cursor of ann as the history has it. */
async function stored({ probe }: World): Promise<number | undefined> {
  return (await probe.store.loadCursor('@user.ann'))?.position;
}

describe('a user who was away', () => {
  it('gets what waits, once and in order, then what follows', async () => {
    const world = await gateways.open({ topics });
    await post(world, 1, 2);
    await world.publish('order.a', 'not hers');
    await post(world, 3);
    const client = await world.connect({}, 'ann');
    await post(world, 4);
    expect(bodies(client)).toEqual([1, 2, 3, 4]);
  });

  it('gets nothing of others', async () => {
    const world = await gateways.open({ topics });
    await post(world, 1);
    expect(bodies(await world.connect({}, 'bob'))).toEqual([]);
    expect(bodies(await world.connect())).toEqual([]);
  });

  it('gets in a second tab what no tab has acknowledged', async () => {
    const world = await gateways.open({ topics });
    await post(world, 1, 2, 3);
    const first = await world.connect({}, 'ann');
    const [, second] = first.frames();
    first.acknowledge(second?.kind === 'event' ? second.cursor : undefined);
    await world.clock.runAll();
    expect(bodies(await world.connect({}, 'ann'))).toEqual([3]);
    await world.clock.advance(1_000);
    expect(bodies(await world.connect({}, 'ann'))).toEqual([3]);
    expect(await stored(world)).toBe(2);
  });

  it('gets everything again where nothing was acknowledged', async () => {
    const world = await gateways.open({ topics });
    await post(world, 1, 2);
    const first = await world.connect({}, 'ann');
    expect(bodies(first)).toEqual([1, 2]);
    first.link.reset();
    await world.clock.advance(5_000);
    expect(bodies(await world.connect({}, 'ann'))).toEqual([1, 2]);
    expect(await stored(world)).toBeUndefined();
  });

  it('does not make her tabs wait for each other', async () => {
    const world = await gateways.open({ topics });
    const lazy = await world.connect({}, 'ann');
    const busy = await world.connect({}, 'ann');
    await post(world, 1, 2);
    busy.frames();
    busy.acknowledge();
    await world.clock.advance(1_000);
    await post(world, 3);
    expect(bodies(lazy)).toEqual([1, 2, 3]);
    expect(bodies(busy)).toEqual([3]);
    lazy.link.reset();
    // A session that resumes starts at its own place.
    const back = await world.connect({ resume: { ...lazy.resume, token: lazy.welcome.token as string } }, 'ann');
    expect(bodies(back)).toEqual([1, 2, 3]);
  });

  it('is told when a part of what waited was trimmed', async () => {
    const place = createDurablePlace();
    const open = (): Promise<World> =>
      gateways.open({ topics: { '@user.>': { retain: { maxCount: 2 } } }, bus: { history: place.store() } });
    const before = await open();
    await post(before, 1);
    const first = await before.connect({}, 'ann');
    first.frames();
    first.acknowledge();
    await before.clock.advance(1_000);
    await post(before, 2, 3, 4);
    await before.close();
    await before.bus.close();
    const after = await open();
    expect((await after.connect({}, 'ann')).lines()).toEqual([
      'GAP trimmed [0] @user.ann 2-2',
      '@user.ann#3 Hi 3',
      '@user.ann#4 Hi 4',
    ]);
  });

  it('has no cursor where her address is not retained', async () => {
    const world = await gateways.open({ topics: { 'order.>': { retain: { maxCount: 100 } } } });
    await post(world, 1);
    const client = await world.connect({ subs: [[1, 'order.a']] }, 'ann');
    await world.publish('order.a', 2);
    expect(client.lines()).toEqual(['RESULT 1 0 of 0', 'order.a#1 2']);
    client.acknowledge();
    await world.clock.advance(5_000);
    expect(await stored(world)).toBeUndefined();
  });
});

describe('cursorOf', () => {
  it('tells what waits for a user: what she has not acknowledged, committed or not', async () => {
    const world = await gateways.open({ topics });
    const { gateway, bus, clock } = world;
    expect(await gateway.cursorOf({ user: 'ann' })).toBeUndefined();
    await post(world, 1, 2, 3);
    const client = await world.connect({}, 'ann');
    expect(await gateway.cursorOf({ user: 'ann' })).toBeUndefined();
    const [, second] = client.frames();
    client.acknowledge(second?.kind === 'event' ? second.cursor : undefined);
    for (const wait of [0, 1_000]) {
      await clock.advance(wait);
      const { messages } = await bus.read('@user.ann', { after: await gateway.cursorOf({ user: 'ann' }) });
      expect(messages.map(({ body }) => body)).toEqual([3]);
    }
    expect(await gateway.cursorOf({ user: 'bob' })).toBeUndefined();
  });

  it('has none where her address is not retained, or the bus has no history', async () => {
    const kept = await gateways.open({ topics: { 'order.>': { retain: { maxCount: 9 } } } });
    const none = await gateways.open({ bus: { withoutHistory: true } });
    for (const { gateway } of [kept, none]) expect(await gateway.cursorOf({ user: 'ann' })).toBeUndefined();
  });

  it('takes nothing but a user', async () => {
    const { gateway } = await gateways.open({ topics });
    for (const target of [{ user: '' }, { session: 'x' }, {}])
      expect(await rejection(gateway.cursorOf(target as never))).toMatchObject({ code: 'HEXBUS_CONFIG' });
  });
});

describe('acknowledgements', () => {
  it.each([
    ['beyond the head', (epoch: string) => `${epoch}.1000`],
    ['beyond what was sent', (epoch: string) => `${epoch}.3`],
    ['of another epoch', () => 'elsewhere.1'],
    ['that nobody can read', () => 'nonsense'],
    ['of the inbox beyond what was sent', (epoch: string) => `${epoch}.1~0:1000`],
  ])('%s move nothing', async (_, tokenOf) => {
    const world = await gateways.open({ topics, limits: { maxOutboxBytes: 10 } });
    const { clock, bus } = world;
    world.observed('ignored');
    const client = await world.connect({}, 'ann');
    client.link.pause();
    await post(world, 1, 2, 3);
    client.acknowledge(tokenOf(String(bus.cursor).split('.')[0] ?? ''));
    client.link.read(1);
    await clock.advance(1_000);
    expect((await stored(world)) ?? 0).toBeLessThan(2);
    client.link.resume();
    await clock.advance(1_000);
    expect(bodies(client)).toEqual([1, 2, 3]);
    expect((await stored(world)) ?? 0).toBeLessThan(2);
  });

  it('are counted when they name what was not sent', async () => {
    const world = await gateways.open({ topics });
    world.observed('ignored');
    const client = await world.connect({}, 'ann');
    await post(world, 1);
    client.frames();
    for (const token of ['elsewhere.1', `${world.bus.cursor}9`, 'nonsense']) client.acknowledge(token);
    client.acknowledge();
    await world.clock.runAll();
    const what = expect.stringContaining('not sent');
    expect(world.observed('ignored')).toMatchObject([{ what }, { what }, { what }]);
    expect(client.lines()).toEqual([]);
  });

  it('never step back', async () => {
    const world = await gateways.open({ topics });
    const client = await world.connect({}, 'ann');
    await post(world, 1, 2, 3);
    const [first, second, third] = client.frames().flatMap((frame) => (frame.kind === 'event' ? [frame.cursor] : []));
    client.acknowledge(second);
    client.acknowledge(first);
    await world.clock.advance(1_000);
    expect(await stored(world)).toBe(2);
    client.acknowledge(third);
    await world.clock.advance(1_000);
    client.acknowledge(first);
    await world.clock.advance(1_000);
    expect(await stored(world)).toBe(3);
  });

  it('of what is ahead of the inbox move it only as far as the inbox was sent', async () => {
    const world = await gateways.open({ topics, limits: { maxOutboxBytes: 10 } });
    await post(world, 1, 2, 3);
    const first = await world.connect({}, 'ann');
    expect(bodies(first)).toEqual([1, 2, 3]);
    // A new session that brings a token of the head: its inbox begins at the cursor, which is behind it.
    const resume = { ...first.resume, secret: 'x' };
    const link = knock(world.transport, { resume }, { headers: { user: 'ann' } });
    link.pause();
    const welcomes = welcomed(link);
    while (world.gateway.connections.count < 2) await world.clock.runAll();
    link.read(1);
    const client = await welcomes;
    client.acknowledge(resume.token);
    await world.clock.advance(1_000);
    expect((await stored(world)) ?? 0).toBe(0);
    link.resume();
    await world.clock.runAll();
    expect(bodies(client)).toEqual(['gap', 1, 2, 3]);
  });

  it('are what a session brings when it is resumed', async () => {
    const world = await gateways.open({ topics });
    const first = await world.connect({}, 'ann');
    await post(world, 1, 2);
    first.frames();
    first.link.reset();
    await post(world, 3);
    await world.connect({ resume: first.resume }, 'ann');
    expect(bodies(await world.connect({}, 'ann'))).toEqual([3]);
    await world.clock.advance(1_000);
    expect(await stored(world)).toBe(2);
  });

  it.each([
    ['of a session that is not hers', (first: TestClient) => ({ ...first.resume, secret: 'x' })],
    ['beyond the head', (first: TestClient) => ({ ...first.resume, token: `${first.resume.token}000` })],
    ['of the inbox beyond the head', (first: TestClient) => ({ ...first.resume, token: `${first.resume.token}~0:9` })],
    ['of another epoch', (first: TestClient) => ({ ...first.resume, token: 'elsewhere.1' })],
  ])('are not what a resume brings with a token %s', async (_, resumeOf) => {
    const world = await gateways.open({ topics });
    const first = await world.connect({}, 'ann');
    await post(world, 1, 2);
    first.frames();
    const client = await world.connect({ resume: resumeOf(first) }, 'ann');
    expect(bodies(client).filter((body) => body !== 'gap')).toEqual([1, 2]);
    await world.clock.advance(1_000);
    expect(await stored(world)).toBeUndefined();
  });

  it('are committed in batches, at most once in userCursorMs', async () => {
    const world = await gateways.open({ topics, timings: { userCursorMs: 500 } });
    const client = await world.connect({}, 'ann');
    const commits = (): readonly number[] =>
      world.batches.flatMap(({ commitCursors }) => commitCursors.map(({ position }) => position));
    for (let body = 1; body <= 5; body++) {
      await post(world, body);
      client.frames();
      client.acknowledge();
      await world.clock.advance(100);
    }
    expect(commits()).toEqual([5]);
    await world.clock.advance(5_000);
    expect(commits()).toEqual([5]);
  });

  it('outlive a restart of the bus', async () => {
    const place = createDurablePlace();
    const open = (options: WorldOptions = {}): Promise<World> =>
      gateways.open({ topics, ...options, bus: { history: place.store() } });
    const before = await open();
    await post(before, 1, 2);
    const first = await before.connect({}, 'ann');
    first.frames();
    first.acknowledge();
    await before.clock.runAll();
    await post(before, 3);
    // Closing commits what was acknowledged, however young.
    await before.close();
    await before.bus.close();
    const after = await open();
    expect(bodies(await after.connect({}, 'ann'))).toEqual([3]);
  });

  it('are tried again when the history fails', async () => {
    const world = await gateways.open({ topics });
    const client = await world.connect({}, 'ann');
    await post(world, 1);
    client.frames();
    client.acknowledge();
    world.onNextWrite(() => Promise.reject(new Error('disk full')));
    await world.clock.advance(1_000);
    expect(await stored(world)).toBeUndefined();
    await world.clock.advance(1_000);
    expect(await stored(world)).toBe(1);
    expect(world.takeErrors()).toHaveLength(1);
  });

  it('do not keep a gateway from closing while the history fails', async () => {
    const world = await gateways.open({ topics });
    const client = await world.connect({}, 'ann');
    await post(world, 1);
    client.frames();
    client.acknowledge();
    await world.clock.runAll();
    let broken = true;
    for (let write = 0; write < 1_000; write++)
      world.onNextWrite((proceed) => (broken ? Promise.reject(new Error('disk full')) : proceed()));
    await world.close();
    expect(world.takeErrors().length).toBeGreaterThan(0);
    broken = false;
  });
});

describe('two gateways on one bus', () => {
  it('share the cursor of a user', async () => {
    const one = await gateways.open({ topics });
    const other = await gateways.open({ on: one.host });
    await post(one, 1, 2);
    const first = await one.connect({}, 'ann');
    first.frames();
    first.acknowledge();
    await one.clock.advance(1_000);
    await post(one, 3);
    const second = await other.connect({}, 'ann');
    expect(bodies(second)).toEqual([3]);
    expect(bodies(first)).toEqual([3]);
  });

  it('never move it back, also when both commit at once', async () => {
    const one = await gateways.open({ topics });
    const other = await gateways.open({ on: one.host });
    const ahead = await one.connect({}, 'ann');
    const behind = await other.connect({}, 'ann');
    await post(one, 1, 2, 3);
    ahead.frames();
    const [first] = behind.frames();
    ahead.acknowledge();
    behind.acknowledge(first?.kind === 'event' ? first.cursor : undefined);
    await one.clock.advance(1_000);
    await one.clock.advance(1_000);
    expect(await stored(one)).toBe(3);
    await one.clock.advance(5_000);
    expect(await stored(one)).toBe(3);
  });

  it('never move it back when the slower one has looked before the faster one committed', async () => {
    const one = await gateways.open({ topics });
    const other = await gateways.open({ on: one.host });
    const ahead = await one.connect({}, 'ann');
    const behind = await other.connect({}, 'ann');
    await post(one, 1, 2, 3);
    ahead.frames();
    const [first] = behind.frames();
    behind.acknowledge(first?.kind === 'event' ? first.cursor : undefined);
    await one.clock.runAll();
    ahead.acknowledge();
    const release = one.probe.holdNext('loadCursor');
    await one.clock.advance(1_000);
    release();
    await one.clock.advance(5_000);
    expect(await stored(one)).toBe(3);
  });
});
