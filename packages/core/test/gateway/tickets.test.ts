import type { Identity } from '@hexbus/core/gateway';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rejection } from '../support/buses.ts';
import { knock, welcomed } from './support/connect-client.ts';
import { createEventSource, type TestEventSource } from './support/event-source.ts';
import { useGateways, type World, type WorldOptions } from './support/use-gateways.ts';

const gateways = useGateways();
const retained = { retain: { maxCount: 100 } };
const topics = { 'order.>': retained, '@user.>': retained, '@all': retained };
const resumeKey = 'a key of thirty-two bytes or more';
const ann: Identity = { userId: 'ann' };
const notAuthenticated = { accepted: false, status: 401 };

/** A gateway that lets nobody in without a ticket. */
function guarded(options: WorldOptions = {}): Promise<World> {
  return gateways.open({ topics, resumeKey, authenticate: () => null, ...options });
}

function ticketOf(world: World, identity: Identity = ann): Promise<string> {
  return world.gateway.createTicket(identity);
}

function sourceWith(world: World, ticket: string, query = ''): TestEventSource {
  return createEventSource(world, `?ticket=${ticket}${query}`);
}

/** One that was let in and cut again. */
async function cutSource(world: World, ticket: string, query?: string): Promise<TestEventSource> {
  const source = sourceWith(world, ticket, query);
  expect(await source.connect()).toMatchObject({ accepted: true });
  await source.cut();
  source.frames();
  return source;
}

describe('a ticket', () => {
  it('is a text for an address, which says whom it is of', async () => {
    const world = await guarded();
    const identity = { userId: 'Änn', capabilities: ['console'], expiresAt: 2 ** 50, data: { a: [1] } };
    const ticket = await ticketOf(world, identity);
    expect(ticket).toBe(encodeURIComponent(ticket));
    const payload: unknown = JSON.parse(Buffer.from(ticket.split('.')[0] ?? '', 'base64url').toString());
    const session = expect.stringMatching(/^urn:hexbus:session:[0-9a-f]{32}$/);
    expect(payload).toEqual({ session, identity, from: { time: world.clock.now(), count: 0 } });
  });

  it('lets its client in as whom it names, without asking authenticate', async () => {
    let asked = 0;
    const seen: Identity[] = [];
    const world = await guarded({
      authenticate: () => {
        asked += 1;
        return null;
      },
      authorize: ({ identity }) => {
        seen.push(identity);
        return true;
      },
    });
    const identity = { userId: 'ann', data: { role: 'clerk' } };
    const source = sourceWith(world, await ticketOf(world, identity), '&topic=order.a');
    expect(await source.connect()).toMatchObject({ accepted: true });
    await world.publish('order.a', 1);
    expect(source.lines()).toEqual(['WELCOME', 'RESULT 1 0 of 0', 'order.a#1 1']);
    expect(source.welcome.resumed).toBe(false);
    expect(seen).toEqual([identity]);
    expect(asked).toBe(0);
  });

  it('lets in clients of other transports too, with the capabilities that it permits', async () => {
    const world = await guarded();
    const ticket = await ticketOf(world, { userId: 'ann', capabilities: ['console', 'printer'] });
    const url = `/hexbus?ticket=${ticket}`;
    const client = await welcomed(knock(world.transport, { caps: ['console', 'camera'] }, { url }));
    expect(client.welcome.capabilities).toEqual(['console']);
    expect(await world.gateway.connections.find({ user: 'ann' })).toMatchObject([{ session: client.welcome.session }]);
    expect(await world.transport.connect({ url }).answer).toMatchObject(notAuthenticated);
  });

  it.each<readonly [string, unknown]>([
    ['nobody', null],
    ['a user without an address', { userId: '' }],
    ['capabilities that are none', { capabilities: 'console' }],
    ['an expiry that is none', { expiresAt: 'soon' }],
    ['what JSON cannot carry', { data: 1n }],
    ['too much', { data: 'x'.repeat(3_100) }],
  ])('is not made of %s', async (_, identity) => {
    const world = await guarded();
    expect(await rejection(world.gateway.createTicket(identity as Identity))).toMatchObject({
      code: 'HEXBUS_CONFIG',
      message: expect.stringMatching(/^identity/),
    });
  });
});

describe('the first use of a ticket', () => {
  it.each([
    [30_000, true],
    [30_001, false],
  ])('%d ms after it was made: %s', async (ms, accepted) => {
    const world = await guarded();
    const ticket = await ticketOf(world);
    await world.clock.advance(ms);
    expect(await sourceWith(world, ticket).connect()).toMatchObject({ accepted });
  });

  it('may be had as long as timings.ticketMs says', async () => {
    const world = await guarded({ timings: { ticketMs: 5 } });
    const [soon, late] = [await ticketOf(world), await ticketOf(world)];
    await world.clock.advance(5);
    expect(await sourceWith(world, soon).connect()).toMatchObject({ accepted: true });
    await world.clock.advance(1);
    expect(await sourceWith(world, late).connect()).toMatchObject(notAuthenticated);
  });

  it('is the only one, of two that come at once too', async () => {
    const world = await guarded();
    const ticket = await ticketOf(world);
    const sources = [1, 2, 3].map(() => sourceWith(world, ticket));
    const answers = await Promise.all(sources.map((source) => source.connect()));
    expect(answers.filter(({ accepted }) => accepted)).toHaveLength(1);
    for (const source of sources) await source.cut();
    expect(await sourceWith(world, ticket).connect()).toMatchObject(notAuthenticated);
  });

  it('does not count when the client was gone before it was let in', async () => {
    const world = await guarded();
    const ticket = await ticketOf(world);
    const gone = new AbortController();
    const early = world.streams.connect({ url: `/?ticket=${ticket}` }, gone.signal);
    gone.abort();
    expect(await early.answer).toMatchObject({ accepted: false, status: 503 });
    // Let in by the gateway, and gone before its link stood.
    world.streams.connect({ url: `/?ticket=${ticket}` }).cut();
    await world.clock.runAll();
    // Let in, and gone before WELCOME.
    const cut = world.streams.connect({ url: `/?ticket=${ticket}` });
    await cut.answer;
    cut.cut();
    await world.clock.runAll();
    expect(cut.take()).toEqual([]);
    expect(await sourceWith(world, ticket).connect()).toMatchObject({ accepted: true });
  });

  it('does not count when there was no place for its user', async () => {
    const world = await guarded({ limits: { maxConnectionsPerUser: 1 } });
    const first = sourceWith(world, await ticketOf(world));
    await first.connect();
    const second = sourceWith(world, await ticketOf(world));
    await second.connect();
    expect(second.lines()).toEqual(['BYE 4505']);
    await first.cut();
    await second.connect();
    expect(second.lines()).toEqual(['WELCOME']);
  });

  it('is refused for a while where too many are remembered', async () => {
    const world = await guarded({ limits: { maxSessions: 2 } });
    for (let count = 0; count < 2; count++) await cutSource(world, await ticketOf(world));
    const third = await ticketOf(world);
    expect(await sourceWith(world, third).connect()).toMatchObject({ accepted: false, status: 503 });
    await world.clock.advance(30_001);
    expect(await sourceWith(world, await ticketOf(world)).connect()).toMatchObject({ accepted: true });
    expect(await sourceWith(world, third).connect()).toMatchObject(notAuthenticated);
  });
});

describe('a client that comes back with its ticket and the last id', () => {
  it('goes on with the same session, its inbox where it was', async () => {
    const world = await guarded();
    const source = sourceWith(world, await ticketOf(world), '&topic=order.a');
    await source.connect();
    const { session } = source.welcome;
    await world.gateway.post({ session }, 'Note', 'heard');
    await world.clock.runAll();
    await source.cut();
    source.frames();
    await world.gateway.post({ user: 'ann' }, 'Note', 'missed');
    await world.publish('order.a', 1);
    // Another of her tabs handles it, which means nothing to this one.
    const other = await welcomed(knock(world.transport, {}, { url: `/?ticket=${await ticketOf(world)}` }));
    await world.clock.runAll();
    other.acknowledge();
    await world.clock.advance(30_001);
    world.observed('resumed');
    expect(await source.connect()).toMatchObject({ accepted: true });
    expect(source.lines()).toEqual(['WELCOME', 'RESULT 1 0 of 2', '@user.ann#1 Note "missed"', 'order.a#2 1']);
    expect(source.welcome).toMatchObject({ session, resumed: true });
    expect(world.observed('resumed')).toMatchObject([{ session, transport: 'sse', userId: 'ann' }]);
  });

  it('may do so again and again, as long as it stays away for no longer than the resume window', async () => {
    const world = await guarded();
    const source = await cutSource(world, await ticketOf(world));
    const { session } = source.welcome;
    for (let round = 0; round < 3; round++) {
      await world.clock.advance(119_999);
      expect(await source.connect()).toMatchObject({ accepted: true });
      expect(source.welcome).toMatchObject({ session, resumed: true });
      await source.cut();
    }
    await world.clock.advance(120_000);
    expect(await source.connect()).toMatchObject(notAuthenticated);
  });

  it('may do so where nothing is retained', async () => {
    const world = await guarded({ bus: { withoutHistory: true } });
    const source = await cutSource(world, await ticketOf(world), '&topic=news');
    const { session } = source.welcome;
    expect(await source.connect()).toMatchObject({ accepted: true });
    expect(source.welcome).toMatchObject({ session, resumed: true });
  });

  it('takes the session over, and the former one stays away', async () => {
    const world = await guarded();
    const ticket = await ticketOf(world);
    const [one, two] = [sourceWith(world, ticket), sourceWith(world, ticket)];
    await one.connect();
    one.frames();
    two.id = one.id;
    await two.connect();
    expect(one.frames().at(-1)).toMatchObject({ event: 'bye', retryMs: 2_147_483_647 });
    expect(await one.closed()).toMatchObject({ code: 4510 });
    expect(two.welcome).toMatchObject({ session: one.welcome.session, resumed: true });
    expect(world.gateway.connections.count).toBe(1);
  });

  it('is let in by another server of the same key, however old the ticket is', async () => {
    const world = await guarded();
    const ticket = await ticketOf(world);
    const source = sourceWith(world, ticket, '&topic=order.a');
    await source.connect();
    await world.close();
    source.frames();
    await world.clock.advance(3_600_000);
    const next = await guarded({ on: world.host });
    await next.publish('order.a', 1);
    const back = sourceWith(next, ticket, '&topic=order.a');
    expect(await back.connect()).toMatchObject(notAuthenticated);
    back.id = source.id;
    expect(await back.connect()).toMatchObject({ accepted: true });
    expect(back.lines()).toEqual(['WELCOME', 'RESULT 1 0 of 1', 'order.a#1 1']);
    expect(back.welcome).toMatchObject({ session: source.welcome.session, resumed: true });
  });

  it.each([['another key of thirty-two bytes'.padEnd(32, '!')], [undefined]])(
    'is refused by a server of the key %s',
    async (key) => {
      const world = await guarded();
      const ticket = await ticketOf(world);
      const other = await guarded({ on: world.host, resumeKey: key });
      const source = sourceWith(other, ticket);
      expect(await source.connect()).toMatchObject(notAuthenticated);
      source.id = 'e.1';
      expect(await source.connect()).toMatchObject(notAuthenticated);
    },
  );

  it('is refused when its session was ended by disconnect', async () => {
    const world = await guarded();
    const ticket = await ticketOf(world);
    const source = sourceWith(world, ticket);
    await source.connect();
    await world.gateway.disconnect({ session: source.welcome.session });
    expect(await source.connect()).toMatchObject(notAuthenticated);
    expect(await sourceWith(world, ticket).connect()).toMatchObject(notAuthenticated);
  });

  it('is sent away when its session is ended while it comes back', async () => {
    const world = await guarded();
    const ticket = await ticketOf(world);
    const source = sourceWith(world, ticket);
    await source.connect();
    const headers = { 'last-event-id': source.id };
    const coming = world.streams.connect({ url: `/?ticket=${ticket}`, headers });
    expect(await coming.answer).toMatchObject({ accepted: true });
    expect(await world.gateway.disconnect({ session: source.welcome.session })).toBe(1);
    expect(await coming.closed).toMatchObject({ code: 1000 });
  });

  it('is refused when the identity has expired', async () => {
    const world = await guarded();
    const expiresAt = world.clock.now() + 10_000;
    const identity = { userId: 'ann', expiresAt };
    const [used, unused] = [await ticketOf(world, identity), await ticketOf(world, identity)];
    const source = await cutSource(world, used);
    await world.clock.advance(9_999);
    expect(await source.connect()).toMatchObject({ accepted: true });
    await world.clock.advance(1);
    expect(await source.connect()).toMatchObject(notAuthenticated);
    expect(await sourceWith(world, unused).connect()).toMatchObject(notAuthenticated);
  });
});

describe('a client of both ways that brings a ticket', () => {
  it('goes on with the session that HELLO names, if there is one', async () => {
    const world = await guarded();
    const first = await welcomed(knock(world.transport, {}, { url: `/?ticket=${await ticketOf(world)}` }));
    await world.clock.runAll();
    const { resume } = first;
    const url = `/?ticket=${await ticketOf(world)}`;
    const back = await welcomed(knock(world.transport, { resume }, { url }));
    expect(back.welcome).toMatchObject({ session: first.welcome.session, resumed: true });
    const wrong = { ...resume, secret: 'x'.repeat(43) };
    const fresh = await welcomed(
      knock(world.transport, { resume: wrong }, { url: `/?ticket=${await ticketOf(world)}` }),
    );
    expect(fresh.welcome.resumed).toBe(false);
    expect(fresh.welcome.session).not.toBe(first.welcome.session);
  });

  it('may resume the session of a ticket by its secret, as long as a ticket could', async () => {
    const world = await guarded();
    const first = await welcomed(knock(world.transport, {}, { url: `/?ticket=${await ticketOf(world)}` }));
    first.link.reset();
    await world.clock.advance(119_999);
    const back = await welcomed(
      knock(world.transport, { resume: first.resume }, { url: `/?ticket=${await ticketOf(world)}` }),
    );
    expect(back.welcome).toMatchObject({ session: first.welcome.session, resumed: true });
  });

  it('may say by a token who it is, where the ticket does not', async () => {
    const world = await guarded({ authenticateToken: (token) => ({ userId: token }) });
    const url = `/?ticket=${await ticketOf(world, {})}`;
    const client = await welcomed(knock(world.transport, { token: 'bob' }, { url }));
    await world.clock.runAll();
    const [entry] = await world.gateway.connections.find({ user: 'bob' });
    expect(entry).toMatchObject({ session: client.welcome.session });
    client.link.reset();
    const again = { token: 'bob', resume: client.resume };
    const back = await welcomed(knock(world.transport, again, { url: `/?ticket=${await ticketOf(world, {})}` }));
    expect(back.welcome).toMatchObject({ session: client.welcome.session, resumed: true });
    const other = knock(world.transport, { token: 'bob' }, { url: `/?ticket=${await ticketOf(world)}` });
    expect(await other.closed).toMatchObject({ code: 4503 });
  });
});

describe('what is no ticket', () => {
  it('is refused: one of which any character is another', async () => {
    const world = await guarded();
    const ticket = await ticketOf(world);
    const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~%26';
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: ticket.length - 1 }),
        fc.constantFrom(...digits),
        fc.boolean(),
        async (at, digit, comesBack) => {
          fc.pre(ticket[at] !== digit);
          const source = sourceWith(world, ticket.slice(0, at) + digit + ticket.slice(at + 1));
          if (comesBack) source.id = 'e.1';
          expect(await source.connect()).toMatchObject(notAuthenticated);
        },
      ),
      { numRuns: 300 },
    );
    expect(await sourceWith(world, ticket).connect()).toMatchObject({ accepted: true });
  });

  it.each(['', '.', 'a.b', 'a'.repeat(5_000), `${'a'.repeat(4_000)}.${'a'.repeat(43)}`, '%00', '__proto__'])(
    'is refused, whatever authenticate would say',
    async (ticket) => {
      const world = await guarded({ authenticate: () => ann });
      expect(await sourceWith(world, ticket).connect()).toMatchObject(notAuthenticated);
    },
  );

  it('is the secret of a session', async () => {
    const world = await guarded();
    const source = sourceWith(world, await ticketOf(world));
    await source.connect();
    const { session, secret } = source.welcome as unknown as { session: string; secret: string };
    const payload = Buffer.from(JSON.stringify(['hexbus session', session, 'ann'])).toString('base64url');
    expect(await sourceWith(world, `${payload}.${secret}`).connect()).toMatchObject(notAuthenticated);
  });
});
