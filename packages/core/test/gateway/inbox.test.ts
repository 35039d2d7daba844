import { describe, expect, it } from 'vitest';
import { useGateways, type WorldOptions } from './support/use-gateways.ts';

const gateways = useGateways();

const retained = {
  '@all': { retain: { maxCount: 100 } },
  '@user.>': { retain: { maxCount: 100 } },
  '@session.>': { retain: { maxCount: 100 } },
  '@connection.>': { retain: { maxCount: 100 } },
  'order.>': { retain: { maxCount: 100 } },
} as const;

describe.each<[string, WorldOptions]>([
  ['that are retained', { topics: retained }],
  ['that are not retained', {}],
  ['of a bus without history', { bus: { withoutHistory: true } }],
])('addresses %s', (_, options) => {
  it('reach everybody, all sessions of a user, a session, and a connection', async () => {
    const { connect, gateway, clock } = await gateways.open(options);
    const ann = [await connect({}, 'ann'), await connect({}, 'ann')] as const;
    const bob = await connect({}, 'bob');
    const nobody = await connect();
    const receivers = [
      await gateway.post({ all: true }, 'All', 1),
      await gateway.post({ user: 'ann' }, 'User', 2),
      await gateway.post({ session: ann[0].welcome.session }, 'Session', 3),
      await gateway.post({ connection: ann[1].welcome.connection }, 'Connection', 4),
      await gateway.post({ user: 'eve' }, 'User', 5),
    ].map((receipt) => receipt.receivers);
    await clock.runAll();
    expect(receivers).toEqual([4, 2, 1, 1, 0]);
    const seen = [...ann, bob, nobody].map(({ frames }) =>
      frames().map((frame) => frame.kind === 'event' && `${frame.message.type} ${JSON.stringify(frame.message.body)}`),
    );
    expect(seen).toEqual([['All 1', 'User 2', 'Session 3'], ['All 1', 'User 2', 'Connection 4'], ['All 1'], ['All 1']]);
  });

  it('carry id, time, type, sender and headers', async () => {
    const { connect, gateway, clock, observed } = await gateways.open(options);
    observed('posted');
    const client = await connect({}, 'ann');
    const headers = { traceparent: '00-1' };
    const receipt = await gateway.post({ user: 'ann' }, 'Refresh', { page: 3 }, { id: 'mine', sender: 'crm', headers });
    await clock.runAll();
    const { position, ...rest } = receipt;
    expect(rest).toMatchObject({ id: 'mine', receivers: 1 });
    expect(position).toBe(options.topics === undefined ? undefined : 1);
    const [frame] = client.frames();
    expect(frame).toMatchObject({
      kind: 'event',
      message: { id: 'mine', topic: '@user.ann', type: 'Refresh', body: { page: 3 }, sender: 'crm', headers },
    });
    expect(observed('posted')).toEqual([
      {
        topic: '@user.ann',
        id: 'mine',
        ...(position === undefined ? {} : { position }),
        target: { user: 'ann' },
        receivers: 1,
      },
    ]);
  });

  it('reach a user whatever her id is made of', async () => {
    const { connect, gateway, clock } = await gateways.open(options);
    const ids = ['ann.b', 'a*', '>', 'ünï cödé', '%41', 'A'];
    const clients = [];
    for (const id of ids) clients.push(await connect({}, id));
    for (const id of ids) expect((await gateway.post({ user: id }, 'Hi', id)).receivers).toBe(1);
    await clock.runAll();
    for (const [index, client] of clients.entries()) {
      expect(client.frames()).toMatchObject([{ kind: 'event', message: { body: ids[index] } }]);
    }
  });

  it('are no longer receivers once they have left', async () => {
    const { connect, gateway, clock } = await gateways.open(options);
    const client = await connect({}, 'ann');
    client.link.reset();
    await clock.runAll();
    expect((await gateway.post({ user: 'ann' }, 'Hi', 1)).receivers).toBe(0);
    expect((await gateway.post({ all: true }, 'Hi', 1)).receivers).toBe(0);
  });
});

describe('post', () => {
  it('gives the first receipt again for an id that was used', async () => {
    const { connect, gateway, clock } = await gateways.open({ topics: retained });
    const client = await connect({}, 'ann');
    const first = await gateway.post({ user: 'ann' }, 'Hi', 1, { id: 'x' });
    const second = await gateway.post({ user: 'ann' }, 'Hi', 2, { id: 'x' });
    await gateway.post({ all: true }, 'Hi', 3, { id: 'x' });
    await clock.runAll();
    expect(second).toEqual({ ...first, duplicate: true });
    expect(client.lines()).toEqual(['@user.ann#1 Hi 1', '@all#2 Hi 3']);
  });

  it('refuses what is no target, type or body', async () => {
    const { gateway } = await gateways.open({ topics: retained });
    const refused = (target: unknown, type: unknown, body: unknown = null): Promise<unknown> =>
      gateway.post(target as { all: true }, type as string, body).catch((error: unknown) => error);
    for (const target of [{}, { user: '' }, { all: false }, { user: 'a', session: 'b' }, null, 'ann']) {
      expect(await refused(target, 'Hi')).toMatchObject({ code: 'HEXBUS_CONFIG' });
    }
    for (const type of ['', 'x'.repeat(129), 7, undefined]) {
      expect(await refused({ all: true }, type)).toMatchObject({ code: 'HEXBUS_CONFIG' });
    }
    expect(await refused({ all: true }, 'Hi', 1n)).toMatchObject({ code: 'HEXBUS_INVALID_BODY' });
  });

  it('sends the same bytes to everybody', async () => {
    const { connect, gateway, clock } = await gateways.open({ topics: retained });
    const clients = [await connect({}, 'ann'), await connect({}, 'bob'), await connect()];
    await gateway.post({ all: true }, 'Hi', { text: 'ü' });
    await clock.runAll();
    const texts = clients.map(({ link }) => link.take());
    expect(texts[0]).toHaveLength(1);
    expect(texts[1]).toEqual(texts[0]);
    expect(texts[2]).toEqual(texts[0]);
  });

  it('reaches the clients of every gateway of a bus, and counts those of its own', async () => {
    const one = await gateways.open({ topics: retained });
    const other = await gateways.open({ on: one.host });
    const [ann, bob] = [await one.connect({}, 'ann'), await other.connect({}, 'bob')];
    expect((await one.gateway.post({ all: true }, 'Hi', 1)).receivers).toBe(1);
    expect((await one.gateway.post({ user: 'bob' }, 'Hi', 2)).receivers).toBe(0);
    await one.clock.runAll();
    expect(ann.lines()).toEqual(['@all#1 Hi 1']);
    expect(bob.lines()).toEqual(['@all#1 Hi 1', '@user.bob#2 Hi 2']);
  });

  it('is in order with what is published', async () => {
    const { connect, gateway, bus, clock } = await gateways.open({ topics: retained });
    const client = await connect({ subs: [[1, 'order.a']] }, 'ann');
    client.lines();
    void gateway.post({ user: 'ann' }, 'Hi', 1);
    void bus.publish('order.a', 2);
    void gateway.post({ all: true }, 'Hi', 3);
    await clock.runAll();
    expect(client.lines()).toEqual(['@user.ann#1 Hi 1', 'order.a#2 2', '@all#3 Hi 3']);
  });
});

describe('T23: topics of others', () => {
  it('are forbidden by name and by pattern, there or not', async () => {
    const { connect, clock, gateway } = await gateways.open({ topics: retained });
    const bob = await connect({}, 'bob');
    const client = await connect({}, 'ann');
    const address = `@session.${encodeURIComponent(bob.welcome.session)}`;
    const wanted = [address, '@session.nobody', '@user.bob', '@user.ann', '@user.*', '@all', '@user.>', '@held.x'];
    for (const [index, topic] of wanted.entries()) client.subscribe(index + 1, topic, 'earliest');
    await clock.runAll();
    expect(client.frames().map((frame) => frame.kind === 'reply' && frame.reply)).toEqual(
      wanted.map(() => ({ ok: false, error: { code: 'forbidden', message: expect.any(String), retryable: false } })),
    );
    await gateway.post({ user: 'bob' }, 'Hi', 1);
    await clock.runAll();
    expect(client.lines()).toEqual([]);
  });

  it('are not reached by patterns that are allowed', async () => {
    const { connect, clock, gateway, publish } = await gateways.open({ topics: retained });
    const client = await connect(
      {
        subs: [
          [1, '>'],
          [2, '*.*'],
          [3, '*'],
        ],
      },
      'ann',
    );
    client.lines();
    await gateway.post({ user: 'bob' }, 'Hi', 1);
    await gateway.post({ all: true }, 'Hi', 2);
    await publish('order.a', 3);
    await clock.runAll();
    expect(client.lines()).toEqual(['@all#2 Hi 2', 'order.a#3 3']);
  });

  it('are nothing without `authorize`', async () => {
    const { connect } = await gateways.open({ topics: retained, authorize: undefined });
    const client = await connect(
      {
        subs: [
          [1, 'order.a'],
          [2, 'chat'],
          [3, '>'],
        ],
      },
      'ann',
    );
    expect(client.lines()).toEqual(['ERROR 1 forbidden', 'ERROR 2 forbidden', 'ERROR 3 forbidden']);
  });
});

describe('T24: what a client publishes', () => {
  it('reaches no address, whatever `authorize` says', async () => {
    const { connect, clock, left } = await gateways.open({ topics: retained });
    const bob = await connect({}, 'bob');
    const client = await connect({}, 'ann');
    const topics = ['@user.bob', '@all', `@connection.${bob.welcome.connection}`, '@user.ann'];
    for (const [index, topic] of topics.entries()) client.send(18, index + 1, topic, 'Hi', 1, {});
    await clock.runAll();
    expect(client.lines()).toEqual(topics.map((_, index) => `ERROR ${index + 1} forbidden`));
    expect(bob.lines()).toEqual([]);
    expect((await left()).connections).toBe(2);
  });

  it('is refused without the right to publish, and delivered to nobody', async () => {
    const asked: string[] = [];
    const { connect, clock } = await gateways.open({
      topics: retained,
      authorize: ({ action, topic }) => {
        asked.push(`${action} ${topic}`);
        return action !== 'publish' || topic === 'order.mine';
      },
    });
    const bob = await connect({ subs: [[1, 'order.>']] }, 'bob');
    bob.lines();
    const client = await connect({}, 'ann');
    client.send(18, 1, 'order.a', null, 1, {});
    client.send(18, 2, 'order.mine', 'New', 2, { id: 'm' });
    await clock.runAll();
    expect(client.frames()).toMatchObject([
      { kind: 'reply', id: 1, reply: { ok: false, error: { code: 'forbidden' } } },
      { kind: 'reply', id: 2, reply: { ok: true, body: { id: 'm', position: 1 } } },
    ]);
    expect(asked).toEqual(['subscribe-pattern order.>', 'publish order.a', 'publish order.mine']);
    expect(bob.frames()).toMatchObject([{ kind: 'event', message: { type: 'New', body: 2, id: 'm', sender: 'ann' } }]);
  });
});
