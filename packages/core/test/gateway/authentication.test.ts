import type { Identity } from '@hexbus/core/gateway';
import { closeCodes } from '@hexbus/core/gateway';
import { describe, expect, it } from 'vitest';
import { type Deferred, deferred } from '../support/deferred.ts';
import { knock, welcomed } from './support/connect-client.ts';
import { useGateways, type WorldOptions } from './support/use-gateways.ts';

const gateways = useGateways();

/** A token `ann@5000` is of Ann and expires 5000 ms after the start; `ann` never does. */
function authenticateToken(token: string): Identity | null {
  const [userId = '', at] = token.split('@');
  if (userId === 'nobody') return null;
  if (userId === 'trouble') throw new Error('no database');
  return { userId, ...(at === undefined ? {} : { expiresAt: startAt + Number(at) }) };
}

const startAt = 1_000_000_000_000;
const byToken: WorldOptions = { authenticate: () => null, authenticateToken };

describe('a token in HELLO', () => {
  it('tells who the client is', async () => {
    const { connect, gateway } = await gateways.open(byToken);
    await connect({ token: 'ann' });
    expect(await gateway.connections.find({ user: 'ann' })).toHaveLength(1);
  });

  it('is wanted where the handshake tells nothing', async () => {
    const { refused } = await gateways.open({ ...byToken, authenticate: undefined });
    expect(await refused()).toMatchObject({ code: closeCodes.unauthenticated });
  });

  it('that is refused ends with 4501, not to come back', async () => {
    const world = await gateways.open(byToken);
    world.observed('rejected');
    const { code, texts } = await world.refused({ token: 'nobody' });
    expect(code).toBe(4501);
    expect(texts).toEqual([
      JSON.stringify([16, { code: 4501, reason: 'not authenticated', reconnect: false, afterMs: 0 }]),
    ]);
    expect(world.observed('rejected')).toEqual([
      { why: 'not authenticated', address: 'memory', connection: expect.any(String) },
    ]);
  });

  it('is refused where nobody reads tokens', async () => {
    const { refused } = await gateways.open({ authenticate: () => ({ userId: 'ann' }) });
    expect((await refused({ token: 'ann' })).code).toBe(4501);
  });

  it('for which the program fails ends with 1013, to come back; the client learns no reason', async () => {
    const world = await gateways.open(byToken);
    const { code, texts } = await world.refused({ token: 'trouble' });
    expect(code).toBe(1013);
    expect(texts.join()).not.toContain('database');
    expect(world.observed('error')).toMatchObject([{ error: { message: 'no database' } }]);
  });

  it('for which the program never answers ends with 1013 in time, not with 4005', async () => {
    const world = await gateways.open({
      ...byToken,
      authenticateToken: () => new Promise(() => {}),
      timings: { helloTimeoutMs: 1_000, authenticateTimeoutMs: 3_000 },
    });
    const link = knock(world.transport, { token: 'ann' });
    await world.clock.advance(2_999);
    expect(world.transport.count).toBe(1);
    await world.clock.advance(1);
    expect(await link.closed).toMatchObject({ code: 1013 });
    expect(world.observed('error')).toMatchObject([{ error: { code: 'HEXBUS_HANDLER_TIMEOUT' } }]);
  });

  it('of another user than the handshake ends with 4503', async () => {
    const { refused } = await gateways.open({ authenticateToken });
    expect((await refused({ token: 'bob' }, 'ann')).code).toBe(4503);
  });

  it('of the same user counts, with what it says', async () => {
    const { connect, gateway } = await gateways.open({
      authenticate: () => ({ userId: 'ann', capabilities: ['a'] }),
      authenticateToken: () => ({ userId: 'ann', capabilities: ['b'] }),
    });
    const { welcome } = await connect({ token: 'ann', caps: ['a', 'b'] });
    expect(welcome.capabilities).toEqual(['b']);
    expect(await gateway.connections.find({ capability: 'a' })).toEqual([]);
  });

  it('whose client is gone before the answer leaves nothing', async () => {
    const answer = deferred<Identity>();
    const world = await gateways.open({ ...byToken, authenticateToken: () => answer.promise });
    const before = world.clock.pendingTimers;
    const link = knock(world.transport, { token: 'ann' });
    await world.clock.runAll();
    expect(world.clock.pendingTimers).toBeGreaterThan(before);
    link.reset();
    await world.clock.runAll();
    expect(world.clock.pendingTimers).toBe(before);
    answer.resolve({ userId: 'ann' });
    await world.clock.runAll();
    expect(world.gateway.connections.count).toBe(0);
  });

  it.each([{ userId: '' }, { userId: '\udc00' }, { userId: 'x'.repeat(600) }])(
    'that names the identity %#, which is none, is no token, and the program is told',
    async (identity) => {
      const world = await gateways.open({ ...byToken, authenticateToken: () => identity });
      expect((await world.refused({ token: 'x' })).code).toBe(1013);
      expect(world.observed('error')).toMatchObject([{ error: { code: 'HEXBUS_CONFIG' } }]);
    },
  );
});

describe('AUTH of a connection that stands', () => {
  it('renews the identity of the same user', async () => {
    const identities: Identity[] = [];
    const { connect, clock } = await gateways.open({
      ...byToken,
      authorize: ({ identity }) => identities.push(identity) > 0,
    });
    const client = await connect({ token: 'ann@90000' });
    client.send(11, 1, 'ann@95000');
    client.subscribe(2, 'order.a');
    await clock.runAll();
    expect(client.lines()).toEqual(['RESULT 2 0 of 0', 'RESULT 1 null']);
    client.subscribe(3, 'order.b');
    await clock.runAll();
    expect(identities.map(({ expiresAt }) => (expiresAt ?? 0) - startAt)).toEqual([90_000, 95_000, 95_000]);
  });

  it('has the rights and capabilities of the new identity before it is answered', async () => {
    const { connect, clock, gateway } = await gateways.open({
      ...byToken,
      authenticateToken: (token) => ({ userId: 'ann', capabilities: [token], data: token }),
      authorize: ({ identity, topic }) => topic === 'order.a' || identity.data === 'old',
    });
    const seen: unknown[] = [];
    gateway.handle('ask', (_, { connection }) => seen.push(connection.capabilities));
    const client = await connect({
      token: 'old',
      caps: ['old', 'new'],
      subs: [
        [1, 'order.a'],
        [2, 'order.b'],
      ],
    });
    client.lines();
    expect(client.welcome.capabilities).toEqual(['old']);
    client.send(11, 3, 'new');
    await clock.runAll();
    expect(client.lines()).toEqual(['ERROR 2 forbidden', 'RESULT 3 null']);
    expect(await gateway.connections.find({ capability: 'old' })).toEqual([]);
    expect(await gateway.connections.find({ capability: 'new' })).toMatchObject([{ capabilities: ['new'] }]);
    client.send('ask', null);
    await clock.runAll();
    expect(seen).toEqual([['new']]);
  });

  it('31: as another user ends with 4503', async () => {
    const { connect, clock } = await gateways.open(byToken);
    const client = await connect({ token: 'ann' });
    client.send(11, 1, 'bob');
    await clock.runAll();
    expect(await client.link.closed).toMatchObject({ code: 4503 });
    expect(client.lines()).toEqual(['BYE 4503']);
  });

  it('31: as somebody, of nobody, ends with 4503', async () => {
    const { connect } = await gateways.open({ authenticate: () => ({}), authenticateToken });
    const client = await connect();
    client.send(11, 1, 'bob');
    expect(await client.link.closed).toMatchObject({ code: 4503 });
  });

  it('that is refused is an error, and the connection goes on', async () => {
    const world = await gateways.open(byToken);
    const client = await world.connect({ token: 'ann' });
    client.send(11, 1, 'nobody');
    client.send(11, 2, 'trouble');
    await world.clock.runAll();
    expect(
      client.frames().map((frame) => (frame.kind === 'reply' && !frame.reply.ok ? frame.reply.error : frame)),
    ).toEqual([
      { code: 'unauthenticated', message: 'the token was not accepted', retryable: false },
      { code: 'unauthenticated', message: 'the token was not accepted', retryable: true },
    ]);
    expect(world.observed('error')).toHaveLength(1);
    expect(world.gateway.connections.count).toBe(1);
  });

  it('is asked one after the other, so that the newest token counts', async () => {
    const answers: Deferred<Identity>[] = [];
    const seen: unknown[] = [];
    const world = await gateways.open({
      authenticate: () => ({ userId: 'ann', data: 'first' }),
      authenticateToken() {
        const answer = deferred<Identity>();
        answers.push(answer);
        return answer.promise;
      },
      authorize: ({ identity }) => seen.push(identity.data) > 0,
    });
    const client = await world.connect();
    client.send(11, 1, 'old');
    client.send(11, 2, 'new');
    await world.clock.runAll();
    expect(answers).toHaveLength(1);
    answers[0]?.resolve({ userId: 'ann', data: 'old' });
    await world.clock.runAll();
    answers[1]?.resolve({ userId: 'ann', data: 'new' });
    await world.clock.runAll();
    client.subscribe(3, 'order.a');
    await world.clock.runAll();
    expect(seen).toEqual(['new']);
  });

  it('is overloaded while one is looked at and one waits', async () => {
    const answers: Deferred<Identity>[] = [];
    const { connect, clock } = await gateways.open({
      authenticate: () => ({ userId: 'ann' }),
      authenticateToken() {
        const answer = deferred<Identity>();
        answers.push(answer);
        return answer.promise;
      },
    });
    const client = await connect();
    for (let id = 1; id <= 4; id++) client.send(11, id, 'ann');
    await clock.runAll();
    expect(client.lines()).toEqual(['ERROR 3 overloaded', 'ERROR 4 overloaded']);
    for (let n = 0; n < 2; n++) {
      answers[n]?.resolve({ userId: 'ann' });
      await clock.runAll();
    }
    client.send(11, 5, 'ann');
    await clock.runAll();
    answers[2]?.resolve({ userId: 'ann' });
    await clock.runAll();
    expect(client.lines()).toEqual(['RESULT 1 null', 'RESULT 2 null', 'RESULT 5 null']);
    expect(answers).toHaveLength(3);
  });

  it('that was cancelled is not answered, though its id stands for another request', async () => {
    const answer = deferred<Identity>();
    const asked = deferred<unknown>();
    const { connect, clock, gateway } = await gateways.open({
      authenticate: () => ({ userId: 'ann' }),
      authenticateToken: () => answer.promise,
    });
    gateway.handle('ask', () => asked.promise);
    const client = await connect();
    client.send(11, 1, 'ann');
    client.send(10, 1);
    client.send('ask', null, 1);
    await clock.runAll();
    answer.resolve({ userId: 'ann' });
    await clock.runAll();
    expect(client.lines()).toEqual([]);
    asked.resolve('done');
    await clock.runAll();
    expect(client.lines()).toEqual(['RESULT 1 "done"']);
  });

  it('whose client is gone before the answer means nothing', async () => {
    const answer = deferred<Identity>();
    const world = await gateways.open({
      authenticate: () => ({ userId: 'ann' }),
      authenticateToken: () => answer.promise,
    });
    const client = await world.connect();
    client.send(11, 1, 'ann');
    await world.clock.runAll();
    client.link.reset();
    await world.clock.runAll();
    answer.resolve({ userId: 'bob' });
    await world.clock.runAll();
    expect(world.observed('disconnected')).toEqual([]);
  });
});

describe('an identity that expires', () => {
  const timings = { expiryWarningMs: 60_000, expiryGraceMs: 25_000, pingMs: 10_000_000 };

  it('31: the client is warned, has a grace, then is closed with 4103', async () => {
    const { connect, clock } = await gateways.open({ ...byToken, timings });
    const client = await connect({ token: 'ann@100000' });
    await clock.advance(39_999);
    expect(client.frames()).toEqual([]);
    await clock.advance(1);
    expect(client.frames()).toEqual([{ kind: 'expiring', inMs: 60_000 }]);
    await clock.advance(84_999);
    expect(client.frames()).toEqual([]);
    await clock.advance(1);
    expect(client.frames()).toEqual([
      { kind: 'bye', bye: { code: 4103, reason: 'the identity has expired', reconnect: true, afterMs: 0 } },
    ]);
    expect(await client.link.closed).toMatchObject({ code: 4103 });
  });

  it('31: one that is renewed in time stays', async () => {
    const { connect, clock, gateway } = await gateways.open({ ...byToken, timings });
    const client = await connect({ token: 'ann@100000' });
    await clock.advance(124_000);
    client.send(11, 1, 'ann@1000000');
    await clock.advance(800_000);
    expect(client.lines()).toEqual(['EXPIRING', 'RESULT 1 null']);
    expect(gateway.connections.count).toBe(1);
    client.send(11, 2, 'ann');
    await clock.advance(10_000_000);
    expect(client.lines()).toEqual(['RESULT 2 null', 'PING']);
  });

  it('31: a token that is refused renews nothing', async () => {
    const { connect, clock } = await gateways.open({ ...byToken, timings });
    const client = await connect({ token: 'ann@100000' });
    await clock.advance(50_000);
    client.send(11, 1, 'nobody');
    await clock.advance(75_000);
    expect(client.lines()).toEqual(['EXPIRING', 'ERROR 1 unauthenticated', 'BYE 4103']);
  });

  it('one that has less left than the warning takes is warned at once', async () => {
    const { connect, clock } = await gateways.open({ ...byToken, timings });
    const client = await connect({ token: 'ann@1000.5' });
    await clock.advance(0);
    expect(client.frames()).toEqual([{ kind: 'expiring', inMs: 1_001 }]);
  });

  it('the client that comes back with a fresh token is told why it was closed', async () => {
    const { connect, clock, transport } = await gateways.open({ ...byToken, timings });
    const client = await connect({ token: 'ann@1000' });
    await clock.advance(30_000);
    const next = await welcomed(knock(transport, { token: 'ann', resume: client.resume }));
    expect(next.welcome).toMatchObject({ resumed: true, last: { code: 4103, reason: 'the identity has expired' } });
  });
});
