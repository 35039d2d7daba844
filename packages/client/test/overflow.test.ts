import { describe, expect, test } from 'vitest';
import { Progress } from '../src/progress.ts';
import { createBench, event, framesOf, Gate, subscribed, welcome } from './support/bench.ts';

describe('a client whose handlers are slow', () => {
  test.each([
    ['messages', { maxQueuedMessages: 2 }],
    ['bytes', { maxQueuedBytes: 100 }],
  ])('hangs up when too many %s wait, and comes back when it has caught up', async (_, limits) => {
    const { client, clock, log, network, settle, welcome: connect } = createBench({ limits });
    const gate = new Gate();
    client.subscribe(
      'a',
      log.handler('a', () => gate.promise),
    );
    const socket = await connect();
    socket.say(subscribed(1, 0), event(1, 'a'), event(2, 'a'), event(3, 'a'), event(4, 'a'));
    await settle();
    expect(socket.closedWith?.code).toBe(4101);
    expect(client).toMatchObject({ state: 'open', connected: false });
    await clock.advance(30_000);
    expect(network.sockets).toHaveLength(1);
    gate.open();
    await settle();
    expect(log.take()).toEqual(['a: a#1 1', 'a: a#2 2', 'a: a#3 3']);
    network.last.accept();
    expect(network.last.sent).toMatchObject([[1, { resume: { token: 'e.3' }, subs: [[1, 'a', 'covered']] }]]);
    network.last.say(welcome({ resumed: true, token: 'e.3' }), subscribed(1, 3), event(4, 'a'));
    await settle();
    expect(log.take()).toEqual(['a: a#4 4']);
    await client.close();
  });

  test('comes back also when nobody wants what waits any more', async () => {
    const { client, network, settle, welcome: connect } = createBench({ limits: { maxQueuedMessages: 1 } });
    const subscription = client.subscribe('a', () => new Promise(() => undefined));
    client.subscribe('b', () => undefined);
    const socket = await connect();
    socket.say(subscribed(1, 0), event(1, 'a'), event(2, 'a'));
    subscription.unsubscribe();
    await settle();
    expect(network.sockets).toHaveLength(2);
    await client.close();
  });

  test('comes back after a pause when its token is where it was', async () => {
    const { client, clock, network, settle, welcome: connect } = createBench({ limits: { maxQueuedMessages: 1 } });
    const subscription = client.subscribe('a', () => new Promise(() => undefined));
    const socket = await connect();
    const lost = [5, null, 'a', null, 1, { id: 'm', time: 1 }];
    socket.say(subscribed(1, 0), lost, lost);
    subscription.unsubscribe();
    await settle();
    expect(network.sockets).toHaveLength(1);
    await clock.advance(1_000);
    expect(network.sockets).toHaveLength(2);
    await client.close();
  });

  test('is told what it may have missed of what is not retained: not of held topics, and of patterns and the inbox where it has been given some', async () => {
    const { client, log, network, settle, welcome: connect } = createBench({ limits: { maxQueuedMessages: 4 } });
    const gate = new Gate();
    const onGap = (topic: string) => (gap: object) => log.note(`${topic}: ${JSON.stringify(gap)}`);
    client.subscribe('kept', () => gate.promise, { onGap: onGap('kept') });
    for (const topic of ['mouse', 'held', 'kept.*', '>', 'idle'])
      client.subscribe(topic, () => undefined, { onGap: onGap(topic) });
    client.observe('gap', log.observer('gap'));
    const socket = await connect();
    const moved = [5, null, 'mouse', null, 1, { id: 'm', time: 1 }];
    const delivery = [19, 1, 3, 'held', null, 1, { id: 'h', time: 1 }, 60_000];
    const answers = [1, 4, 5].map((id) => subscribed(id, 0));
    const toAll = [5, null, '@all', 'Note', 1, { id: 'a', time: 1 }];
    // Whether a topic is held is told: of one without work no delivery tells.
    const held = { held: true };
    socket.say(...answers, [8, 2, {}], [8, 3, held], [8, 6, held], delivery, moved, toAll);
    await settle();
    client.subscribe('late', () => undefined, { onGap: onGap('late') });
    socket.say(event(1, 'kept'), event(2, 'kept'), event(3, 'kept'), moved);
    await settle();
    expect([socket.closedWith?.code, log.take()]).toEqual([4101, []]);
    gate.open();
    await settle();
    expect(log.take().sort()).toEqual([
      '>: {"why":"dropped"}',
      'gap: why="dropped" subscriptions=["mouse",">"] inbox=true',
      'mouse: {"why":"dropped"}',
    ]);
    expect(network.sockets).toHaveLength(2);
    await client.close();
  });

  test('lets other parts of the program have a turn', async () => {
    const { client, clock, log, welcome: connect } = createBench();
    client.subscribe('a', log.handler('a'));
    const socket = await connect();
    socket.say(subscribed(1, 0), ...Array.from({ length: 100 }, (_, index) => event(index + 1, 'a')));
    await new Promise((resolve) => setImmediate(resolve));
    expect(log.lines).toHaveLength(64);
    expect(clock.pendingTurns).toBe(1);
    await clock.runAll();
    expect(log.lines).toHaveLength(100);
    await client.close();
  });

  test('asks on: the connection stays for what was asked, and comes again for what is', async () => {
    const limits = { maxQueuedMessages: 1 };
    const { client, log, network, settle, welcome: connect } = createBench({ limits });
    const gate = new Gate();
    client.subscribe('a', async ({ body }) => {
      if (body === 2) await gate.promise;
      log.note(JSON.stringify(await client.request('price', body)));
    });
    const first = await connect();
    first.say(subscribed(1, 0), event(1, 'a'));
    await settle();
    first.say(event(2, 'a'), event(3, 'a'), [14, 'e.3']);
    const [[, , id]] = framesOf(first, 'price') as [[string, number, number]];
    first.say([8, id, 10]);
    await settle();
    expect([log.take(), first.closedWith]).toEqual([['{"status":"success","body":10}'], undefined]);
    first.cut();
    gate.open();
    await settle();
    expect(log.take()).toEqual([
      '{"status":"error","code":"disconnected","message":"there is no connection to the server"}',
    ]);
    expect(network.sockets).toHaveLength(1);
    await client.close();
  });

  test('that hung up comes back for a request, without the stream, and again with it', async () => {
    const { client, clock, log, network, settle, welcome: connect } = createBench({ limits: { maxQueuedMessages: 1 } });
    const gate = new Gate();
    client.subscribe('a', async ({ body }) => {
      await gate.promise;
      const { position } = await client.publish('b', body);
      log.note(`${body} published at ${position}`);
    });
    const first = await connect();
    first.say(subscribed(1, 0), event(1, 'a'), event(2, 'a'));
    await settle();
    expect(first.closedWith?.code).toBe(4101);
    gate.open();
    await settle();
    const second = network.last;
    second.accept();
    expect(second.take()).toEqual([
      [1, { v: 1, resume: { session: 'urn:s1', secret: 'x', token: 'e.0' }, subs: [], caps: [] }],
    ]);
    second.say(welcome({ resumed: true, token: 'e.0' }), event(9, '@all'), [14, 'e.9']);
    for (const position of [20, 21]) {
      const [, id] = framesOf(second, 18).at(-1) as [number, number];
      second.say([8, id, { id: 'm', topic: 'b', position, duplicate: false }]);
      await settle();
    }
    expect(log.take()).toEqual(['1 published at 20', '2 published at 21']);
    expect([second.closedWith?.code, framesOf(second, 6)]).toEqual([4101, []]);
    network.last.accept();
    expect(network.last.sent).toMatchObject([[1, { resume: { token: 'e.2' }, subs: [[1, 'a', 'covered']] }]]);
    expect(network.sockets).toHaveLength(3);
    await client.close();
    expect(clock.pendingTimers).toBe(0);
  });

  test('that comes back for a publish sends it before what an observer publishes at the welcome', async () => {
    const { client, network, settle, welcome: connect } = createBench({ limits: { maxQueuedMessages: 1 } });
    client.subscribe('a', () => new Promise(() => undefined));
    const first = await connect();
    first.say(subscribed(1, 0), event(1, 'a'), event(2, 'a'));
    await settle();
    expect(first.closedWith?.code).toBe(4101);
    const publish = (body: string): void => void client.publish('b', body).catch(() => undefined);
    client.observe('state', ({ connected }) => {
      if (connected) publish('second');
    });
    publish('first');
    await settle();
    network.last.accept();
    network.last.say(welcome({ resumed: true }));
    await settle();
    expect(framesOf(network.last, 18).map((frame) => frame[4])).toEqual(['first', 'second']);
    void client.close();
  });

  test('takes one message that is larger than the bound', async () => {
    const { client, log, settle, welcome: connect } = createBench({ limits: { maxQueuedBytes: 10 } });
    client.subscribe('a', log.handler('a'));
    const socket = await connect();
    socket.say(subscribed(1, 0), event(1, 'a'));
    await settle();
    expect([log.take(), socket.closedWith]).toEqual([['a: a#1 1'], undefined]);
    await client.close();
  });

  test('keeps little of what is handled behind one slow handler', () => {
    const progress = new Progress(undefined, () => undefined);
    const slow = progress.begin('e.0', 1);
    const count = 200_000;
    const steps = Array.from({ length: count }, (_, index) => progress.begin(`e.${index + 1}`, 1));
    for (const step of steps) progress.settle(step);
    expect(slow.next).toMatchObject({ token: `e.${count}`, next: undefined });
    expect(progress.handled).toBeUndefined();
    progress.settle(slow);
    expect(progress.handled).toBe(`e.${count}`);
  });
});
