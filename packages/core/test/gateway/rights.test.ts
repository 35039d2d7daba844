import type { AuthorizeRequest } from '@hexbus/core/gateway';
import { describe, expect, it } from 'vitest';
import { type Deferred, deferred } from '../support/deferred.ts';
import { useGateways, type WorldOptions } from './support/use-gateways.ts';

const gateways = useGateways();

describe('what a client may do by name', () => {
  it('is nothing without authorize: it gets what is addressed to it', async () => {
    const { connect, gateway, publish, clock } = await gateways.open({ authorize: undefined });
    const client = await connect({ subs: [[1, 'order.a']] }, 'ann');
    client.subscribe(2, 'order.>', 'earliest');
    client.send(18, 3, 'order.a', null, 'mine');
    await publish('order.a', 'not for her');
    await gateway.post({ user: 'ann' }, 'Hello', 'for her');
    await clock.runAll();
    expect(client.lines()).toEqual([
      'ERROR 1 forbidden',
      'ERROR 2 forbidden',
      'ERROR 3 forbidden',
      '@user.ann Hello "for her"',
    ]);
  });

  it('is what authorize says of action, topic, identity and connection', async () => {
    const asked: AuthorizeRequest[] = [];
    const { connect, clock } = await gateways.open({
      authorize(request) {
        asked.push(request);
        return request.action !== 'subscribe-pattern';
      },
    });
    const client = await connect({ subs: [[1, 'order.a']], caps: ['console'] }, 'ann');
    client.subscribe(2, 'order.*');
    client.subscribe(3, '>');
    client.send(18, 4, 'order.a', null, 1);
    await clock.runAll();
    expect(asked.map(({ action, topic }) => `${action} ${topic}`)).toEqual([
      'subscribe order.a',
      'subscribe-pattern order.*',
      'subscribe-pattern >',
      'publish order.a',
    ]);
    for (const { identity, connection } of asked) {
      expect(identity).toEqual({ userId: 'ann', capabilities: ['console'] });
      expect(connection).toMatchObject({ id: client.welcome.connection, session: client.welcome.session, identity });
    }
    expect(client.lines().toSorted()).toEqual([
      'ERROR 2 forbidden',
      'ERROR 3 forbidden',
      'RESULT 1 0 of 0',
      expect.stringMatching(/^RESULT 4 \{.*"order.a"/),
      'order.a#1 1',
    ]);
  });

  const noes: Record<string, () => unknown> = {
    'something else than a boolean': () => 1,
    'a text': () => 'yes',
    'an object': () => ({ allowed: true }),
    undefined: () => undefined,
    'a promise of something else': async () => 'true',
  };

  it.each(Object.entries(noes))('is refused by %s', async (_, answer) => {
    const world = await gateways.open({ authorize: answer as WorldOptions['authorize'] });
    const client = await world.connect({ subs: [[1, 'order.a']] });
    client.send(18, 2, 'order.a', null, 1);
    await world.clock.runAll();
    expect(client.lines()).toEqual(['ERROR 1 forbidden', 'ERROR 2 forbidden']);
    expect(await world.bus.read('order.a')).toMatchObject({ messages: [] });
  });

  const failures: Record<string, () => boolean | Promise<boolean>> = {
    throws: () => {
      throw new Error('trouble');
    },
    rejects: () => Promise.reject(new Error('trouble')),
  };

  it.each(Object.entries(failures))('is not known when authorize %s: to be asked for again', async (_, fail) => {
    let authorize = fail;
    const world = await gateways.open({ authorize: () => authorize() });
    const client = await world.connect({ subs: [[1, 'order.a']] });
    client.send(18, 2, 'order.a', null, 'not published');
    await world.clock.runAll();
    const told = client.frames();
    expect(told).toMatchObject([1, 2].map((id) => ({ id, reply: { ok: false, error: { retryable: true } } })));
    expect(JSON.stringify(told)).toContain('could not be found out');
    expect(JSON.stringify(told)).not.toContain('trouble');
    expect(world.observed('error').map(({ error }) => (error as Error).message)).toEqual(['trouble', 'trouble']);
    authorize = () => true;
    client.subscribe(1, 'order.a');
    client.send(18, 2, 'order.a', null, 'published');
    await world.clock.runAll();
    expect(
      client
        .lines()
        .map((line) => line.slice(0, 9))
        .toSorted(),
    ).toEqual(['RESULT 1 ', 'RESULT 2 ', 'order.a#1']);
  });

  it.each(Object.entries(failures))(
    'ends for the time being when authorize %s as it is asked again',
    async (_, fail) => {
      let authorize: () => boolean | Promise<boolean> = () => true;
      const world = await gateways.open({ authorize: () => authorize() });
      const client = await world.connect({ subs: [[1, 'order.a']] }, 'ann');
      authorize = fail;
      expect(await world.gateway.revoke({ user: 'ann' })).toBe(1);
      await world.publish('order.a', 1);
      expect(client.lines()).toEqual(['RESULT 1 0 of 0', 'ERROR 1 remote-error']);
      expect(world.observed('error')).toHaveLength(1);
    },
  );

  it('is not known when authorize never answers; its late answer means nothing', async () => {
    const answer = deferred<boolean>();
    const world = await gateways.open({
      authorize: () => answer.promise,
      timings: { authenticateTimeoutMs: 2_000 },
    });
    const client = await world.connect({ subs: [[1, 'order.a']] });
    await world.clock.advance(1_999);
    expect(client.lines()).toEqual([]);
    await world.clock.advance(1);
    expect(client.lines()).toEqual(['ERROR 1 remote-error']);
    answer.resolve(true);
    await world.publish('order.a', 1);
    expect(client.lines()).toEqual([]);
    expect(world.observed('error')).toMatchObject([{ error: { code: 'HEXBUS_HANDLER_TIMEOUT' } }]);
  });

  it('is not asked any more when the client is gone', async () => {
    const { connect, clock } = await gateways.open({ authorize: () => new Promise(() => {}) });
    const before = clock.pendingTimers;
    const client = await connect({ subs: Array.from({ length: 50 }, (_, id) => [id + 1, 'order.a'] as const) });
    expect(clock.pendingTimers).toBeGreaterThan(before + 50);
    client.link.reset();
    await clock.runAll();
    // What may be left is one that waits for its session.
    expect(clock.pendingTimers).toBeLessThanOrEqual(before + 1);
  });

  it('23: addresses are out of reach, whatever authorize says', async () => {
    const { connect, clock, gateway } = await gateways.open();
    const ann = await connect({}, 'ann');
    const bob = await connect({}, 'bob');
    const topics = ['@all', '@user.ann', '@user.*', '@>', `@session.${encodeURIComponent(ann.welcome.session)}`];
    topics.forEach((topic, index) => {
      bob.subscribe(index + 1, topic, 'earliest');
      bob.send(18, index + 100, topic, null, 'forged');
    });
    bob.subscribe(50, '*.ann');
    bob.subscribe(51, '>');
    await clock.runAll();
    bob.lines();
    await gateway.post({ user: 'ann' }, 'Secret', 1);
    await clock.runAll();
    expect(bob.lines()).toEqual([]);
    expect(ann.lines()).toEqual(['@user.ann Secret 1']);
  });

  it('23: is told in the same words of topics that are there and of those that are not', async () => {
    const { connect, publish, clock } = await gateways.open({ authorize: () => false });
    await publish('order.a', 1);
    await publish('job.a', 1);
    const client = await connect();
    const topics = ['order.a', 'order.never', 'job.a', 'never', 'never.*', '@user.ann', '@nothing'];
    for (const [index, topic] of topics.entries()) client.subscribe(index + 1, topic, { last: 5 });
    for (const [index, topic] of topics.entries()) client.send(18, index + 11, topic, null, 1);
    await clock.runAll();
    const texts = client
      .frames()
      .map((frame) => (frame.kind === 'reply' && !frame.reply.ok ? frame.reply.error : frame));
    expect(texts).toHaveLength(14);
    expect(new Set(texts.map((text) => JSON.stringify(text))).size).toBe(2);
  });
});

describe('P34: once a revocation has resolved, nothing of the topic is sent', () => {
  /** Rights that the test takes away: those in the set are refused. */
  function takingAway(): { readonly gone: Set<string>; readonly options: WorldOptions } {
    const gone = new Set<string>();
    return { gone, options: { authorize: ({ topic }) => !gone.has(topic) } };
  }

  it('ends what is refused, tells the client, and leaves the rest', async () => {
    const { gone, options } = takingAway();
    const { connect, gateway, publish } = await gateways.open(options);
    const ann = await connect(
      {
        subs: [
          [1, 'order.a'],
          [2, 'order.b'],
          [3, 'order.*'],
          [4, 'other'],
        ],
      },
      'ann',
    );
    const bob = await connect({ subs: [[1, 'order.a']] }, 'bob');
    gone.add('order.a').add('order.*').add('other');
    expect(await gateway.revoke({ user: 'ann' }, 'order.>')).toBe(2);
    ann.lines();
    bob.lines();
    await publish('order.a', 1);
    await publish('order.b', 2);
    await publish('other', 3);
    expect(ann.lines()).toEqual(['order.b#2 2', 'other 3']);
    expect(bob.lines()).toEqual(['order.a#1 1']);
    expect(await gateway.revoke({ user: 'ann' })).toBe(1);
    expect(ann.lines()).toEqual(['ERROR 4 forbidden']);
  });

  it('frames that were encoded before go out before it resolves', async () => {
    const { gone, options } = takingAway();
    const { bus, connect, gateway, clock } = await gateways.open(options);
    const client = await connect({ subs: [[1, 'live']] }, 'ann');
    client.lines();
    await bus.publish('live', 'before');
    gone.add('live');
    expect(await gateway.revoke({ user: 'ann' })).toBe(1);
    expect(client.lines()).toEqual(['live "before"', 'ERROR 1 forbidden']);
    await bus.publish('live', 'after');
    await clock.runAll();
    expect(client.lines()).toEqual([]);
  });

  it('also for one whose authorize was asked before and answers yes afterwards', async () => {
    const answers: Deferred<boolean>[] = [];
    const { connect, gateway, publish, clock } = await gateways.open({
      authorize() {
        const answer = deferred<boolean>();
        answers.push(answer);
        return answer.promise;
      },
    });
    const client = await connect({ subs: [[1, 'order.a', 'earliest']] }, 'ann');
    expect(await gateway.revoke({ user: 'ann' })).toBe(0);
    answers[0]?.resolve(true);
    await clock.runAll();
    expect(answers).toHaveLength(2);
    await publish('order.a', 1);
    expect(client.lines()).toEqual([]);
    answers[1]?.resolve(false);
    await clock.runAll();
    expect(client.lines()).toEqual(['ERROR 1 forbidden']);
  });

  it('also for one whose start was being looked for', async () => {
    const { gone, options } = takingAway();
    const { connect, gateway, publish, probe, clock } = await gateways.open(options);
    await publish('order.a', 1, 2);
    const client = await connect({}, 'ann');
    const release = probe.holdNext('locate');
    client.subscribe(1, 'order.a', { last: 1 });
    await clock.runAll();
    gone.add('order.a');
    await gateway.revoke({ user: 'ann' });
    release();
    await publish('order.a', 3);
    expect(client.lines()).toEqual(['ERROR 1 forbidden']);
  });

  it('also for a client that comes back, and one that is away', async () => {
    const { gone, options } = takingAway();
    const { connect, gateway, publish } = await gateways.open(options);
    const client = await connect({ subs: [[1, 'order.a']] }, 'ann');
    client.lines();
    client.link.reset();
    await publish('order.a', 1);
    gone.add('order.a');
    expect(await gateway.revoke({ user: 'ann' })).toBe(0);
    const again = await connect({ resume: client.resume, subs: [[1, 'order.a', 'covered']] }, 'ann');
    await publish('order.a', 2);
    expect(again.welcome.resumed).toBe(true);
    expect(again.lines()).toEqual(['ERROR 1 forbidden']);
  });

  it('also for one that lags: what its carrier does not take yet is not encoded later', async () => {
    const { gone, options } = takingAway();
    const { connect, gateway, publish, clock } = await gateways.open({ ...options, limits: { maxOutboxBytes: 500 } });
    const client = await connect(
      {
        subs: [
          [1, 'order.a', 'earliest'],
          [2, 'order.b'],
        ],
      },
      'ann',
    );
    client.lines();
    client.link.pause();
    for (let n = 0; n < 20; n++) await publish('order.a', 'x'.repeat(100));
    gone.add('order.a');
    expect(await gateway.revoke({ user: 'ann' }, 'order.a')).toBe(1);
    await publish('order.b', 'still');
    client.link.resume();
    await clock.runAll();
    const lines = client.lines();
    const end = lines.indexOf('ERROR 1 forbidden');
    expect(lines.filter((line) => line.startsWith('order.a')).length).toBeLessThan(20);
    expect(lines.slice(end + 1).filter((line) => line.includes('order.a'))).toEqual([]);
    expect(lines.slice(end + 1).join()).toContain('order.b#21 "still"');
  });

  it('also for a held topic: what is with the client is taken back', async () => {
    const { gone, options } = takingAway();
    const { bus, connect, gateway, publish } = await gateways.open(options);
    const client = await connect({ subs: [[1, 'job.a']] }, 'ann');
    await publish('job.a', 1);
    gone.add('job.a');
    expect(await gateway.revoke({ user: 'ann' })).toBe(1);
    await publish('job.a', 2);
    expect(client.lines()).toEqual([
      'RESULT 1 {"held":true}',
      'DELIVERY 1 to 1: job.a 1',
      'CANCEL 1',
      'ERROR 1 forbidden',
    ]);
    expect(await bus.stats('job.a')).toMatchObject({ waiting: 2, listeners: 0 });
  });

  it('a right that is given back holds for a new subscription', async () => {
    const { gone, options } = takingAway();
    const { connect, gateway, publish, clock } = await gateways.open(options);
    const client = await connect({ subs: [[1, 'order.a', 'earliest']] }, 'ann');
    await publish('order.a', 1);
    gone.add('order.a');
    await gateway.revoke({ user: 'ann' });
    await publish('order.a', 2);
    client.lines();
    gone.clear();
    client.subscribe(1, 'order.a', 'earliest');
    await clock.runAll();
    // Which subscriptions an event names, and when a PING tells the token, is the stream's.
    const lines = client.lines().filter((line) => line !== 'PING');
    expect(lines.map((line) => line.replace(/^\[1\] /, ''))).toEqual(['RESULT 1 0 of 2', 'order.a#1 1', 'order.a#2 2']);
  });

  it('asks only the connections that the target names', async () => {
    let asked = 0;
    const { connect, gateway } = await gateways.open({ authorize: () => ++asked > 0 });
    const ann = await connect({ subs: [[1, 'order.a']] }, 'ann');
    await connect(
      {
        subs: [
          [1, 'order.a'],
          [2, 'other'],
        ],
      },
      'bob',
    );
    asked = 0;
    await gateway.revoke({ connection: ann.welcome.connection });
    expect(asked).toBe(1);
    await gateway.revoke({ all: true }, 'order.*');
    expect(asked).toBe(3);
    await gateway.revoke({ session: ann.welcome.session }, 'other');
    expect(asked).toBe(3);
  });
});
