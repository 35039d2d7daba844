import { describe, expect, test } from 'vitest';
import { comeBack, createBench, event, framesOf, subscribed, welcome } from './support/bench.ts';

describe('a subscription that the server ends for the time being', () => {
  const trouble = { code: 'remote-error', message: 'could not be found out', retryable: true };

  test('keeps its place: no token counts that leaves it out', async () => {
    const bench = createBench({ timings: { reconnectDelayMs: 60_000, maxReconnectDelayMs: 60_000 } });
    const { client, log, settle } = bench;
    client.subscribe('a', log.handler('a'));
    client.subscribe('b', log.handler('b'));
    const socket = await bench.welcome({ pingMs: 600_000 });
    socket.say(subscribed(1, 0), subscribed(2, 0), event(1, 'a'));
    await settle();
    socket.say([9, 1, trouble], event(3, 'b'));
    await settle();
    // The event of position 2 was for nobody.
    socket.cut();
    await bench.clock.advance(60_000);
    bench.network.last.accept();
    expect(bench.network.last.take()[0]?.[1]).toMatchObject({
      resume: { token: 'e.1' },
      subs: [
        [1, 'a', 'covered'],
        [2, 'b', 'covered'],
      ],
    });
    bench.network.last.say(welcome({ resumed: true, token: 'e.1' }), subscribed(1, 1), subscribed(2, 1));
    bench.network.last.say(event(2, 'a'), event(3, 'b'));
    await settle();
    expect(log.take()).toEqual(['a: a#1 1', 'b: b#3 3', 'a: a#2 2']);
    bench.network.last.cut();
    await bench.clock.advance(60_000);
    bench.network.last.accept();
    expect(bench.network.last.take()[0]?.[1]).toMatchObject({ resume: { token: 'e.3' } });
    await client.close();
  });

  test('asks again from where it is, and is covered by what comes then', async () => {
    const bench = createBench();
    const { client, clock } = bench;
    client.subscribe('a', () => undefined);
    const socket = await bench.welcome({ pingMs: 600_000 });
    socket.say(subscribed(1, 0), event(1, 'a'), [14, 'e.5'], [9, 1, trouble]);
    await clock.advance(1_000);
    expect(framesOf(socket, 3)).toEqual([[3, 1, 'a', { after: 'e.1' }]]);
    socket.say([8, 1, { start: 'e.1', head: 'e.6', token: 'e.6~1:1' }]);
    await clock.runAll();
    expect(await comeBack(bench)).toMatchObject({ resume: { token: 'e.6~1:1' }, subs: [[1, 'a', 'covered']] });
    await client.close();
  });
});
