import { describe, expect, test } from 'vitest';
import { createBench, event, Gate, subscribed, welcome } from './support/bench.ts';

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
});
