import { describe, expect, test } from 'vitest';
import {
  comeBack,
  createBench,
  event,
  eventFor,
  framesOf,
  Gate,
  session,
  subscribed,
  welcome,
} from './support/bench.ts';

test('a token is resumed at with what it covers, when handling catches up with two connections at once', async () => {
  const bench = createBench();
  const gate = new Gate();
  bench.client.subscribe('a', () => gate.promise);
  const first = await bench.welcome();
  first.say(subscribed(1, 1, 'e.0;1:1;1'), event(2, 'a'));
  bench.client.subscribe('b', () => undefined);
  first.say(subscribed(2, 2));
  const both = {
    resume: { ...session, token: 'e.0;1:1;1' },
    subs: [
      [1, 'a', 'covered'],
      [2, 'b', { after: 'e.2' }],
    ],
  };
  expect(await comeBack(bench)).toMatchObject(both);
  bench.network.last.say(welcome({ resumed: true, token: 'e.0;1:1;1' }), [14, 'e.2']);
  gate.open();
  await bench.settle();
  // Of the second connection nothing is covered yet, of the first one both.
  const later = {
    resume: { ...session, token: 'e.2' },
    subs: [
      [1, 'a', 'covered'],
      [2, 'b', 'covered'],
    ],
  };
  expect(await comeBack(bench)).toMatchObject(later);
  await bench.client.close();
});

test('what was handled already is not told as lost, where it is trimmed before the token comes that covers it', async () => {
  const bench = createBench();
  const { client, log, settle } = bench;
  const gate = new Gate();
  client.observe('gap', log.observer('observed'));
  client.subscribe('slow', () => gate.promise);
  client.subscribe('fast', log.handler('fast'), { onGap: log.observer('gap') });
  client.on('T', log.handler('inbox'));
  const first = await bench.welcome();
  first.say(subscribed(1, 0), subscribed(2, 0), event(1, 'slow'), event(2, 'fast'), event(3, '@all', 3, 'T'));
  await settle();
  expect(log.take()).toEqual(['fast: fast#2 2', 'inbox: @all#3 T 3']);
  await comeBack(bench);
  const trimmed = (sub: number, topic: string, to: number): [number, object] => [
    7,
    { subs: [sub], topics: [topic], from: 1, to, why: 'trimmed', token: `e.${to}` },
  ];
  bench.network.last.say(welcome({ resumed: true }), trimmed(2, 'fast', 2), trimmed(0, '@all', 3));
  await settle();
  expect(log.take()).toEqual([]);
  bench.network.last.say(trimmed(0, '@all', 4), trimmed(2, 'fast', 5));
  await settle();
  expect(log.take()).toEqual([
    'observed: why="trimmed" subscriptions=[] inbox=true topics=["@all"] from=1 to=4',
    'observed: why="trimmed" subscriptions=["fast"] inbox=false topics=["fast"] from=1 to=5',
    'gap: why="trimmed" topics=["fast"] from=1 to=5',
  ]);
  gate.open();
  await client.close();
});

describe('what is acknowledged', () => {
  test('is the last token whose messages were all handled, over all subscriptions, at most once a second', async () => {
    const { client, clock, welcome: connect } = createBench();
    const gate = new Gate();
    client.subscribe('slow', () => gate.promise);
    client.subscribe('fast', () => undefined);
    const socket = await connect();
    socket.say(subscribed(1, 0), subscribed(2, 0), event(1, 'fast'), event(2, 'slow'), event(3, 'fast'), [14, 'e.9']);
    await clock.advance(1_000);
    expect(framesOf(socket, 6)).toEqual([[6, 'e.1']]);
    await clock.advance(5_000);
    gate.open();
    await clock.advance(999);
    expect(framesOf(socket, 6)).toHaveLength(1);
    socket.say(event(10, 'fast'));
    await clock.advance(1);
    expect(framesOf(socket, 6)).toEqual([
      [6, 'e.1'],
      [6, 'e.10'],
    ]);
    await client.close();
  });

  test('includes messages that failed for good, and what nobody follows any more', async () => {
    const { client, clock, welcome: connect } = createBench({ limits: { maxTries: 1 } });
    client.subscribe('a', () => {
      throw new Error('broken');
    });
    const left = client.subscribe('b', () => new Promise(() => undefined));
    const socket = await connect({ pingMs: 600_000 });
    socket.say(subscribed(1, 0), subscribed(2, 0), event(1, 'a'), event(2, 'b'), event(3, 'b'), event(4, 'a'));
    await clock.advance(1_000);
    left.unsubscribe();
    await clock.advance(60_000);
    expect(framesOf(socket, 6)).toEqual([
      [6, 'e.1'],
      [6, 'e.4'],
    ]);
    await client.close();
  });

  test('is told once a connection, however often the server names the same token', async () => {
    const bench = createBench();
    const { client, clock, network } = bench;
    client.subscribe('a', () => undefined);
    const socket = await bench.welcome({ pingMs: 600_000 });
    socket.say(subscribed(1, 7));
    await clock.advance(1_000);
    for (let pings = 0; pings < 3; pings++) {
      socket.say([14, 'e.7']);
      await clock.advance(1_000);
    }
    expect(framesOf(socket, 6)).toEqual([[6, 'e.7']]);
    await comeBack(bench);
    network.last.say(welcome({ token: 'e.7' }), subscribed(1, 7));
    await clock.advance(1_000);
    expect(framesOf(network.last, 6)).toEqual([[6, 'e.7']]);
    await client.close();
  });

  test.each([500, 3_000])(
    'is told to the next connection that names it too, after %i ms without one',
    async (downMs) => {
      const randomness = { id: () => '', fraction: () => downMs / 10_000 };
      const {
        client,
        clock,
        log,
        network,
        settle,
        welcome: connect,
      } = createBench({
        randomness,
        timings: { reconnectDelayMs: 10_000 },
      });
      client.on('T', log.handler('inbox'));
      const socket = await connect();
      socket.say(event(1, '@user.ann', 1, 'T'));
      await settle();
      socket.cut();
      await clock.advance(downMs);
      network.last.accept();
      // It has a new session for the client, whose inbox begins at the cursor of the user.
      network.last.say(welcome({ session: 'urn:s2', token: 'e.0' }), event(1, '@user.ann', 1, 'T'));
      await clock.advance(2_000);
      expect(log.take()).toEqual(['inbox: @user.ann#1 T 1']);
      expect(framesOf(network.last, 6)).toEqual([[6, 'e.1']]);
      await client.close();
    },
  );

  test('is told at close, without waiting for the second', async () => {
    const { client, settle, welcome: connect } = createBench();
    client.subscribe('a', () => undefined);
    const socket = await connect();
    socket.say(subscribed(1, 0), event(1, 'a'));
    await settle();
    await client.close();
    expect(socket.sent.at(-1)).toEqual([6, 'e.1']);
  });
});

describe('after a cut', () => {
  test('the session is resumed at the token that was handled, with covered subscriptions covered', async () => {
    const bench = createBench();
    const { client, log, settle, welcome: connect } = bench;
    const gate = new Gate();
    client.subscribe('a', async (message) => {
      log.handler('a')(message);
      if (message.body === 2) await gate.promise;
    });
    const socket = await connect();
    socket.say(subscribed(1, 0), event(1, 'a'), event(2, 'a'), event(3, 'a'));
    await settle();
    expect(await comeBack(bench)).toEqual({
      v: 1,
      resume: { ...session, token: 'e.1' },
      subs: [[1, 'a', 'covered']],
      caps: [],
    });
    bench.network.last.say(welcome({ token: 'e.1', resumed: true }), subscribed(1, 1));
    bench.network.last.say(event(2, 'a'), event(3, 'a'), event(4, 'a'));
    await bench.clock.advance(1_000);
    expect(framesOf(bench.network.last, 6)).toEqual([]);
    gate.open();
    await bench.clock.advance(1_000);
    expect(log.take()).toEqual(['a: a#1 1', 'a: a#2 2', 'a: a#3 3', 'a: a#4 4']);
    expect(framesOf(bench.network.last, 6)).toEqual([[6, 'e.4']]);
    await client.close();
  });

  test('what an earlier connection brought is not acknowledged to this one, but resumed at', async () => {
    const bench = createBench();
    const { client, clock, settle, welcome: connect } = bench;
    const gate = new Gate();
    client.subscribe('a', () => gate.promise);
    const socket = await connect();
    socket.say(subscribed(1, 0), event(1, 'a'));
    await settle();
    await comeBack(bench);
    bench.network.last.say(welcome({ token: 'e.0', resumed: true }));
    gate.open();
    await clock.advance(4_000);
    expect(framesOf(bench.network.last, 6)).toEqual([]);
    expect(await comeBack(bench)).toMatchObject({ resume: { token: 'e.1' }, subs: [[1, 'a', 'covered']] });
    await client.close();
  });

  test('what was received is handled while there is no connection', async () => {
    const bench = createBench();
    const { client, log, settle, welcome: connect } = bench;
    const gate = new Gate();
    client.subscribe(
      'a',
      log.handler('a', () => gate.promise),
    );
    const socket = await connect();
    socket.say(subscribed(1, 0), event(1, 'a'), event(2, 'a'));
    await settle();
    socket.cut();
    gate.open();
    await settle();
    expect(log.take()).toEqual(['a: a#1 1', 'a: a#2 2']);
    expect(await comeBack(bench)).toMatchObject({ resume: { ...session, token: 'e.2' } });
    await client.close();
  });

  test('a client that had received nothing resumes where it began', async () => {
    const bench = createBench();
    await bench.welcome({ token: 'e.17' });
    expect(await comeBack(bench)).toMatchObject({ resume: { ...session, token: 'e.17' } });
    await bench.client.close();
  });

  test('a subscription that was not answered begins where it was to begin; one that was, after what it has', async () => {
    const bench = createBench();
    const { client, welcome: connect } = bench;
    const gate = new Gate();
    client.subscribe('blocked', () => gate.promise);
    const socket = await connect();
    socket.say(subscribed(1, 0), event(1, 'blocked'));
    client.subscribe('a', () => undefined, { from: { last: 5 } });
    client.subscribe('b', () => undefined, { from: 'earliest' });
    client.subscribe('c', () => undefined);
    socket.say([8, 2, { start: 'e.1', head: 'e.9', token: 'e.1;2.1' }], eventFor([2], 'e.1;2.4', 4, 'a'));
    socket.say([8, 4, { start: 'e.1', head: 'e.1', token: 'e.1;2.4;4' }]);
    expect(await comeBack(bench)).toMatchObject({
      resume: { token: 'e.0' },
      subs: [
        [1, 'blocked', 'covered'],
        [2, 'a', { after: 'e.4' }],
        [3, 'b', 'earliest'],
        [4, 'c', { after: 'e.1' }],
      ],
    });
    gate.open();
    await client.close();
  });

  test('a token counts for resuming when the new connection has answered what the one before covered', async () => {
    const bench = createBench();
    const { client, settle, welcome: connect } = bench;
    client.subscribe('a', () => undefined);
    client.subscribe('b', () => undefined);
    const socket = await connect();
    socket.say(subscribed(1, 0), subscribed(2, 0), event(3, 'b'), event(5, 'a'));
    await settle();
    expect(await comeBack(bench)).toMatchObject({
      subs: [
        [1, 'a', 'covered'],
        [2, 'b', 'covered'],
      ],
    });
    bench.network.last.say(welcome({ token: 'e.9', resumed: true }), subscribed(1, 5), event(9, 'a'));
    await settle();
    expect(await comeBack(bench)).toMatchObject({
      resume: { token: 'e.5' },
      subs: [
        [1, 'a', 'covered'],
        [2, 'b', 'covered'],
      ],
    });
    bench.network.last.say(welcome({ token: 'e.9', resumed: true }), subscribed(1, 5), event(9, 'a'), subscribed(2, 9));
    await settle();
    expect(await comeBack(bench)).toMatchObject({ resume: { token: 'e.9' } });
    await client.close();
  });

  test('a lost session is told; subscriptions go on, and the client resumes the new one', async () => {
    const bench = createBench();
    const { client, log, settle, welcome: connect } = bench;
    client.subscribe('a', log.handler('a'));
    client.observe('gap', log.observer('gap'));
    const socket = await connect();
    socket.say(subscribed(1, 0), event(1, 'a'));
    await settle();
    await comeBack(bench);
    bench.network.last.say(
      welcome({ session: 'urn:s2', token: 'e.40' }),
      subscribed(1, 1),
      eventFor([1], 'e.40;1.2', 2, 'a'),
    );
    await settle();
    expect(log.take()).toEqual(['a: a#1 1', 'gap: why="session-lost" subscriptions=[] inbox=true', 'a: a#2 2']);
    expect(await comeBack(bench)).toMatchObject({ resume: { session: 'urn:s2', token: 'e.40;1.2' } });
    await client.close();
  });

  test('after a reset positions may come again, and the beginning is the one of the present history', async () => {
    const bench = createBench();
    const { client, log, settle, welcome: connect } = bench;
    const gate = new Gate();
    client.subscribe('slow', () => gate.promise);
    client.subscribe('a', log.handler('a'), { onReset: () => log.note('reset') });
    client.on('T', log.handler('inbox'));
    const socket = await connect();
    socket.say(subscribed(1, 0), event(6, 'slow'), subscribed(2, 6), event(7, 'a'), event(8, '@all', 8, 'T'));
    socket.say([7, { why: 'reset', token: 'e.0' }], event(1, 'a'), event(2, '@all', 2, 'T'), [
      7,
      { subs: [2], why: 'reset' },
    ]);
    await settle();
    expect(log.take().sort()).toEqual([
      'a: a#1 1',
      'a: a#7 7',
      'inbox: @all#2 T 2',
      'inbox: @all#8 T 8',
      'reset',
      'reset',
    ]);
    expect(await comeBack(bench)).toMatchObject({
      resume: { token: 'e.0' },
      subs: [
        [1, 'slow', 'covered'],
        [2, 'a', 'earliest'],
      ],
    });
    gate.open();
    await client.close();
  });
});
