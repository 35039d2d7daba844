import { describe, expect, it } from 'vitest';
import { deferred } from '../support/deferred.ts';
import { connectClient, knock } from './support/connect-client.ts';
import { nothingLeft, useGateways } from './support/use-gateways.ts';

const gateways = useGateways();

describe('disconnect', () => {
  it.each([
    ['its user', { user: 'ann' }],
    ['all', { all: true }],
  ] as const)('of %s ends a client that has not said HELLO', async (_, target) => {
    const { transport, gateway } = await gateways.open();
    const link = transport.connect({ headers: { user: 'ann' } });
    await link.answer;
    expect(await gateway.disconnect({ user: 'bob' })).toBe(0);
    expect(await gateway.disconnect(target)).toBe(1);
    expect(await link.closed).toMatchObject({ code: 1000 });
    expect(await gateway.disconnect(target)).toBe(0);
  });

  it('of its user ends a client whose HELLO is being looked at', async () => {
    const held = deferred();
    const { transport, gateway, clock } = await gateways.open({
      authenticateToken: () => held.promise.then(() => ({ userId: 'ann' })),
    });
    const link = knock(transport, { token: 'hers' }, { headers: { user: 'ann' } });
    await clock.runAll();
    expect(await gateway.disconnect({ user: 'ann' })).toBe(1);
    held.resolve();
    expect(await link.closed).toMatchObject({ code: 1000 });
    expect(gateway.connections.count).toBe(0);
  });

  it.each([
    ['authenticate', { user: 'ann' }],
    ['authenticateToken', { user: 'ann' }],
    ['authenticateToken', { all: true }],
    ['the history', { user: 'ann' }],
  ] as const)('ends a client of whom %s was asked before, of %j', async (slow, target) => {
    const held = deferred();
    const wait = (who: string): Promise<void> | undefined => (who === slow ? held.promise : undefined);
    const { transport, gateway, clock, probe } = await gateways.open({
      topics: { '@user.>': { retain: { maxCount: 10 } } },
      authenticate: async () => {
        await wait('authenticate');
        return slow === 'authenticate' ? { userId: 'ann' } : null;
      },
      authenticateToken: async () => {
        await wait('authenticateToken');
        return { userId: 'ann' };
      },
    });
    const release = slow === 'the history' ? probe.holdNext('loadCursor') : held.resolve;
    const link = knock(transport, slow === 'authenticate' ? {} : { token: 'hers' });
    await clock.runAll();
    await gateway.disconnect(target);
    release();
    expect(await link.closed).toMatchObject({ code: 1000 });
    expect(gateway.connections.count).toBe(0);
    // Whoever comes after it is let in.
    await connectClient(transport, slow === 'authenticate' ? {} : { token: 'hers' });
    expect(gateway.connections.count).toBe(1);
  });
});

describe('a client that is ended on its way in leaves nothing', () => {
  const subs = [
    [1, 'live.a'],
    [2, 'live.b'],
    [3, 'order.a'],
  ] as const;

  it('by an observer of what it may not follow', async () => {
    const world = await gateways.open({ authorize: () => false });
    world.gateway.observe('rejected', () => void world.gateway.disconnect({ user: 'ann' }));
    const link = knock(world.transport, { subs }, { headers: { user: 'ann' } });
    expect(await link.closed).toMatchObject({ code: 1000 });
    expect(await world.left()).toEqual(nothingLeft);
  });

  it.each(['user', 'session', 'connection'] as const)('by authorize, which names its %s', async (kind) => {
    let asked = 0;
    const ended: number[] = [];
    const world = await gateways.open({
      authorize: ({ connection }) => {
        asked += 1;
        const targets = { user: { user: 'ann' }, session: { session: connection.session } } as const;
        const target = kind === 'connection' ? { connection: connection.id } : targets[kind];
        void world.gateway.disconnect(target).then((count) => ended.push(count));
        return true;
      },
    });
    for (const name of ['connected', 'disconnected', 'dropped'] as const) world.observed(name);
    const { pendingTimers } = world.clock;
    const link = knock(world.transport, { subs }, { headers: { user: 'ann' } });
    expect(await link.closed).toMatchObject({ code: 1000 });
    await world.publish('live.b', 1);
    expect([asked, ended]).toEqual([1, [1]]);
    expect(await world.left()).toEqual(nothingLeft);
    expect([world.observed('connected'), world.observed('disconnected'), world.observed('dropped')]).toEqual([
      [],
      [],
      [],
    ]);
    expect(world.clock.pendingTimers).toBe(pendingTimers);
  });

  it('by an observer of the end of the connection that it takes over', async () => {
    const world = await gateways.open();
    const first = await world.connect({}, 'ann');
    world.gateway.observe('disconnected', ({ code }) => {
      if (code === 4510) void world.gateway.disconnect({ user: 'ann' });
    });
    const link = knock(world.transport, { resume: first.resume }, { headers: { user: 'ann' } });
    expect(await link.closed).toMatchObject({ code: 1000 });
    await world.clock.runAll();
    expect(await world.left()).toEqual(nothingLeft);
    expect((await world.connect({ resume: first.resume }, 'ann')).welcome.resumed).toBe(false);
  });
});

describe('an identity that has expired', () => {
  it.each([0, 1])('%i ms ago is refused at the handshake', async (agoMs) => {
    const world = await gateways.open({ authenticate: () => ({ expiresAt: world.clock.now() - agoMs }) });
    expect(await world.transport.connect().answer).toMatchObject({ accepted: false, status: 401 });
  });

  it('is refused by token', async () => {
    const world = await gateways.open({
      authenticate: () => null,
      authenticateToken: () => ({ expiresAt: world.clock.now() }),
    });
    expect((await world.refused({ token: 'old' })).code).toBe(4501);
  });

  it('between the handshake and HELLO is refused', async () => {
    const world = await gateways.open({ authenticate: () => ({ expiresAt: world.clock.now() + 1_000 }) });
    const link = world.transport.connect();
    await link.answer;
    await world.clock.advance(1_000);
    link.send('[1,{"v":1}]');
    expect(await link.closed).toMatchObject({ code: 4501 });
  });
});

describe('a held topic', () => {
  it.each(['earliest', { last: 1 }, { since: 0 }, { after: 'e.1' }] as const)(
    'begins with what waits, not at %j',
    async (from) => {
      const world = await gateways.open();
      await world.publish('job.a', 1);
      const client = await world.connect({ subs: [[1, 'job.a', from]] });
      expect(client.lines()).toEqual(['ERROR 1 invalid']);
      client.subscribe(2, 'job.a', 'now');
      await world.clock.runAll();
      expect(client.lines()).toEqual(['RESULT 2 {"held":true}', 'DELIVERY 1 to 2: job.a 1']);
    },
  );
});
