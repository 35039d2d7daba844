import { describe, expect, it } from 'vitest';
import { deferred } from '../support/deferred.ts';
import { knock, welcomed } from './support/connect-client.ts';
import { nothingLeft, useGateways } from './support/use-gateways.ts';

const gateways = useGateways();

describe('between HELLO and WELCOME', () => {
  it('a client waits for the history no longer than authenticateTimeoutMs, and is told to come back', async () => {
    const world = await gateways.open({ topics: { '@user.>': { retain: { maxCount: 10 } } } });
    const release = world.probe.holdNext('loadCursor');
    const link = knock(world.transport, {}, { headers: { user: 'ann' } });
    while (!world.probe.calls.includes('loadCursor')) await world.clock.runAll();
    await world.clock.advance(9_999);
    expect(link.take()).toEqual([]);
    await world.clock.advance(1);
    expect(await link.closed).toMatchObject({ code: 1013 });
    expect(world.observed('error')).toMatchObject([{ error: { code: 'HEXBUS_HANDLER_TIMEOUT' } }]);
    release();
    await world.clock.runAll();
    expect(await world.left()).toEqual(nothingLeft);
    await world.connect({}, 'ann');
  });
});

describe('before HELLO', () => {
  it('13: a client that says nothing is ended with 4005, and counts until then', async () => {
    const { transport, clock, observed } = await gateways.open({ limits: { maxConnectionsPerAddress: 1 } });
    observed('connected');
    observed('disconnected');
    const link = transport.connect();
    await clock.advance(4_999);
    expect(await transport.connect().answer).toMatchObject({ status: 429 });
    await clock.advance(1);
    expect(await link.closed).toMatchObject({ code: 4005 });
    expect(link.take()).toEqual([
      JSON.stringify([16, { code: 4005, reason: 'no HELLO in time', reconnect: true, afterMs: 0 }]),
    ]);
    expect([...observed('connected'), ...observed('disconnected')]).toEqual([]);
    expect((await transport.connect().answer).accepted).toBe(true);
  });

  it.each([[['ask', 1]], [[3, 1, 'order.a']], [[14]], [[11, 1, 'token']], [[18, 1, 'order.a', null, 1]]])(
    '18: the frame %j is answered with 4009',
    async (frame) => {
      const { transport } = await gateways.open();
      const link = transport.connect();
      link.send(JSON.stringify(frame));
      expect(await link.closed).toMatchObject({ code: 4009 });
    },
  );

  it.each([
    '',
    '{',
    'null',
    '"text"',
    '7',
    '{}',
    '[]',
    '[null]',
    '[1.5]',
    '[-1]',
    '[1]',
    '[1,7]',
    '[1,{}]',
    '[1,{"v":1,"subs":7}]',
    '[1,{"v":1,"subs":[[0,"a"]]}]',
  ])('21: the text %j is no HELLO', async (text) => {
    const { transport } = await gateways.open();
    const link = transport.connect();
    link.send(text);
    expect([4500, 4504, 4009]).toContain((await link.closed).code);
  });

  it('another version is 4504', async () => {
    const { transport } = await gateways.open();
    const link = transport.connect();
    link.send('[1,{"v":2}]');
    expect(await link.closed).toMatchObject({ code: 4504 });
  });
});

describe('behind HELLO', () => {
  it('frames wait for WELCOME and are then handled in order', async () => {
    const answer = deferred<{ userId: string }>();
    const { transport, gateway, clock } = await gateways.open({ authenticateToken: () => answer.promise });
    const heard: unknown[] = [];
    gateway.handle('note', (body) => heard.push(body));
    const link = knock(transport, { token: 'ann', subs: [[1, 'order.a']] });
    for (let n = 0; n < 30; n++) link.send(JSON.stringify(['note', n]));
    link.send(JSON.stringify(['note', 30, 2]));
    await clock.runAll();
    expect(heard).toEqual([]);
    expect(link.arrived).toEqual([]);
    answer.resolve({ userId: 'ann' });
    const client = await welcomed(link);
    await clock.runAll();
    expect(heard).toEqual(Array.from({ length: 31 }, (_, n) => n));
    expect(client.lines()).toEqual(['RESULT 1 0 of 0', 'RESULT 2 31']);
  });

  it.each([
    ['many', 65, '[14]'],
    ['large', 5, JSON.stringify([14, 'x'.repeat(60_000)])],
  ])('too %s of them are ended with 4009', async (_, count, text) => {
    const { transport, clock } = await gateways.open({ authenticateToken: () => new Promise(() => {}) });
    const link = knock(transport, { token: 'ann' });
    for (let n = 1; n < count; n++) link.send(text);
    await clock.runAll();
    expect(transport.count).toBe(1);
    link.send(text);
    expect(await link.closed).toMatchObject({ code: 4009 });
  });

  it.each([
    ['at once', (link: { send(text: string): void }) => link.send('[1,{"v":1}]')],
    [
      'after something else',
      (link: { send(text: string): void }) => {
        link.send('[14]');
        link.send('[1,{"v":1}]');
      },
    ],
  ])('18: a second HELLO %s is 4509', async (_, send) => {
    const { transport } = await gateways.open();
    const link = knock(transport);
    send(link);
    expect(await link.closed).toMatchObject({ code: 4509 });
  });

  const nested = (depth: number): string => `["x",${'['.repeat(depth)}${']'.repeat(depth)},1]`;

  it.each([
    ['what nests 5,000 deep', nested(5_000)],
    ['what nests 32,000 deep', nested(32_000)],
    ['a number that became infinite', '["x",1e999,1]'],
    ['broken JSON', '["x",'],
    ['an unknown frame', '[60]'],
    ['a batch', '[["x",1],["x",2]]'],
    ['HELLO of a server', '[2,{}]'],
  ])('19, 21: %s is 4500, and nothing of it has an effect', async (_, text) => {
    const world = await gateways.open();
    let asked = 0;
    world.gateway.handle('x', () => ++asked);
    world.observed('rejected');
    const client = await world.connect();
    client.link.send(text);
    expect(await client.link.closed).toMatchObject({ code: 4500 });
    expect(asked).toBe(0);
    expect(world.observed('rejected')).toEqual([
      { why: expect.any(String), address: 'memory', connection: client.welcome.connection },
    ]);
  });

  it('20: __proto__ and its like are names and data', async () => {
    const { connect, gateway, clock } = await gateways.open();
    const bodies: unknown[] = [];
    gateway.handle('ask', (body) => bodies.push(body));
    const client = await connect(
      {
        caps: ['__proto__', 'constructor'],
        subs: [
          [1, '__proto__'],
          [2, 'constructor'],
        ],
      },
      '__proto__',
    );
    client.link.send('["ask",{"__proto__":{"polluted":true},"constructor":{"prototype":1}},9]');
    client.send(18, 10, 'toString', 'hasOwnProperty', { a: 1 });
    await clock.runAll();
    expect(Object.keys(bodies[0] as object)).toEqual(['__proto__', 'constructor']);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(await gateway.connections.find({ user: '__proto__' })).toHaveLength(1);
    expect(client.lines()).toContain('RESULT 9 1');
  });
});

describe('50: ids that others have seen', () => {
  it('give no rights: neither a connection nor a session is a credential', async () => {
    const { connect, gateway, clock } = await gateways.open();
    const ann = await connect({}, 'ann');
    const { session, connection, secret } = ann.welcome;
    for (const forged of [connection, session, `${secret}x`, secret.slice(1)]) {
      const thief = await connect({ resume: { session, secret: forged } }, 'ann');
      expect(thief.welcome.resumed).toBe(false);
    }
    const bob = await connect({ resume: { session, secret } }, 'bob');
    expect(bob.welcome.resumed).toBe(false);
    bob.lines();
    await gateway.post({ session }, 'Secret', 1);
    await gateway.post({ connection }, 'Secret', 2);
    await clock.runAll();
    expect(bob.lines()).toEqual([]);
    expect(ann.lines()).toHaveLength(2);
  });
});
