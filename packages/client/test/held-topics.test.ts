import { describe, expect, test } from 'vitest';
import { attributes, type Bench, createBench, framesOf, Gate, subscribed, welcome } from './support/bench.ts';
import type { FakeSocket } from './support/fake-network.ts';
import type { FrameTuple } from './support/fake-peer.ts';

function delivery(id: number, sub: number, message: string, timeoutMs = 60_000): FrameTuple {
  return [19, id, sub, 'jobs', null, message, attributes(message), timeoutMs];
}

/** A bench on which the connection was cut while the first of these was handled, which has ended since. The next connection stands. */
async function cutWhileHandling(...deliveries: readonly FrameTuple[]): Promise<Bench & { readonly cut: FakeSocket }> {
  const bench = createBench();
  const { client, clock, log, network } = bench;
  const gate = new Gate();
  client.subscribe(
    'jobs',
    log.handler('jobs', () => gate.promise),
  );
  const cut = await bench.welcome();
  cut.say(subscribed(1, 0), ...deliveries);
  await bench.settle();
  cut.cut();
  gate.open();
  await clock.advance(60_000);
  network.last.accept();
  network.last.say(welcome({ resumed: true }), subscribed(1, 0));
  return { ...bench, cut };
}

describe('a message of a held topic', () => {
  test('is answered when its handler has settled, one after the other', async () => {
    const { client, log, settle, welcome: connect } = createBench();
    const gate = new Gate();
    client.subscribe('jobs', async (message) => {
      log.handler('jobs')(message);
      await gate.promise;
      if (message.body === 'b') throw new Error('broken');
    });
    client.observe('error', ({ messageId }) => log.note(`failed ${messageId}`));
    const socket = await connect();
    socket.say(subscribed(1, 0), delivery(1, 1, 'a'), delivery(2, 1, 'b'));
    await settle();
    expect([log.take(), framesOf(socket, 8)]).toEqual([['jobs: jobs "a"'], []]);
    gate.open();
    await settle();
    expect(log.take()).toEqual(['jobs: jobs "b"', 'failed b']);
    expect(framesOf(socket, 8)).toEqual([[8, 1, null]]);
    expect(framesOf(socket, 9)).toMatchObject([[9, 2, { code: 'remote-error', retryable: false }]]);
    await client.close();
  });

  test('that nobody wants any more is answered as cancelled', async () => {
    const { client, settle, welcome: connect } = createBench();
    const subscription = client.subscribe('jobs', () => new Promise(() => undefined));
    const socket = await connect();
    socket.say(subscribed(1, 0), delivery(1, 1, 'a'), delivery(2, 1, 'b'));
    await settle();
    subscription.unsubscribe();
    socket.say(delivery(3, 1, 'c'));
    expect(framesOf(socket, 9)).toMatchObject([
      [9, 2, { code: 'cancelled' }],
      [9, 3, { code: 'cancelled' }],
    ]);
    await client.close();
  });

  test('whose handler ends the subscription and succeeds is answered before the end is told', async () => {
    const { client, settle, welcome: connect } = createBench();
    let end = (): void => undefined;
    const subscription = client.subscribe('jobs', async () => end());
    end = () => subscription.unsubscribe();
    const socket = await connect();
    socket.say(subscribed(1, 0), delivery(1, 1, 'a'));
    await settle();
    expect(socket.sent.slice(1)).toEqual([
      [8, 1, null],
      [4, 1],
    ]);
    await client.close();
  });

  test('is given the time that the server gives, and is not answered after it', async () => {
    const { client, clock, log, welcome: connect } = createBench();
    const gate = new Gate();
    client.subscribe('jobs', async ({ body }, { signal }) => {
      log.note(`begin ${body}`);
      signal.addEventListener('abort', () => log.note(`aborted ${body}`));
      await gate.promise;
    });
    const socket = await connect();
    socket.say(subscribed(1, 0), delivery(1, 1, 'a', 500), delivery(2, 1, 'b', 400));
    await clock.advance(500);
    expect(log.take()).toEqual(['begin a', 'aborted a']);
    expect(framesOf(socket, 8)).toEqual([]);
    gate.open();
    await client.close();
  });

  test('that waits at a cut is delivered again and handled once; one that was being handled is not handled again', async () => {
    const { client, cut, log, network, settle } = await cutWhileHandling(delivery(1, 1, 'a'), delivery(2, 1, 'b'));
    network.last.say(delivery(1, 1, 'a'), delivery(2, 1, 'b'));
    await settle();
    expect(log.take()).toEqual(['jobs: jobs "a"', 'jobs: jobs "b"']);
    expect(framesOf(network.last, 8)).toEqual([
      [8, 1, null],
      [8, 2, null],
    ]);
    expect(framesOf(cut, 8)).toEqual([]);
    await client.close();
  });

  test('of an id that was handled without an answer is handled, where it is a later message', async () => {
    const first = [19, 1, 1, 'jobs', null, 'first', { id: 'job-7', time: 1_000 }, 60_000] as const;
    const { client, log, network, settle } = await cutWhileHandling(first);
    // Another client has handled the first one.
    network.last.say([19, 1, 1, 'jobs', null, 'second', { id: 'job-7', time: 3_600_000 }, 60_000]);
    await settle();
    expect(log.take()).toEqual(['jobs: jobs "first"', 'jobs: jobs "second"']);
    await client.close();
  });
});
