import type { Handshake, Identity, WireProtocol } from '@hexbus/core/gateway';
import { closeCodes, createHexbusV1 } from '@hexbus/core/gateway';
import type { MemoryClient } from '@hexbus/testkit';
import { describe, expect, it } from 'vitest';
import { type Deferred, deferred } from '../support/deferred.ts';
import { connectClient, knock } from './support/connect-client.ts';
import { useGateways, type World } from './support/use-gateways.ts';

const gateways = useGateways();
const full = { maxConnections: 2, maxConnectionsPerAddress: 2, maxConnectionsPerUser: 2 } as const;
const roomy = { maxConnections: 9, maxConnectionsPerAddress: 9, maxConnectionsPerUser: 9 } as const;

/** How many more clients of one address and user are let in before one is refused. They leave again. */
async function room(world: World, handshake: Partial<Handshake> = {}): Promise<number> {
  const links: MemoryClient[] = [];
  for (;;) {
    const link = knock(world.transport, {}, handshake);
    const { accepted } = await link.answer;
    // What is signed for a client takes a while of its own, so its answer is waited for.
    if (!accepted || !(await link.next()).startsWith('[2,')) break;
    links.push(link);
  }
  for (const link of links) link.close(1000);
  await world.clock.runAll();
  return links.length;
}

describe('the protocol', () => {
  const other: WireProtocol = { ...createHexbusV1(), name: 'other', accepts: ({ url }) => url === '/other' };

  it.each([
    [['hexbus.v1.json'], 'hexbus.v1.json'],
    [['unknown', 'other', 'hexbus.v1.json'], 'other'],
    [['hexbus.v1.json', 'other'], 'hexbus.v1.json'],
  ])('16: of the offer %j the first that is known is taken', async (protocols, protocol) => {
    const { transport } = await gateways.open({ protocols: [other, createHexbusV1()] });
    expect(await transport.connect({ protocols }).answer).toEqual({ accepted: true, protocol });
  });

  it('of a client that offers none, the first that takes it', async () => {
    const { transport } = await gateways.open({ protocols: [other, createHexbusV1()] });
    const protocols: string[] = [];
    expect(await transport.connect({ protocols }).answer).toMatchObject({ protocol: 'hexbus.v1.json' });
    expect(await transport.connect({ protocols, url: '/other' }).answer).toMatchObject({ protocol: 'other' });
  });

  it.each([['hexbus.v1.eventsource'], ['hexbus.v1.eventsource', 'hexbus.v1.json']])(
    'not one for clients that say nothing where they are not heard either, though it is named (%s)',
    async (...protocols) => {
      const { transport, streams } = await gateways.open();
      const answer = protocols.includes('hexbus.v1.json') ? { protocol: 'hexbus.v1.json' } : { status: 400 };
      expect(await transport.connect({ protocols }).answer).toMatchObject(answer);
      const stream = streams.connect({ protocols });
      expect(await stream.answer).toMatchObject({ protocol: 'hexbus.v1.eventsource' });
      stream.cut();
    },
  );

  it('16: none in common is 400, and takes no place', async () => {
    const world = await gateways.open({ limits: full });
    world.observed('rejected');
    const answers = [['unknown'], ['toString'], ['__proto__']].map(
      (protocols) => world.transport.connect({ protocols }).answer,
    );
    for (const answer of answers) expect(await answer).toMatchObject({ accepted: false, status: 400 });
    expect(world.observed('rejected')).toEqual(Array(3).fill({ why: 'no protocol in common', address: 'memory' }));
    expect(await room(world)).toBe(2);
  });
});

/** Those who were turned away together do not come back together. */
function isPause(ms: number): boolean {
  return Number.isInteger(ms) && ms >= 5_000 && ms <= 10_000;
}

describe('limits', () => {
  it('per address: 429, and when to come back', async () => {
    const world = await gateways.open({ limits: { ...roomy, maxConnectionsPerAddress: 2 } });
    await world.connect();
    await world.connect();
    expect(await world.transport.connect().answer).toEqual({
      accepted: false,
      status: 429,
      reason: 'maxConnectionsPerAddress',
      retryAfterMs: 5_000,
    });
    expect((await world.transport.connect({ address: 'elsewhere' }).answer).accepted).toBe(true);
  });

  it('of all: 503', async () => {
    const world = await gateways.open({ limits: { ...roomy, maxConnections: 2 } });
    await world.connect();
    await world.connect();
    expect(await world.transport.connect({ address: 'elsewhere' }).answer).toMatchObject({
      status: 503,
      retryAfterMs: 5_000,
    });
  });

  it('per user known by the handshake: 4505, to come back later', async () => {
    const world = await gateways.open({ limits: { ...roomy, maxConnectionsPerUser: 2 } });
    await world.connect({}, 'ann');
    await world.connect({}, 'ann');
    expect((await world.refused({}, 'ann')).code).toBe(closeCodes.connectionLimit);
    await world.connect({}, 'bob');
  });

  it('per user known by a token: 4505, to come back later', async () => {
    const world = await gateways.open({
      authenticate: () => ({}),
      authenticateToken: (token) => ({ userId: token }),
      limits: { ...roomy, maxConnectionsPerUser: 2 },
    });
    await world.connect({ token: 'ann' });
    await world.connect({ token: 'ann' });
    const { code, texts } = await world.refused({ token: 'ann' });
    expect(code).toBe(closeCodes.connectionLimit);
    const told = { code: 4505, reason: 'maxConnectionsPerUser', reconnect: true, afterMs: expect.toSatisfy(isPause) };
    expect(texts.map((text) => JSON.parse(text))).toEqual([[16, told]]);
    await world.connect({ token: 'bob' });
  });

  it.each([
    ['the handshake', {}, 'ann'],
    ['a token', { token: 'ann' }, undefined],
  ])('a user known by %s comes back over her own dead connection, whose place she takes', async (_, hello, user) => {
    const world = await gateways.open({
      authenticateToken: (token) => ({ userId: token }),
      limits: { ...roomy, maxConnectionsPerUser: 1 },
    });
    let client = await world.connect(hello, user);
    for (let round = 0; round < 3; round++) {
      client.link.pause();
      client = await world.connect({ ...hello, resume: client.resume }, user);
      expect(client.welcome.resumed).toBe(true);
      expect((await world.refused(hello, user)).code).toBe(closeCodes.connectionLimit);
    }
    client.link.close(1000);
    await world.clock.runAll();
    await world.connect(hello, user);
  });

  it('a user known by both is counted once', async () => {
    const world = await gateways.open({
      authenticateToken: (token) => ({ userId: token }),
      limits: { ...roomy, maxConnectionsPerUser: 1 },
    });
    await world.connect({ token: 'ann' }, 'ann');
    expect((await world.refused({ token: 'ann' }, 'ann')).code).toBe(closeCodes.connectionLimit);
  });

  it('20: names of Object.prototype are users and addresses like others', async () => {
    const world = await gateways.open({ limits: { ...roomy, maxConnectionsPerUser: 1 } });
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      const headers = { user: name };
      expect(await room(world, { headers, address: name }), name).toBe(1);
    }
  });
});

describe('places are given back exactly once', () => {
  const endings: Record<string, (world: World) => Promise<void>> = {
    'the client closes': async ({ connect }) => (await connect({}, 'ann')).link.close(1000),
    'the client is gone': async ({ connect }) => (await connect({}, 'ann')).link.reset(),
    'the client is gone before HELLO': async ({ transport }) => {
      const link = transport.connect({ headers: { user: 'ann' } });
      await link.answer;
      link.reset();
    },
    'the client is gone during the handshake': async ({ transport }) =>
      transport.connect({ headers: { user: 'ann' } }).reset(),
    'the server disconnects': async ({ connect, gateway }) => {
      await connect({}, 'ann');
      expect(await gateway.disconnect({ user: 'ann' })).toBe(1);
      expect(await gateway.disconnect({ user: 'ann' })).toBe(0);
    },
    'the server ends it, and the client goes at the same time': async ({ connect, gateway }) => {
      const client = await connect({}, 'ann');
      client.link.reset();
      await gateway.disconnect({ user: 'ann' });
    },
    'the client breaks the protocol': async ({ connect }) => (await connect({}, 'ann')).send('x', 1, -1),
    'no HELLO comes': async ({ transport, clock }) => {
      await transport.connect({ headers: { user: 'ann' } }).answer;
      await clock.advance(5_000);
    },
    'it is dead': async ({ connect, clock }) => {
      await connect({}, 'ann');
      await clock.advance(100_000);
    },
    'it is refused': async ({ transport }) => {
      await transport.connect({ headers: { user: 'nobody' } }).answer;
    },
    'authenticate throws': async ({ transport, observed }) => {
      await transport.connect({ headers: { user: 'trouble' } }).answer;
      expect(observed('error')).toHaveLength(1);
    },
  };

  it.each(Object.entries(endings))('when %s', async (_, end) => {
    const world = await gateways.open({
      limits: full,
      authenticate: ({ headers: { user } }) => {
        if (user === 'trouble') throw new Error(user);
        return user === 'nobody' ? null : { ...(user === undefined ? {} : { userId: user }) };
      },
    });
    const headers = { user: 'ann' };
    expect(await room(world, { headers })).toBe(2);
    for (let round = 0; round < 3; round++) {
      await end(world);
      await world.clock.runAll();
    }
    expect(await room(world, { headers })).toBe(2);
    expect(await room(world)).toBe(2);
  });
});

describe('authenticate', () => {
  it('null is 401', async () => {
    const world = await gateways.open({ authenticate: () => null });
    world.observed('rejected');
    expect(await world.transport.connect().answer).toEqual({
      accepted: false,
      status: 401,
      reason: 'not authenticated',
      retryAfterMs: undefined,
    });
    expect(world.observed('rejected')).toEqual([{ why: 'not authenticated', address: 'memory' }]);
  });

  const troubles: Record<string, () => never | Promise<never>> = {
    throws: () => {
      throw new Error('no database');
    },
    rejects: () => Promise.reject(new Error('no database')),
  };

  it.each(Object.entries(troubles))(
    'one that %s is 503, told to the observer and not to the client',
    async (_, authenticate) => {
      const world = await gateways.open({ authenticate });
      expect(await world.transport.connect().answer).toEqual({
        accepted: false,
        status: 503,
        reason: 'authentication failed',
        retryAfterMs: 5_000,
      });
      expect(world.observed('error')).toMatchObject([{ error: { message: 'no database' } }]);
    },
  );

  it('one that never answers is 503 in time, and its late answer means nothing', async () => {
    const answer = deferred<Identity | null>();
    const world = await gateways.open({ authenticate: () => answer.promise, timings: { authenticateTimeoutMs: 700 } });
    const link = world.transport.connect();
    await world.clock.advance(699);
    expect(world.clock.pendingTimers).toBeGreaterThan(0);
    await world.clock.advance(1);
    expect(await link.answer).toMatchObject({ status: 503 });
    expect(world.observed('error')).toMatchObject([{ error: { code: 'HEXBUS_HANDLER_TIMEOUT' } }]);
    answer.resolve({ userId: 'ann' });
    await world.clock.runAll();
    expect(world.gateway.connections.count).toBe(0);
  });

  it('14: a client that is gone meanwhile frees its place at once', async () => {
    const answers: Deferred<Identity | null>[] = [];
    const world = await gateways.open({
      limits: full,
      authenticate() {
        const answer = deferred<Identity | null>();
        answers.push(answer);
        return answer.promise;
      },
    });
    const links = [world.transport.connect(), world.transport.connect()];
    expect(await world.transport.connect().answer).toMatchObject({ status: 503 });
    for (const link of links) link.reset();
    await world.clock.runAll();
    const next = world.transport.connect();
    await world.clock.runAll();
    answers[0]?.reject(new Error('nobody hears this'));
    answers[1]?.resolve({ userId: 'ann' });
    answers[2]?.resolve({});
    expect(await next.answer).toMatchObject({ accepted: true });
    next.reset();
  });

  it.each([
    ['no object', 'ann'],
    ['undefined', undefined],
    ['false', false],
    ['an empty userId', { userId: '' }],
    ['a userId that is no text', { userId: 7 }],
    ['half of a surrogate pair', { userId: 'a\ud800' }],
    ['a userId that fits into no address', { userId: 'é'.repeat(100) }],
    ['capabilities that are no list', { capabilities: 'console' }],
    ['capabilities that are no names', { capabilities: [''] }],
    ['an expiry that is no time', { expiresAt: Number.NaN }],
    ['an expiry that is a Date', { expiresAt: new Date(0) }],
  ])('an identity that is wrong (%s) is refused, and the program is told', async (_, identity) => {
    const world = await gateways.open({ authenticate: () => identity as Identity, limits: full });
    expect(await world.transport.connect().answer).toMatchObject({ status: 503 });
    expect(world.observed('error')).toMatchObject([
      { error: { code: 'HEXBUS_CONFIG', message: expect.stringMatching(/^identity/) } },
    ]);
    for (let tries = 0; tries < 3; tries++)
      expect(await world.transport.connect().answer).toMatchObject({ status: 503 });
    world.observed('error');
  });

  it('without authenticate everybody is nobody in particular', async () => {
    const { connect, gateway } = await gateways.open({ authenticate: undefined });
    await connect();
    expect((await gateway.connections.find()).map(({ userId }) => userId)).toEqual([undefined]);
  });
});

describe('a gateway that is closing', () => {
  it('lets nobody in, also who knocked before', async () => {
    const answer = deferred<Identity | null>();
    const world = await gateways.open({ authenticate: ({ url }) => (url === '/' ? {} : answer.promise) });
    await connectClient(world.transport);
    const early = world.transport.connect({ url: '/slow' });
    await world.clock.runAll();
    const closing = world.close();
    answer.resolve({});
    expect(await early.answer).toMatchObject({ accepted: false, status: 503 });
    expect(await world.transport.connect().answer).toMatchObject({ accepted: false, status: 503 });
    await closing;
  });
});
