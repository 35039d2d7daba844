import { isHexbusError } from '@hexbus/core';
import { describe, expect, test } from 'vitest';
import { attributes, createBench, event, eventFor, framesOf, Gate, subscribed, welcome } from './support/bench.ts';

describe('a subscription', () => {
  test('is asked for in HELLO, or by SUB once there is a connection, and tells its start', async () => {
    const { client, welcome } = createBench();
    const early = client.subscribe('a.*', () => undefined, { from: { last: 3 } });
    const socket = await welcome();
    expect(socket.take()).toEqual([[1, { v: 1, subs: [[1, 'a.*', { last: 3 }]], caps: [] }]]);
    const late = client.subscribe('b', () => undefined);
    expect(socket.take()).toEqual([[3, 2, 'b']]);
    expect([early.state, late.state]).toEqual(['starting', 'starting']);
    socket.say([8, 1, { start: 'e.4', head: 'e.7', token: 'e.4;1.4' }], subscribed(2, 7));
    await expect(early.ready).resolves.toEqual({ start: 'e.4', head: 'e.7' });
    await expect(late.ready).resolves.toEqual({ start: 'e.7', head: 'e.7' });
    expect([early.state, late.state]).toEqual(['active', 'active']);
    late.unsubscribe();
    expect(socket.take()).toEqual([[4, 2]]);
    expect(late.state).toBe('ended');
    await late.done;
    await client.close();
  });

  test('made or ended between HELLO and the welcome is told right after it', async () => {
    const { client, network, settle } = createBench();
    const first = client.subscribe('a', () => undefined);
    void client.open();
    await settle();
    network.last.accept();
    client.subscribe('b', () => undefined);
    first.unsubscribe();
    expect(network.last.take()).toHaveLength(1);
    network.last.say([
      2,
      { v: 1, session: 's', secret: 'x', connection: 'c', resumed: false, caps: [], pingMs: 1_000 },
    ]);
    expect(network.last.take()).toEqual([
      [3, 2, 'b'],
      [4, 1],
    ]);
    await client.close();
  });

  test('that an observer ends at the welcome is not asked for after its end', async () => {
    const { client, network, settle } = createBench();
    void client.open();
    await settle();
    network.last.accept();
    const subscription = client.subscribe('jobs', () => undefined);
    client.observe('state', ({ connected }) => {
      if (connected) subscription.unsubscribe();
    });
    network.last.say(welcome());
    await settle();
    expect(network.last.sent.slice(1)).toEqual([
      [3, 1, 'jobs'],
      [4, 1],
    ]);
    await client.close();
  });

  test('handles one message at a time, in order, and waits for each', async () => {
    const { client, log, settle, welcome } = createBench();
    const gates = [new Gate(), new Gate()];
    client.subscribe<number>('a', async ({ body }) => {
      log.note(`begin ${body}`);
      await gates[body - 1]?.promise;
      log.note(`end ${body}`);
    });
    const socket = await welcome();
    socket.say(subscribed(1, 0), event(1, 'a'), event(2, 'a'));
    await settle();
    expect(log.take()).toEqual(['begin 1']);
    gates[0]?.open();
    await settle();
    expect(log.take()).toEqual(['end 1', 'begin 2']);
    gates[1]?.open();
    await settle();
    expect(log.take()).toEqual(['end 2']);
    await client.close();
  });

  test('gets what matches its pattern, whole and with its place, also what is not retained', async () => {
    const { client, settle, welcome } = createBench();
    const got: unknown[] = [];
    client.subscribe('a.*', (message) => void got.push(message));
    client.subscribe('>', ({ topic }) => void got.push(topic));
    const socket = await welcome();
    socket.say(subscribed(1, 0), subscribed(2, 0));
    socket.say([5, 'e.3', 'a.b', 'T', { x: 1 }, { id: 'i', time: 5, sender: 'ann', headers: { k: 'v' } }]);
    socket.say([5, null, 'c', null, null, attributes('j')], [5, 'e.4', '@all', 'T', null, attributes('k')]);
    await settle();
    expect(got).toEqual([
      { id: 'i', topic: 'a.b', type: 'T', body: { x: 1 }, sender: 'ann', headers: { k: 'v' }, time: 5, position: 3 },
      'a.b',
      'c',
    ]);
    await client.close();
  });

  test('gets nothing that is for everybody before its answer, since older messages may still come', async () => {
    const { client, log, settle, welcome } = createBench();
    client.subscribe('a', log.handler('a'), { from: 'earliest', onCaughtUp: () => log.note('caught up') });
    const socket = await welcome();
    socket.say(event(50, 'a'), [8, 1, { start: 'e.0', head: 'e.50', token: 'e.50;1.0' }]);
    socket.say(eventFor([1], 'e.50;1.1', 1, 'a'), eventFor([1], 'e.50', 50, 'a'), event(51, 'a'));
    await settle();
    expect(log.take()).toEqual(['a: a#1 1', 'a: a#50 50', 'caught up', 'a: a#51 51']);
    await client.close();
  });

  test('is not held up by a signal that never settles; what one rejects with is told', async () => {
    const { client, log, settle, welcome } = createBench();
    client.subscribe('a', log.handler('a'), {
      onGap: () => new Promise(() => undefined) as unknown as undefined,
      onCaughtUp: () => Promise.reject(new Error('broken')) as unknown as undefined,
    });
    client.observe('error', ({ error }) => log.note((error as Error).message));
    const socket = await welcome();
    socket.say(subscribed(1, 0), [7, { why: 'trimmed', from: 1, to: 2, token: 'e.2' }], event(3, 'a'));
    await settle();
    expect(log.take().sort()).toEqual(['a: a#3 3', 'onCaughtUp threw']);
    await client.close();
  });

  test('drops repeats by its own mark', async () => {
    const { client, log, settle, welcome } = createBench();
    client.subscribe('a', log.handler('one'));
    client.subscribe('a', log.handler('two'));
    const socket = await welcome();
    socket.say(subscribed(1, 0), subscribed(2, 0), eventFor([1], 'e.1;x', 1, 'a'), event(1, 'a'), event(1, 'a'));
    await settle();
    expect(log.take().sort()).toEqual(['one: a#1 1', 'two: a#1 1']);
    await client.close();
  });

  test('tries a message again after a growing delay, then tells and skips it; others are not disturbed', async () => {
    const { client, clock, log, settle, welcome } = createBench({ timings: { retryDelayMs: 100 } });
    client.subscribe<number>('a', ({ body }, { attempt }) => {
      log.note(`try ${attempt} of ${body}`);
      if (body === 1) throw new Error('broken');
    });
    client.subscribe('a', log.handler('other'));
    client.observe('error', ({ error, topic, messageId }) => {
      log.note(`${isHexbusError(error, 'HEXBUS_HANDLER_FAILED')} ${topic} ${messageId}`);
    });
    const socket = await welcome();
    socket.say(subscribed(1, 0), subscribed(2, 0), event(1, 'a'), event(2, 'a'));
    await settle();
    expect(log.take()).toEqual(['try 1 of 1', 'other: a#1 1', 'other: a#2 2']);
    await clock.advance(100);
    expect(log.take()).toEqual(['try 2 of 1']);
    await clock.advance(200);
    expect(log.take()).toEqual(['try 3 of 1', 'true a m1', 'try 1 of 2']);
    await client.close();
  });

  test('abandons a call that takes longer than handleTimeoutMs', async () => {
    const { client, clock, log, welcome } = createBench({ limits: { maxTries: 1 }, timings: { handleTimeoutMs: 500 } });
    client.subscribe<number>('a', ({ body }, { signal }) => {
      log.note(`begin ${body}`);
      signal.addEventListener('abort', () => log.note('aborted'));
      return body === 1 ? new Promise(() => undefined) : undefined;
    });
    const socket = await welcome();
    socket.say(subscribed(1, 0), event(1, 'a'), event(2, 'a'));
    await clock.advance(500);
    expect(log.take()).toEqual(['begin 1', 'aborted', 'begin 2']);
    await client.close();
  });

  test('that the server refuses fails, with its reason', async () => {
    const { client, log, settle, welcome } = createBench();
    const subscription = client.subscribe('secret', () => undefined);
    client.observe('error', ({ error, topic }) => log.note(`${(error as Error).message} / ${topic}`));
    const socket = await welcome();
    socket.say([9, 1, { code: 'forbidden', message: 'not for you', retryable: false }]);
    await expect(subscription.ready).rejects.toMatchObject({ code: 'HEXBUS_REFUSED' });
    await subscription.done;
    expect(framesOf(socket, 4)).toEqual([]);
    expect(subscription).toMatchObject({ state: 'failed', error: { code: 'HEXBUS_REFUSED' } });
    expect(log.take()).toEqual(['the server refused "secret" (forbidden): not for you / secret']);
    await settle();
    await client.close();
  });

  test('that is refused for now is asked for again, after what was told and a random time that grows', async () => {
    const { client, clock, welcome } = createBench({ randomness: { fraction: () => 0.5 } });
    const subscription = client.subscribe('a', () => undefined);
    const socket = await welcome();
    const refusal = { code: 'overloaded', message: 'later', retryable: true };
    socket.say([9, 1, { ...refusal, retryAfterMs: 300 }]);
    await clock.advance(799);
    expect(framesOf(socket, 3)).toEqual([]);
    await clock.advance(1);
    socket.say([9, 1, refusal]);
    await clock.advance(1_000);
    expect(framesOf(socket, 3)).toEqual([
      [3, 1, 'a'],
      [3, 1, 'a'],
    ]);
    socket.say(subscribed(1, 0));
    expect(subscription.state).toBe('active');
    await client.close();
  });

  test('ends by a signal, and inside its handler: no further call starts, and done waits for the running one', async () => {
    const { client, log, settle, welcome } = createBench();
    const controller = new AbortController();
    const gate = new Gate();
    const byHandler = client.subscribe('a', async () => {
      log.note('a');
      byHandler.unsubscribe();
      byHandler.unsubscribe();
      await gate.promise;
    });
    const bySignal = client.subscribe('a', log.handler('b'), { signal: controller.signal });
    let done = false;
    void byHandler.done.then(() => {
      done = true;
    });
    const socket = await welcome();
    controller.abort();
    socket.say(subscribed(1, 0), event(1, 'a'), event(2, 'a'));
    await settle();
    expect([log.take(), bySignal.state, done]).toEqual([['a'], 'ended', false]);
    gate.open();
    await settle();
    expect(done).toBe(true);
    expect(client.subscribe('c', () => undefined, { signal: controller.signal }).state).toBe('ended');
    await client.close();
  });
});

describe('what was lost', () => {
  test('is told in the stream, before what follows it', async () => {
    const { client, log, settle, welcome } = createBench();
    const gate = new Gate();
    client.subscribe(
      'a',
      log.handler('a', () => gate.promise),
      {
        onGap: log.observer('gap'),
        onReset: () => log.note('reset'),
      },
    );
    client.observe('gap', log.observer('observed'));
    const socket = await welcome();
    socket.say(subscribed(1, 0), event(1, 'a'), [
      7,
      { subs: [1], topics: ['a'], from: 2, to: 5, why: 'trimmed', token: 'e.5' },
    ]);
    socket.say(event(6, 'a'), [7, { topics: ['a'], why: 'dropped' }], [7, { why: 'reset', token: 'f.0' }]);
    socket.say([5, 'f.1', 'a', null, 'new', attributes('n1')]);
    await settle();
    expect(log.take()).toEqual([
      'observed: why="trimmed" subscriptions=["a"] inbox=false topics=["a"] from=2 to=5',
      'observed: why="dropped" subscriptions=["a"] inbox=false topics=["a"]',
      'observed: why="reset" subscriptions=["a"] inbox=true',
      'a: a#1 1',
    ]);
    gate.open();
    await settle();
    expect(log.take()).toEqual([
      'gap: why="trimmed" topics=["a"] from=2 to=5',
      'a: a#6 6',
      'gap: why="dropped" topics=["a"]',
      'reset',
      'a: a#1 "new"',
    ]);
    await client.close();
  });

  test('of what was dropped without names concern what may be among it, and no held topic', async () => {
    const { client, log, settle, welcome } = createBench();
    for (const topic of ['kept', 'live', 'job', '*']) client.subscribe(topic, () => undefined);
    client.observe('gap', log.observer('gap'));
    const socket = await welcome();
    socket.say(subscribed(1, 0), [8, 2, {}], [8, 3, { held: true }], subscribed(4, 0), [7, { why: 'dropped' }]);
    await settle();
    expect(log.take()).toEqual(['gap: why="dropped" subscriptions=["live","*"] inbox=true']);
    await client.close();
  });

  test('a callback that throws is told and disturbs nothing', async () => {
    const { client, log, settle, welcome } = createBench();
    client.subscribe('a', log.handler('a'), {
      onGap() {
        throw new Error('broken');
      },
    });
    client.observe('error', ({ error }) => log.note((error as Error).message));
    const socket = await welcome();
    socket.say(subscribed(1, 0), [7, { subs: [1], why: 'dropped' }], event(1, 'a'));
    await settle();
    expect(log.take()).toEqual(['onGap threw', 'a: a#1 1']);
    await client.close();
  });
});

describe('the inbox', () => {
  test('hands each message to all handlers of its type, and goes on when all are done', async () => {
    const { client, clock, log, settle, welcome } = createBench();
    const gate = new Gate();
    client.on(
      'T',
      log.handler('slow', () => gate.promise),
    );
    client.on('T', () => {
      throw new Error('broken');
    });
    client.on('U', log.handler('U'));
    const socket = await welcome();
    socket.say(event(1, '@all', 1, 'T'), event(2, '@user.ann', 2, 'U'), event(2, '@user.ann', 2, 'U'));
    await clock.advance(1_000);
    expect(log.take()).toEqual(['slow: @all#1 T 1']);
    gate.open();
    await settle();
    expect(log.take()).toEqual(['U: @user.ann#2 U 2']);
    await client.close();
  });

  test('tries a message as often as its handler says, which holds up all that follows', async () => {
    const { client, clock, log, welcome } = createBench({ limits: { maxTries: 2 }, timings: { retryDelayMs: 1 } });
    let broken = true;
    const fail = (): void => {
      if (broken) throw new Error('broken');
    };
    client.on('Own', log.handler('own', fail), { maxTries: Number.POSITIVE_INFINITY });
    client.on('Usual', log.handler('usual', fail));
    client.on('Own', log.handler('once', fail), { maxTries: 1 });
    const socket = await welcome();
    socket.say(event(1, '@all', 1, 'Usual'), event(2, '@all', 2, 'Own'), event(3, '@all', 3, 'Usual'));
    await clock.advance(20);
    const lines = log.take();
    expect(lines.filter((line) => line.startsWith('usual'))).toEqual(Array(2).fill('usual: @all#1 Usual 1'));
    expect(lines.filter((line) => line.startsWith('once'))).toHaveLength(1);
    expect(lines.filter((line) => line.startsWith('own')).length).toBeGreaterThan(3);
    broken = false;
    await clock.advance(100);
    expect(log.take()).toEqual(['own: @all#2 Own 2', 'usual: @all#3 Usual 3']);
    await client.close();
  });

  test('tells of messages that nobody handles, and acknowledges them', async () => {
    const { client, clock, log, welcome } = createBench();
    const off = client.on('U', log.handler('U'));
    client.observe('unhandled', log.observer('unhandled'));
    const socket = await welcome();
    socket.say(event(1, '@all', 1, 'U'));
    await clock.advance(0);
    off();
    socket.say([17, [0], 'e.2;x', 'e.2', '@all', 'U', 2, attributes('m2')], event(3, '@all', 3));
    await clock.advance(1_000);
    expect(log.take()).toEqual(['U: @all#1 U 1', 'unhandled: @all type="U"', 'unhandled: @all']);
    expect(framesOf(socket, 6)).toEqual([[6, 'e.3']]);
    await client.close();
  });
});
