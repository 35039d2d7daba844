import { createMemoryBroker, createMemoryRegistry } from '@hexbus/core/gateway';
import { describe, expect, it } from 'vitest';
import { createDurablePlace } from '../support/durable-memory.ts';
import { connectClient, knock, welcomed } from './support/connect-client.ts';
import { useGateways, type World, type WorldOptions } from './support/use-gateways.ts';

const gateways = useGateways();

const topics = {
  'order.>': { retain: { maxCount: 1000 } },
  'log.>': { retain: { maxCount: 3 } },
  '@all': { retain: { maxCount: 1000 } },
  '@user.>': { retain: { maxCount: 1000 } },
  '@session.>': { retain: { maxCount: 1000 } },
  '@connection.>': { retain: { maxCount: 1000 } },
} as const;

/** The worlds of one place, one after the other, as a program that is restarted. */
function restarts(options: WorldOptions = {}): () => Promise<World> {
  const place = createDurablePlace();
  let world: World | undefined;
  return async () => {
    await world?.close();
    await world?.bus.close();
    world = await gateways.open({ topics, ...options, bus: { history: place.store() } });
    return world;
  };
}

describe('a client that comes back', () => {
  it('gets what it missed, in order and once, then what follows', async () => {
    const { connect, publish, gateway, clock } = await gateways.open({ topics });
    const first = await connect({ subs: [[1, 'order.a']] }, 'ann');
    await publish('order.a', 1);
    expect(first.lines()).toEqual(['RESULT 1 0 of 0', 'order.a#1 1']);
    first.link.reset();
    await publish('order.a', 2);
    await gateway.post({ session: first.welcome.session }, 'Hello', 3);
    await gateway.post({ all: true }, 'News', 4);
    await gateway.post({ connection: first.welcome.connection }, 'Lost', 5);
    await publish('order.a', 6);

    const second = await connect({ resume: first.resume, subs: [[1, 'order.a', 'covered']] }, 'ann');
    await publish('order.a', 7);
    const { session, secret, resumed, connection } = second.welcome;
    expect({ session, secret, resumed }).toEqual({
      session: first.welcome.session,
      secret: first.welcome.secret,
      resumed: true,
    });
    expect(connection).not.toBe(first.welcome.connection);
    const address = `@session.${encodeURIComponent(session)}`;
    expect(second.lines()).toEqual([
      'RESULT 1 1 of 6',
      'order.a#2 2',
      `${address}#3 Hello 3`,
      '@all#4 News 4',
      'order.a#6 6',
      'order.a#7 7',
    ]);
    await clock.runAll();
    expect(second.lines()).toEqual([]);
  });

  it('comes back on another transport of the same gateway', async () => {
    const { connect, publish, transport } = await gateways.open({ topics });
    const first = await connect({}, 'ann');
    first.link.reset();
    const handshake = { transport: 'other', headers: { user: 'ann' }, protocols: [] };
    const second = await connectClient(
      transport,
      { resume: first.resume, subs: [[1, 'order.>', 'covered']] },
      handshake,
    );
    await publish('order.a', 1);
    expect(second.welcome.resumed).toBe(true);
    expect(second.lines()).toEqual(['RESULT 1 0 of 0', 'order.a#1 1']);
  });

  it('comes back though it had received nothing but WELCOME', async () => {
    const { connect, gateway } = await gateways.open({ topics });
    const first = await connect({}, 'ann');
    first.link.reset();
    await gateway.post({ user: 'ann' }, 'Refresh', 1);
    const second = await connect({ resume: first.resume }, 'ann');
    expect(second.welcome.resumed).toBe(true);
    expect(second.lines()).toEqual(['@user.ann#1 Refresh 1']);
  });

  it('is told of a gap when it has no token, since nobody knows what it has', async () => {
    const { connect, gateway, publish } = await gateways.open({ topics });
    const first = await connect();
    const { session, secret } = first.resume;
    first.link.reset();
    await gateway.post({ session }, 'Hello', 1);
    const second = await connect({ resume: { session, secret }, subs: [[1, 'order.a']] });
    await publish('order.a', 2);
    expect(second.welcome.resumed).toBe(true);
    expect(second.lines()).toEqual(['GAP reset [0]', 'RESULT 1 1 of 1', 'order.a#2 2']);
  });

  it('is refused what it says is covered when it has no token', async () => {
    const { connect } = await gateways.open({ topics });
    const first = await connect();
    const { session, secret } = first.resume;
    for (const hello of [{ resume: { session, secret } }, {}]) {
      const client = await connect({ ...hello, subs: [[1, 'order.a', 'covered']] });
      expect(client.lines().filter((line) => !line.startsWith('GAP'))).toEqual(['ERROR 1 invalid']);
    }
  });

  it('starts subscriptions that its token does not cover at the `from` that it names', async () => {
    const { connect, publish } = await gateways.open({ topics });
    await publish('order.a', 1);
    await publish('order.b', 2);
    const first = await connect({ subs: [[1, 'order.a']] });
    first.lines();
    first.link.reset();
    await publish('order.a', 3);
    const second = await connect({
      resume: first.resume,
      subs: [
        [1, 'order.a', 'covered'],
        [2, 'order.b', 'earliest'],
        [3, 'order.b', { last: 0 }],
      ],
    });
    await publish('order.b', 4);
    // PING: all have caught up, once with and once without the one that the history had to locate.
    expect(
      second
        .lines()
        .filter((line) => line !== 'PING')
        .toSorted(),
    ).toEqual(
      [
        'RESULT 1 2 of 3',
        'RESULT 3 3 of 3',
        'RESULT 2 1 of 3',
        '[1] order.a#3 3',
        '[2] order.b#2 2',
        'order.b#4 4',
      ].toSorted(),
    );
  });

  it('goes on in the middle of catching up', async () => {
    const { connect, publish, clock } = await gateways.open({ topics, limits: { maxOutboxBytes: 200 } });
    const bodies = Array.from({ length: 10 }, (_, index) => index + 1);
    await publish('order.a', ...bodies);
    const first = await connect({ subs: [[1, 'order.b']] });
    first.link.pause();
    first.subscribe(2, 'order.a', 'earliest');
    await clock.runAll();
    first.link.read(2);
    const seen = first.lines().filter((line) => line.startsWith('[2]'));
    expect(seen.length).toBeGreaterThan(0);
    expect(seen.length).toBeLessThan(10);
    first.link.reset();
    const second = await connect({
      resume: first.resume,
      subs: [
        [1, 'order.b', 'covered'],
        [2, 'order.a', 'covered'],
      ],
    });
    const rest = second.lines().filter((line) => line.includes('order.a#'));
    expect([...seen, ...rest]).toEqual(bodies.map((body) => expect.stringContaining(`order.a#${body} ${body}`)));
  });

  it('is told why the server ended its connection', async () => {
    const { connect, clock } = await gateways.open({ timings: { pingMs: 1_000, maxMissedPings: 1 } });
    const first = await connect();
    await clock.advance(2_000);
    expect(await first.link.closed).toEqual({ code: 1006, reason: '' });
    const second = await connect({ resume: first.resume });
    expect(second.welcome.last).toEqual({ code: 4000, reason: 'no sign of life' });
    second.link.close(1001);
    await clock.runAll();
    expect((await connect({ resume: second.resume })).welcome.last).toBeUndefined();
  });
});

describe('a gateway that was restarted', () => {
  it('takes sessions up where they were, with the same resumeKey and a durable history', async () => {
    const start = restarts({ resumeKey: 'k'.repeat(32) });
    const before = await start();
    const first = await before.connect({ subs: [[1, 'order.a']] }, 'ann');
    await before.publish('order.a', 1);
    first.lines();
    first.link.reset();
    await before.publish('order.a', 2);
    await before.gateway.post({ user: 'ann' }, 'Refresh', 3);
    const after = await start();
    const second = await after.connect({ resume: first.resume, subs: [[1, 'order.a', 'covered']] }, 'ann');
    expect(second.welcome.resumed).toBe(true);
    expect(second.welcome.session).toBe(first.welcome.session);
    expect(second.lines()).toEqual(['RESULT 1 1 of 3', 'order.a#2 2', '@user.ann#3 Refresh 3']);
  });

  it('tells of what was trimmed', async () => {
    const start = restarts({ resumeKey: 'k'.repeat(32) });
    const before = await start();
    const first = await before.connect({ subs: [[1, 'log.a']] });
    await before.publish('log.a', 1);
    first.lines();
    first.link.reset();
    await before.publish('log.a', 2, 3, 4, 5, 6);
    const after = await start();
    const second = await after.connect({ resume: first.resume, subs: [[1, 'log.a', 'covered']] });
    expect(second.lines()).toEqual([
      'RESULT 1 1 of 6',
      'GAP trimmed [1] log.a 2-3',
      'log.a#4 4',
      'log.a#5 5',
      'log.a#6 6',
    ]);
  });

  it('knows no session without a resumeKey, but what a token covers goes on', async () => {
    const start = restarts();
    const before = await start();
    const first = await before.connect({ subs: [[1, 'order.a']] });
    first.lines();
    first.link.reset();
    await before.publish('order.a', 1);
    const after = await start();
    const second = await after.connect({ resume: first.resume, subs: [[1, 'order.a', 'covered']] });
    expect(second.welcome.resumed).toBe(false);
    expect(second.lines().toSorted()).toEqual(
      ['GAP reset [0]', 'PING', 'RESULT 1 0 of 1', '[1] order.a#1 1'].toSorted(),
    );
  });
});

describe('gateways that share registry, broker and resumeKey', () => {
  it('hand sessions to each other', async () => {
    const { buses } = gateways;
    const host = await buses.open({ topics });
    const { clock } = host;
    const shared = {
      on: host,
      registry: createMemoryRegistry({ clock }),
      broker: createMemoryBroker({ clock }),
      resumeKey: 'k'.repeat(32),
      timings: { resumeWindowMs: 30_000, pingMs: 10_000_000 },
    };
    const [one, other] = [await gateways.open(shared), await gateways.open(shared)];
    for (const world of [one, other]) world.observed('sessionExpired');
    const first = await one.connect({ subs: [[1, 'order.a']] }, 'ann');
    await clock.advance(1);
    const second = await other.connect({ resume: first.resume, subs: [[1, 'order.a', 'covered']] }, 'ann');
    await one.publish('order.a', 1);
    expect(first.lines()).toEqual(['RESULT 1 0 of 0', 'BYE 4510']);
    expect(second.lines()).toEqual(['RESULT 1 0 of 0', 'order.a#1 1']);
    // It lives on, so it has not expired where it was.
    await clock.advance(60_000);
    expect(one.observed('sessionExpired')).toEqual([]);
    second.link.reset();
    await one.publish('order.a', 2);
    const third = await one.connect({ resume: second.resume, subs: [[1, 'order.a', 'covered']] }, 'ann');
    expect(third.welcome).toMatchObject({ resumed: true, session: first.welcome.session });
    expect(third.welcome.last).toBeUndefined();
    expect(third.lines()).toEqual(['RESULT 1 1 of 2', 'order.a#2 2']);
  });
});

describe('T29: one carrier a session', () => {
  it('ends the old connection with 4510 when its session is resumed', async () => {
    const { connect, publish, observed, gateway, clock } = await gateways.open({ topics });
    observed('disconnected');
    const first = await connect({ subs: [[1, 'order.a']] }, 'ann');
    const second = await connect({ resume: first.resume, subs: [[1, 'order.a', 'covered']] }, 'ann');
    await publish('order.a', 1);
    await gateway.post({ session: first.welcome.session }, 'Hello', 2);
    await clock.runAll();
    expect(first.lines()).toEqual(['RESULT 1 0 of 0', 'BYE 4510']);
    expect(await first.link.closed).toMatchObject({ code: 4510 });
    expect(second.welcome.resumed).toBe(true);
    expect(second.welcome.last).toBeUndefined();
    expect(second.lines()).toEqual(['RESULT 1 0 of 0', 'order.a#1 1', expect.stringContaining('Hello 2')]);
    expect(observed('disconnected')).toEqual([expect.objectContaining({ code: 4510 })]);
    expect(gateway.connections.count).toBe(1);
  });

  it('goes on, in a new one, where the token of who was cut off says', async () => {
    const { connect, publish, gateway, clock } = await gateways.open({ topics });
    const taken = await connect({ subs: [[1, 'order.a']] }, 'ann');
    await publish('order.a', 1);
    await gateway.post({ user: 'ann' }, 'Note', 2);
    await clock.runAll();
    taken.lines();
    const { token: lastToken = '' } = taken.resume;
    await connect({ resume: taken.resume }, 'ann');
    await publish('order.a', 3);
    await gateway.post({ all: true }, 'News', 4);
    await clock.runAll();
    const again = await connect({ lastToken, subs: [[1, 'order.a', 'covered']] }, 'ann');
    expect(again.welcome).toMatchObject({ resumed: false, token: lastToken });
    expect(again.welcome.session).not.toBe(taken.welcome.session);
    expect(again.lines()).toEqual(['RESULT 1 2 of 4', 'order.a#3 3', '@all#4 News 4']);
    expect(gateway.connections.count).toBe(2);
  });

  it('gives one of two resumes that race', async () => {
    const { connect, transport, publish, clock, gateway, left } = await gateways.open({ topics });
    const first = await connect({ subs: [[1, 'order.a']] }, 'ann');
    first.lines();
    const hello = { resume: first.resume, subs: [[1, 'order.a', 'covered']] } as const;
    const racing = [0, 1].map(() => knock(transport, hello, { headers: { user: 'ann' } }));
    const clients = await Promise.all(racing.map((link) => welcomed(link)));
    await clock.runAll();
    await publish('order.a', 1);
    expect(first.lines()).toEqual(['BYE 4510']);
    const lines = clients.map((client) => client.lines());
    expect(lines.filter((one) => one.includes('BYE 4510'))).toHaveLength(1);
    expect(lines.filter((one) => one.includes('order.a#1 1'))).toHaveLength(1);
    expect(gateway.connections.count).toBe(1);
    expect((await left()).registered).toBe(1);
    expect(await gateway.connections.find({ session: first.welcome.session })).toHaveLength(1);
  });
});

describe('T30: rights that were revoked while the client was away', () => {
  it('replays nothing of what it may no longer see', async () => {
    const allowed = new Set(['order.a', 'order.b']);
    const { connect, publish } = await gateways.open({ topics, authorize: ({ topic }) => allowed.has(topic) });
    const first = await connect({
      subs: [
        [1, 'order.a'],
        [2, 'order.b'],
      ],
    });
    first.lines();
    first.link.reset();
    await publish('order.a', 1);
    await publish('order.b', 2);
    allowed.delete('order.a');
    const second = await connect({
      resume: first.resume,
      subs: [
        [1, 'order.a', 'covered'],
        [2, 'order.b', 'covered'],
      ],
    });
    await publish('order.a', 3);
    expect(second.welcome.resumed).toBe(true);
    expect(second.lines()).toEqual(['ERROR 1 forbidden', 'RESULT 2 0 of 2', 'order.b#2 2']);
  });

  it('asks again, also where the answer takes its time', async () => {
    const { connect, publish, clock } = await gateways.open({
      topics,
      authorize: async ({ topic }) => topic === 'order.b',
    });
    const client = await connect({
      subs: [
        [1, 'order.a', 'earliest'],
        [2, 'order.b'],
      ],
    });
    await publish('order.a', 1);
    await publish('order.b', 2);
    await clock.runAll();
    expect(client.lines()).toEqual(['ERROR 1 forbidden', 'RESULT 2 0 of 0', 'order.b#2 2']);
  });
});
