import { createMemoryRegistry } from '@hexbus/core/gateway';
import { describe, expect, it } from 'vitest';
import { knock, type TestClient, welcomed } from './support/connect-client.ts';
import { nothingLeft, useGateways } from './support/use-gateways.ts';

const gateways = useGateways();

describe('WELCOME', () => {
  it('names a session, its secret, the connection, where it begins, and how often the server speaks', async () => {
    const { connect, bus } = await gateways.open({ timings: { pingMs: 7_000 } });
    const { welcome } = await connect();
    expect(welcome).toEqual({
      session: expect.stringMatching(/^urn:hexbus:session:[0-9a-f]{32}$/),
      secret: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/),
      connection: expect.stringMatching(/^[0-9a-f]{32}$/),
      token: bus.cursor,
      resumed: false,
      capabilities: [],
      pingMs: 7_000,
    });
  });

  it('has no token where nothing is retained', async () => {
    const { connect } = await gateways.open({ bus: { withoutHistory: true } });
    expect((await connect()).welcome.token).toBeUndefined();
  });

  it('gives every client a session, a secret and a connection of its own', async () => {
    const { connect } = await gateways.open();
    const welcomes = [await connect({}, 'ann'), await connect({}, 'ann'), await connect()].map((one) => one.welcome);
    const names = welcomes.flatMap(({ session, secret, connection }) => [session, secret, connection]);
    expect(new Set(names).size).toBe(9);
  });

  it('names the capabilities that were both offered and permitted, each once', async () => {
    const { connect, gateway } = await gateways.open({
      authenticate: () => ({ userId: 'ann', capabilities: ['console', 'phone'] }),
    });
    const { welcome } = await connect({ caps: ['console', 'console', 'root'] });
    expect(welcome.capabilities).toEqual(['console']);
    expect(await gateway.connections.find({ user: 'ann', capability: 'console' })).toEqual([
      expect.objectContaining({ id: welcome.connection, session: welcome.session, capabilities: ['console'] }),
    ]);
    expect(await gateway.connections.find({ capability: 'root' })).toEqual([]);
  });

  it('comes before everything else', async () => {
    const { connect, publish, transport, clock } = await gateways.open();
    await publish('order.a', 1, 2);
    await connect();
    const link = knock(transport, { subs: [[1, 'order.a', 'earliest']] });
    const client = await welcomed(link);
    await clock.runAll();
    expect(client.lines()).toEqual(['RESULT 1 0 of 2', '[1] order.a#1 1', '[1] order.a#2 2', 'PING']);
  });
});

describe('a session', () => {
  it('leaves nothing behind when its client has left', async () => {
    const { connect, left, clock } = await gateways.open();
    const client = await connect(
      {
        subs: [
          [1, 'order.a'],
          [2, 'chat.>'],
          [3, 'job.a'],
        ],
      },
      'ann',
    );
    expect(await left()).toEqual({ connections: 1, registered: 1, links: 1, receivers: 4, followers: 1 });
    client.link.close(1000);
    await clock.runAll();
    expect(await left()).toEqual(nothingLeft);
  });

  it('tells observers of its clients', async () => {
    const { connect, observed, clock, gateway } = await gateways.open();
    for (const name of ['connected', 'resumed', 'disconnected', 'sessionExpired'] as const) observed(name);
    const first = await connect({}, 'ann');
    const { session, connection } = first.welcome;
    const reference = { connection, session, userId: 'ann', transport: 'memory' };
    expect(observed('connected')).toEqual([reference]);
    first.link.close(1001, 'bye');
    await clock.runAll();
    expect(observed('disconnected')).toEqual([{ ...reference, code: 1001, reason: 'bye' }]);
    const second = await connect({ resume: first.resume }, 'ann');
    expect(observed('resumed')).toEqual([{ ...reference, connection: second.welcome.connection }]);
    expect(observed('connected')).toEqual([]);
    expect(gateway.connections.count).toBe(1);
  });

  it('expires when nobody came back within the window', async () => {
    const { connect, observed, clock } = await gateways.open({ timings: { resumeWindowMs: 30_000 } });
    observed('sessionExpired');
    const { link, welcome } = await connect({}, 'ann');
    link.reset();
    await clock.advance(29_999);
    expect(observed('sessionExpired')).toEqual([]);
    await clock.advance(1);
    expect(observed('sessionExpired')).toEqual([{ session: welcome.session, userId: 'ann' }]);
  });

  it('expires before its time when too many others are without a connection, the oldest first', async () => {
    const world = await gateways.open({ limits: { maxSessions: 2 } });
    world.observed('sessionExpired');
    const clients = [];
    for (let n = 0; n < 4; n++) clients.push(await world.connect());
    for (const { link } of clients.slice(0, 3)) {
      link.reset();
      await world.clock.runAll();
    }
    expect(world.observed('sessionExpired')).toEqual([{ session: clients[0]?.welcome.session, userId: undefined }]);
  });

  it('has not expired while the registry knows of a connection elsewhere', async () => {
    const on = await gateways.buses.open();
    const registry = createMemoryRegistry({ clock: on.clock });
    const world = await gateways.open({ on, registry, timings: { resumeWindowMs: 4_000 } });
    world.observed('sessionExpired');
    await registry.open('elsewhere');
    const { link, welcome } = await world.connect();
    const [entry] = await registry.find({ connection: welcome.connection });
    link.reset();
    await on.clock.runAll();
    if (entry !== undefined) await registry.register({ ...entry, id: 'moved', node: 'elsewhere' });
    await on.clock.advance(4_000);
    expect(world.observed('sessionExpired')).toEqual([]);
    await registry.close('elsewhere');
  });

  it('does not expire when somebody came back', async () => {
    const { connect, observed, clock } = await gateways.open({
      timings: { resumeWindowMs: 30_000, pingMs: 10_000_000 },
    });
    observed('sessionExpired');
    const first = await connect({}, 'ann');
    first.link.reset();
    await clock.advance(20_000);
    await connect({ resume: first.resume }, 'ann');
    await clock.advance(100_000);
    expect(observed('sessionExpired')).toEqual([]);
  });
});

describe('disconnect', () => {
  it('ends whom it names, tells them to stay away, and nobody else', async () => {
    const { connect, gateway, clock, observed } = await gateways.open();
    observed('disconnected');
    const ann = [await connect({}, 'ann'), await connect({}, 'ann')];
    const bob = await connect({}, 'bob');
    expect(await gateway.disconnect({ user: 'ann' }, 'enough')).toBe(2);
    await clock.runAll();
    for (const { frames, link } of ann) {
      expect(frames()).toEqual([{ kind: 'bye', bye: { code: 1000, reason: 'enough', reconnect: false, afterMs: 0 } }]);
      expect(await link.closed).toEqual({ code: 1000, reason: 'enough' });
    }
    expect(observed('disconnected')).toHaveLength(2);
    expect(bob.lines()).toEqual([]);
    expect(gateway.connections.count).toBe(1);
    expect(await gateway.disconnect({ user: 'ann' })).toBe(0);
  });

  it('ends the session too', async () => {
    const { connect, gateway, clock, observed } = await gateways.open({ timings: { pingMs: 10_000_000 } });
    observed('sessionExpired');
    const first = await connect({}, 'ann');
    await gateway.disconnect({ session: first.welcome.session });
    const second = await connect({ resume: first.resume }, 'ann');
    expect(second.welcome.resumed).toBe(false);
    expect(second.welcome.session).not.toBe(first.welcome.session);
    expect(second.welcome.last).toBeUndefined();
    expect(second.lines()).toEqual(['GAP reset [0]']);
    await clock.advance(1_000_000);
    expect(observed('sessionExpired')).toEqual([]);
    expect((await connect({ resume: first.resume }, 'ann')).welcome.resumed).toBe(false);
  });

  it.each([
    ['user', () => ({ user: 'ann' })],
    ['session', ({ welcome: { session } }: TestClient) => ({ session })],
    ['connection', ({ welcome: { connection } }: TestClient) => ({ connection })],
    ['all', () => ({ all: true }) as const],
  ])('ends the session of a client that was cut just before, by %s', async (kind, targetOf) => {
    const { connect, gateway, clock } = await gateways.open();
    const first = await connect({}, 'ann');
    const other = await connect({}, 'bob');
    first.link.reset();
    await clock.runAll();
    await gateway.disconnect(targetOf(first));
    expect((await connect({ resume: first.resume }, 'ann')).welcome.resumed).toBe(false);
    const isLeftAlone = kind !== 'all';
    expect(gateway.connections.count).toBe(isLeftAlone ? 2 : 1);
    other.link.reset();
    await clock.runAll();
    expect((await connect({ resume: other.resume }, 'bob')).welcome.resumed).toBe(isLeftAlone);
  });

  it('ends a session that is being resumed at that moment', async () => {
    const { connect, gateway, transport, clock, probe } = await gateways.open({
      topics: { '@user.>': { retain: { maxCount: 9 } } },
    });
    const first = await connect({}, 'ann');
    const { session, secret } = first.resume;
    const release = probe.holdNext('loadCursor');
    const link = knock(transport, { resume: { session, secret } }, { headers: { user: 'ann' } });
    while (probe.calls.filter((call) => call === 'loadCursor').length < 2) await clock.runAll();
    expect(await gateway.disconnect({ session })).toBe(1);
    release();
    expect(await link.closed).toEqual({ code: 1000, reason: 'the session has ended' });
    expect(gateway.connections.count).toBe(0);
  });
});

describe('a history that fails', () => {
  it('sends the client away for a while', async () => {
    const { connect, refused, observed, probe, left } = await gateways.open({
      topics: { '@user.>': { retain: { maxCount: 9 } } },
    });
    probe.failNext('loadCursor', new Error('disk gone'));
    const { code, texts } = await refused({}, 'ann');
    expect(code).toBe(1013);
    const afterMs = expect.toSatisfy((ms: number) => ms >= 5_000 && ms <= 10_000);
    expect(texts.map((text) => JSON.parse(text))).toEqual([
      [16, { code: 1013, reason: 'the server failed', reconnect: true, afterMs }],
    ]);
    expect(observed('error')).toMatchObject([{ error: { message: 'disk gone' } }]);
    expect(await left()).toEqual(nothingLeft);
    expect((await connect({}, 'ann')).welcome.resumed).toBe(false);
  });
});

describe('T20: names that objects inherit', () => {
  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])('treats %s as data', async (name) => {
    const { connect, gateway, publish, clock } = await gateways.open({
      topics: { [name]: { retain: { maxCount: 9 } } },
    });
    const client = await connect({ subs: [[1, name]], caps: [name] }, name);
    expect(client.welcome.capabilities).toEqual([name]);
    await publish(name, JSON.parse(`{"${name}":{"polluted":true}}`));
    const { receivers } = await gateway.post({ user: name }, name, name, { headers: { [name]: name } });
    await clock.runAll();
    expect(receivers).toBe(1);
    expect(client.lines()).toEqual([
      'RESULT 1 0 of 0',
      `${name}#1 {"${name}":{"polluted":true}}`,
      `@user.${name} ${name} "${name}"`,
    ]);
    expect(await gateway.connections.find({ user: name, capability: name })).toHaveLength(1);
    client.send(name, { [name]: 1 }, 7);
    await clock.runAll();
    expect(client.lines()).toEqual(['ERROR 7 no-handler']);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    const resume = { session: name, secret: name };
    expect((await connect({ resume }, name)).welcome.resumed).toBe(false);
  });
});
