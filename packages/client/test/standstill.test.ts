import type { VirtualClock } from '@hexbus/testkit';
import { describe, expect, test } from 'vitest';
import { createBench, framesOf, welcome } from './support/bench.ts';

/** As Node has it after a standstill: a timer that is due runs first, and only then is read what has arrived by then. Returns where to put that. */
function standStill(clock: VirtualClock): (() => void)[] {
  const arrivals: (() => void)[] = [];
  const { setTimer } = clock;
  clock.setTimer = (callback, delayMs) =>
    setTimer(() => {
      callback();
      for (const arrive of arrivals.splice(0)) arrive();
    }, delayMs);
  return arrivals;
}

describe('what has arrived during a standstill counts', () => {
  test('a welcome', async () => {
    const { client, clock, network, settle } = createBench({ timings: { connectTimeoutMs: 7_000 } });
    const arrivals = standStill(clock);
    const opened = client.open();
    await settle();
    network.last.accept();
    arrivals.push(() => network.last.say(welcome()));
    await clock.advance(7_000);
    expect(network.last.closedWith).toBeUndefined();
    await opened;
    expect(client.connected).toBe(true);
    await client.close();
  });

  test('a sign of life, from which on the silence is counted anew', async () => {
    const { client, clock, welcome: connect } = createBench({ timings: { silenceSlackMs: 1_000 } });
    const arrivals = standStill(clock);
    const socket = await connect({ pingMs: 10_000 });
    await clock.advance(20_999);
    arrivals.push(() => socket.say([14, null]));
    await clock.advance(1);
    expect(socket.closedWith).toBeUndefined();
    await clock.advance(20_999);
    expect(socket.closedWith).toBeUndefined();
    await clock.advance(1);
    expect(socket.closedWith?.code).toBe(4000);
    await client.close();
  });

  test('a cut, after which the attempt before is not given up once more', async () => {
    const { client, clock, network, settle } = createBench({ timings: { connectTimeoutMs: 7_000 } });
    const arrivals = standStill(clock);
    void client.open();
    await settle();
    const codes: unknown[] = [];
    client.observe('state', ({ code }) => codes.push(code));
    arrivals.push(() => network.last.cut(1012));
    await clock.advance(7_000);
    expect(codes).toEqual([1012]);
    await client.close();
  });

  test('the end of the client, after which nothing is tried again', async () => {
    const { client, clock, network, welcome: connect } = createBench({ randomness: { fraction: () => 0 } });
    const arrivals = standStill(clock);
    await connect();
    await clock.advance(2_000);
    network.last.cut();
    arrivals.push(() => void client.close());
    await clock.advance(60_000);
    expect(client.state).toBe('closed');
    expect(network.sockets).toHaveLength(1);
    expect(clock).toMatchObject({ pendingTimers: 0, pendingTurns: 0 });
  });

  test('an answer', async () => {
    const { client, clock, welcome: connect } = createBench();
    const arrivals = standStill(clock);
    const socket = await connect();
    await clock.advance(2_000);
    const outcome = client.request('price', 1, { timeoutMs: 500 });
    arrivals.push(() => socket.say([8, 1, 10]));
    await clock.advance(500);
    expect(await outcome).toEqual({ status: 'success', body: 10 });
    expect(framesOf(socket, 10)).toEqual([]);
    await client.close();
  });
});
