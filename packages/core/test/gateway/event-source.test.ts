import type { Frame, Handshake } from '@hexbus/core/gateway';
import { decodeServerFrame } from '@hexbus/core/wire';
import { describe, expect, it } from 'vitest';
import { deferred } from '../support/deferred.ts';
import { createEventSource } from './support/event-source.ts';
import { lineOf } from './support/lines.ts';
import { useGateways, type World } from './support/use-gateways.ts';

const gateways = useGateways();
const retained = { retain: { maxCount: 100 } };
const topics = { 'order.>': retained, '@user.>': retained, '@all': retained };

/** Events as a browser would name them, with what each says and its id. */
function eventsOf(frames: readonly Frame[]): readonly string[] {
  return frames.map(({ event = 'message', text, cursor, retryMs }) => {
    const id = cursor === undefined ? '' : ` id ${cursor.replace(/^[^.-]+/, 'e')}`;
    return `${event}: ${lineOf(decodeServerFrame(text))}${id}${retryMs === undefined ? '' : ` retry ${retryMs}`}`;
  });
}

function userOf({ headers }: Handshake): { readonly userId?: string } {
  return headers['user'] === undefined ? {} : { userId: headers['user'] };
}

describe('what a client hears that only listens', () => {
  it('are its topics, then their messages, with ids from the moment at which it was told of all topics', async () => {
    const world = await gateways.open({ topics });
    await world.publish('order.a', 1, 2);
    const source = createEventSource(world, '?topic=order.*&topic=news&from=earliest');
    expect(await source.connect()).toMatchObject({ accepted: true, protocol: 'hexbus.v1.eventsource' });
    await world.publish('order.b', 3);
    expect(eventsOf(source.frames())).toEqual([
      'welcome: WELCOME id -',
      'refused: ERROR 2 invalid',
      'subscribed: RESULT 1 0 of 2 id e.2~1:0',
      'message: order.a#1 1 id e.2~1:1',
      'message: order.a#2 2 id e.2~1:2',
      'ping: PING id e.2',
      'message: order.b#3 3 id e.3',
    ]);
  });

  it('waits with ids for an answer that takes its time', async () => {
    const right = deferred<boolean>();
    const world = await gateways.open({
      topics,
      authorize: ({ topic }) => (topic === 'order.slow' ? right.promise : true),
    });
    await world.publish('order.slow', 1);
    const source = createEventSource(world, '?topic=order.a&topic=order.slow&from=earliest');
    await source.connect();
    await world.publish('order.a', 2);
    expect(eventsOf(source.frames())).toEqual([
      'welcome: WELCOME id -',
      'subscribed: RESULT 1 1 of 1',
      'message: order.a#2 2',
    ]);
    right.resolve(true);
    await world.clock.runAll();
    expect(eventsOf(source.frames())).toEqual([
      'subscribed: RESULT 2 0 of 2 id e.2~2:0',
      'message: order.slow#1 1 id e.2~2:2',
      'ping: PING id e.2',
    ]);
  });

  it('is the same frame as that of another client of its kind, and the same text as that of a client of both ways', async () => {
    const world = await gateways.open({ topics });
    const [one, two] = [createEventSource(world, '?topic=order.a'), createEventSource(world, '?topic=order.>')];
    await one.connect();
    await two.connect();
    const client = await world.connect({ subs: [[1, 'order.a']] });
    one.frames();
    two.frames();
    client.link.take();
    await world.publish('order.a', 1);
    const [first] = one.frames();
    expect(two.frames()[0]).toBe(first);
    expect(client.link.take()).toEqual([first?.text]);
  });

  it('are messages of topics that are not retained, from when it is there', async () => {
    const world = await gateways.open({ topics });
    await world.publish('news', 1);
    const source = createEventSource(world, '?topic=news');
    await source.connect();
    await world.publish('news', 2);
    expect(source.lines()).toEqual(['WELCOME', 'RESULT 1 {}', 'news 2']);
  });

  it('is what is addressed to it, without a topic', async () => {
    const world = await gateways.open({ topics });
    const source = createEventSource(world, '', 'ann');
    await source.connect();
    await world.gateway.post({ user: 'ann' }, 'Note', 1);
    await world.gateway.post({ connection: source.welcome.connection }, 'Note', 2);
    await world.clock.runAll();
    expect(eventsOf(source.frames())).toEqual([
      'welcome: WELCOME id e.0',
      'message: @user.ann#1 Note 1 id e.1',
      expect.stringMatching(/^message: @connection\.\w+ Note 2$/),
    ]);
  });
});

describe('a client that only listens', () => {
  it.each([
    ['asks nothing at the handshake', undefined],
    ['does not know it by the handshake', () => null],
  ])('is refused with 401 by a gateway that wants a token, which it cannot bring, and %s', async (_, authenticate) => {
    const authenticateToken = (userId: string): { readonly userId: string } => ({ userId });
    const world = await gateways.open({ topics, authenticate, authenticateToken });
    const source = createEventSource(world, '?topic=order.a');
    expect(await source.connect()).toMatchObject({ accepted: false, status: 401 });
  });

  it('is refused with 400 for an address that makes no sense', async () => {
    const world = await gateways.open({ topics });
    world.observed('rejected');
    const answer = await createEventSource(world, '?topic=a..b').connect();
    const reason = expect.stringContaining('a..b');
    expect(answer).toMatchObject({ accepted: false, status: 400, reason });
    expect(world.observed('rejected')).toMatchObject([{ why: reason }]);
  });

  it('cannot be asked: a request ends at once, also while it takes nothing', async () => {
    const world = await gateways.open({ topics });
    const source = createEventSource(world, '', 'ann');
    await source.connect();
    const { connection, session } = source.welcome;
    for (const target of [{ connection }, { session }]) {
      expect(await world.gateway.request(target, 'state', 1)).toMatchObject({ status: 'error', code: 'no-handler' });
    }
    source.frames();
    await world.clock.runAll();
    expect(source.frames()).toEqual([]);
  });

  it.each(['now', 'earliest'])('cannot listen to a held topic from %s, which is no try', async (from) => {
    const world = await gateways.open({ topics: { ...topics, 'invoice.print': { retain: 'until-handled' } } });
    await world.bus.publish('invoice.print', 1);
    const source = createEventSource(world, `?topic=invoice.print&from=${from}`);
    await source.connect();
    await world.clock.advance(60_000);
    expect(source.lines().slice(0, 2)).toEqual(['WELCOME', 'ERROR 1 invalid']);
    const printer = await world.connect({ subs: [[1, 'invoice.print']] });
    await world.clock.runAll();
    expect(printer.lines()).toEqual(['RESULT 1 {"held":true}', 'DELIVERY 1 to 1: invoice.print 1']);
    printer.answer(1);
    await world.clock.runAll();
    expect(await world.bus.stats('invoice.print')).toMatchObject({ waiting: 0 });
  });

  it('is forbidden what others are, and the addresses of others', async () => {
    const world = await gateways.open({ topics, authorize: ({ topic }) => topic === 'order.a' });
    const source = createEventSource(world, '?topic=order.a&topic=order.b&topic=@user.bob', 'ann');
    await source.connect();
    expect(source.lines()).toEqual(['WELCOME', 'RESULT 1 0 of 0', 'ERROR 2 forbidden', 'ERROR 3 forbidden']);
  });

  it('gets nothing of a topic any more whose right was revoked', async () => {
    let isAllowed = true;
    const world = await gateways.open({ topics, authorize: () => isAllowed });
    const source = createEventSource(world, '?topic=order.a', 'ann');
    await source.connect();
    source.frames();
    isAllowed = false;
    expect(await world.gateway.revoke({ user: 'ann' })).toBe(1);
    await world.publish('order.a', 1);
    expect(eventsOf(source.frames())).toEqual(['refused: ERROR 1 forbidden id e.0']);
  });

  it('has as many topics as others', async () => {
    const world = await gateways.open({ topics, limits: { maxSubscriptions: 1 } });
    const source = createEventSource(world, '?topic=order.a&topic=order.b');
    await source.connect();
    expect(source.lines()).toEqual(['WELCOME', 'RESULT 1 0 of 0', 'ERROR 2 limit']);
  });

  it('is told when its identity expires, and ended after that', async () => {
    let expiresAt = 0;
    const world = await gateways.open({ topics, authenticate: (handshake) => ({ ...userOf(handshake), expiresAt }) });
    expiresAt = world.clock.now() + 100_000;
    const source = createEventSource(world, '', 'ann');
    await source.connect();
    await world.clock.advance(100_000);
    expect(eventsOf(source.frames()).filter((event) => !event.startsWith('ping'))).toEqual([
      'welcome: WELCOME id e.0',
      'expiring: EXPIRING',
    ]);
    await world.clock.advance(25_000);
    expect(eventsOf(source.frames()).at(-1)).toBe('bye: BYE 4103');
    expect(await source.closed()).toMatchObject({ code: 4103 });
  });

  it('is not taken for dead because it says nothing', async () => {
    const world = await gateways.open({ topics });
    const source = createEventSource(world, '?topic=order.a');
    await source.connect();
    await world.clock.advance(10 * 60_000);
    await world.publish('order.a', 1);
    const lines = source.lines();
    expect(lines.filter((line) => line === 'PING')).toHaveLength(24);
    expect(lines.at(-1)).toBe('order.a#1 1');
  });

  it('is ended with 4500 when it says something', async () => {
    const world = await gateways.open({ topics });
    const source = createEventSource(world, '');
    await source.connect();
    source.say('[15]');
    source.say('[15]');
    expect(await source.closed()).toMatchObject({ code: 4500 });
    expect(eventsOf(source.frames()).at(-1)).toBe('bye: BYE 4500 retry 2147483647');
  });

  it('is told when to come back by a server that closes, and to stay away when it was disconnected', async () => {
    const world = await gateways.open({ topics });
    const [ann, bob] = [createEventSource(world, '', 'ann'), createEventSource(world, '', 'bob')];
    await ann.connect();
    await bob.connect();
    expect(await world.gateway.disconnect({ user: 'ann' })).toBe(1);
    expect(eventsOf(ann.frames()).at(-1)).toBe('bye: BYE 1000 retry 2147483647');
    await world.close();
    expect(eventsOf(bob.frames()).at(-1)).toMatch(/^bye: BYE 1012 retry \d+$/);
    expect(await bob.closed()).toMatchObject({ code: 1012 });
  });

  it('counts among the connections of its user', async () => {
    const world = await gateways.open({ topics, limits: { maxConnectionsPerUser: 1 } });
    const [one, two] = [createEventSource(world, '', 'ann'), createEventSource(world, '', 'ann')];
    await one.connect();
    await two.connect();
    // Told nothing, it would come back every other second.
    expect(eventsOf(two.frames())).toEqual([expect.stringMatching(/^bye: BYE 4505 retry ([5-9]\d{3}|10000)$/)]);
    await one.cut();
    await two.connect();
    expect(two.lines()).toEqual(['WELCOME']);
  });
});

describe('a client that comes back with the last id', () => {
  async function backAfter(world: World, query: string, ...missed: readonly unknown[]): Promise<readonly string[]> {
    const source = createEventSource(world, query);
    await source.connect();
    await world.publish('order.a', 'before');
    await source.cut();
    source.frames();
    await world.publish('order.a', ...missed);
    await source.connect();
    return eventsOf(source.frames());
  }

  it('gets what it missed, and nothing twice', async () => {
    const world = await gateways.open({ topics });
    await world.publish('order.a', 'old');
    expect(await backAfter(world, '?topic=order.a', 'missed')).toEqual([
      'welcome: WELCOME',
      'subscribed: RESULT 1 2 of 3 id e.2',
      'message: order.a#3 "missed" id e.3',
    ]);
  });

  it('goes on where it was, wherever its topics began', async () => {
    for (const start of ['from=earliest', 'last=1', 'since=0', 'after=other.7']) {
      const world = await gateways.open({ topics });
      const events = await backAfter(world, `?topic=order.a&${start}`, 'missed');
      expect(
        events.filter((event) => event.startsWith('message')),
        start,
      ).toEqual(['message: order.a#2 "missed" id e.2']);
    }
  });

  it('gets it by present rights', async () => {
    let isAllowed = true;
    const world = await gateways.open({ topics, authorize: () => isAllowed });
    const source = createEventSource(world, '?topic=order.a');
    await source.connect();
    await source.cut();
    source.frames();
    isAllowed = false;
    await world.publish('order.a', 1);
    await source.connect();
    expect(source.lines()).toEqual(['WELCOME', 'ERROR 1 forbidden']);
  });

  it.each(['other.7', '12', 'e~', ';'])(
    '33: which is not of this history, %s, begins anew and is told so',
    async (id) => {
      const world = await gateways.open({ topics });
      await world.publish('order.a', 1);
      const source = createEventSource(world, '?topic=order.a');
      source.id = id;
      await source.connect();
      const lines = source.lines();
      expect(lines).toContain('GAP reset [1]');
      expect(lines.filter((line) => line.startsWith('order'))).toEqual(['order.a#1 1']);
      expect(source.id).toMatch(/^\w+\.1$/);
    },
  );

  it.each(['17 KB'.repeat(4_000), 'a b', 'a\u0000', 'é', ''])('33: which is none is passed over', async (id) => {
    const world = await gateways.open({ topics });
    await world.publish('order.a', 1);
    const source = createEventSource(world, '?topic=order.a');
    source.id = id;
    await source.connect();
    expect(source.lines()).toEqual(['WELCOME', 'RESULT 1 1 of 1']);
  });

  it('begins anew when it had got nothing but WELCOME', async () => {
    const world = await gateways.open({ topics });
    const source = createEventSource(world, '?topic=order.a&from=earliest');
    source.id = '-';
    await world.publish('order.a', 1);
    await source.connect();
    expect(source.lines()).toEqual(['WELCOME', 'RESULT 1 0 of 1', 'order.a#1 1', 'PING']);
  });
});

describe('the inbox of a client that comes back with the last id', () => {
  it('begins at the cursor of its user, which the id moves', async () => {
    const world = await gateways.open({ topics });
    const source = createEventSource(world, '', 'ann');
    await source.connect();
    for (const note of [1, 2]) await world.gateway.post({ user: 'ann' }, 'Note', note);
    await world.clock.runAll();
    await source.cut();
    expect(source.lines()).toEqual(['WELCOME', '@user.ann#1 Note 1', '@user.ann#2 Note 2']);
    await world.gateway.post({ user: 'ann' }, 'Note', 3);
    await source.connect();
    expect(source.lines()).toEqual(['WELCOME', '@user.ann#3 Note 3']);
    // Of a new session of hers too.
    expect((await world.connect({}, 'ann')).lines()).toEqual(['@user.ann#3 Note 3']);
  });

  it('does not get again what another of her sessions has handled', async () => {
    const world = await gateways.open({ topics });
    const source = createEventSource(world, '', 'ann');
    await source.connect();
    await source.cut();
    const other = await world.connect({}, 'ann');
    for (const note of [1, 2]) await world.gateway.post({ user: 'ann' }, 'Note', note);
    await world.clock.runAll();
    expect(other.lines()).toHaveLength(2);
    other.acknowledge();
    await world.clock.runAll();
    source.frames();
    await source.connect();
    expect(source.lines()).toEqual(['WELCOME', 'PING']);
  });

  it.each([
    ['beyond the head', (epoch: string) => `${epoch}.7`],
    ['of the inbox beyond the head', (epoch: string) => `${epoch}.0~0:7`],
    ['of another history', () => 'other.1'],
  ])('is not moved by an id %s', async (_, idOf) => {
    const world = await gateways.open({ topics });
    await world.gateway.post({ user: 'ann' }, 'Note', 1);
    const source = createEventSource(world, '', 'ann');
    for (let visit = 0; visit < 2; visit++) {
      source.id = idOf(world.bus.cursor!.split('.')[0]!);
      await source.connect();
    }
    expect(source.lines()).toContain('@user.ann#1 Note 1');
    expect((await world.connect({}, 'ann')).lines()).toContain('@user.ann#1 Note 1');
  });

  it('begins where the id says for one who is nobody in particular', async () => {
    const world = await gateways.open({ topics });
    const source = createEventSource(world, '');
    await source.connect();
    await world.gateway.post({ all: true }, 'Note', 1);
    await world.clock.runAll();
    await source.cut();
    source.frames();
    await world.gateway.post({ all: true }, 'Note', 2);
    await source.connect();
    expect(source.lines()).toEqual(['WELCOME', '@all#2 Note 2']);
  });
});

it('a client may come back where nothing is retained', async () => {
  const world = await gateways.open({ bus: { withoutHistory: true } });
  const source = createEventSource(world, '?topic=news');
  await source.connect();
  await source.cut();
  expect(source.id).toBe('-');
  await source.connect();
  await world.publish('news', 1);
  expect(source.lines()).toEqual(['WELCOME', 'RESULT 1 {}', 'WELCOME', 'RESULT 1 {}', 'news 1']);
});
