import { isHexbusError } from '@hexbus/core';
import { describe, expect, test } from 'vitest';
import { createBench, framesOf, welcome } from './support/bench.ts';

describe('opening', () => {
  test('introduces the client once the socket is open, and resolves with the welcome', async () => {
    const { client, network, settle } = createBench({ token: () => 'secret', capabilities: ['console'] });
    const opened = client.open();
    expect(client.state).toBe('opening');
    expect(client.open()).toBe(opened);
    await settle();
    expect(network.last).toMatchObject({ url: 'ws://bus.test/hexbus', protocols: ['hexbus.v1.json'] });
    expect(network.last.sent).toEqual([]);
    network.last.accept();
    expect(network.last.sent).toEqual([[1, { v: 1, token: 'secret', subs: [], caps: ['console'] }]]);
    network.last.say(welcome({ caps: ['console'] }));
    await opened;
    expect(client).toMatchObject({
      state: 'open',
      connected: true,
      session: 'urn:s1',
      connection: 'c1',
      capabilities: ['console'],
    });
    await client.close();
  });

  test.each([
    ['a refusal for good', 4501],
    ['an end by the server', 1000],
    ['a version that is not spoken', 4504],
  ])('rejects at %s (%d), and leaves nothing behind', async (_, code) => {
    const { client, network, clock, settle } = createBench();
    const opened = client.open();
    await settle();
    network.last.accept();
    network.last.say([16, { code, reason: 'no', reconnect: false, afterMs: 0 }]);
    network.last.cut(code, 'no');
    await expect(opened).rejects.toSatisfy((error) => isHexbusError(error, 'HEXBUS_REFUSED'));
    await settle();
    expect(client).toMatchObject({ state: 'closed', connected: false });
    expect(clock).toMatchObject({ pendingTimers: 0, pendingTurns: 0 });
    await clock.advance(600_000);
    expect(network.sockets).toHaveLength(1);
  });

  test('goes on trying while the server cannot be reached', async () => {
    const { client, network, clock, settle } = createBench();
    const opened = client.open();
    await settle();
    network.last.cut();
    await clock.advance(60_000);
    network.last.accept();
    network.last.say(welcome());
    await opened;
    expect(network.sockets.length).toBeGreaterThan(1);
    await client.close();
  });

  test('gives up an attempt that has no welcome in time', async () => {
    const { client, network, clock, settle } = createBench({ timings: { connectTimeoutMs: 7_000 } });
    void client.open();
    await settle();
    network.last.accept();
    await clock.advance(6_999);
    expect(network.last.closedWith).toBeUndefined();
    await clock.advance(1);
    expect(network.last.closedWith?.code).toBe(4005);
    await client.close();
  });

  test('asks for the credential again at each attempt, and survives that it cannot be had', async () => {
    let calls = 0;
    const errors: unknown[] = [];
    const { client, network, clock, settle } = createBench({
      async token() {
        calls += 1;
        if (calls === 1) throw new Error('identity server is down');
        return `token-${calls}`;
      },
    });
    client.observe('error', ({ error }) => errors.push(error));
    void client.open();
    await settle();
    expect(network.sockets).toHaveLength(0);
    expect(errors).toEqual([new Error('identity server is down')]);
    await clock.advance(1_000);
    network.last.accept();
    expect(network.last.sent[0]).toMatchObject([1, { token: 'token-2' }]);
    await client.close();
  });
});

describe('after a cut', () => {
  test('the pauses are random, grow to a bound, and begin anew after a stable connection', async () => {
    const {
      client,
      network,
      clock,
      welcome: connect,
    } = createBench({
      randomness: { fraction: () => 0.5 },
      timings: { reconnectDelayMs: 1_000, maxReconnectDelayMs: 8_000, stableMs: 5_000 },
    });
    const pauses: (number | undefined)[] = [];
    client.observe('state', ({ retryMs }) => {
      if (retryMs !== undefined) pauses.push(retryMs);
    });
    await connect();
    await clock.advance(5_000);
    for (let count = 0; count < 6; count++) {
      network.last.cut();
      await clock.advance(8_000);
    }
    await connect();
    await clock.advance(4_999);
    network.last.cut();
    await clock.advance(8_000);
    await connect();
    await clock.advance(5_000);
    network.last.cut();
    expect(pauses).toEqual([500, 1_000, 2_000, 4_000, 4_000, 4_000, 4_000, 500]);
    await client.close();
  });

  test.each([
    ['after the time that BYE named', 1012, 3_000, 3_000],
    ['after the time that BYE named, at a limit of rate', 4104, 9_000, 9_000],
    ['after a random time after a missed heartbeat', 4000, 0, 500],
    ['by backoff at the limit of connections', 4505, 0, 500],
    ['by backoff with a fresh token', 4103, 0, 500],
    ['slower after a wire error', 1009, 0, 1_000],
  ])('it comes back %s', async (_, code, afterMs, expected) => {
    const { client, network, welcome: connect } = createBench({ randomness: { fraction: () => 0.5 } });
    const socket = await connect();
    let retryMs: number | undefined;
    client.observe('state', (state) => {
      retryMs = state.retryMs;
    });
    socket.say([16, { code, reason: '', reconnect: true, afterMs }]);
    socket.cut(code);
    expect(retryMs).toBe(expected);
    expect(client).toMatchObject({ state: 'open', connected: false, connection: undefined, session: 'urn:s1' });
    expect(network.sockets).toHaveLength(1);
    await client.close();
  });

  test.each([1000, 1008, 4500, 4501, 4503, 4509, 4999])('it stays away after %d', async (code) => {
    const { client, clock, settle, welcome: connect } = createBench();
    const errors: unknown[] = [];
    client.observe('error', ({ error }) => errors.push(error));
    const { done } = client.subscribe('a', () => undefined);
    const socket = await connect();
    socket.cut(code, 'go away');
    await done;
    await settle();
    expect(client.state).toBe('closed');
    expect(errors).toHaveLength(1);
    expect(isHexbusError(errors[0], 'HEXBUS_REFUSED')).toBe(true);
    expect(clock.pendingTimers).toBe(0);
  });

  test('a session that was taken over is left to its taker', async () => {
    const { client, network, clock, welcome: connect } = createBench();
    client.subscribe('a.b', () => undefined, { from: 'earliest' });
    const socket = await connect();
    socket.say([8, 1, { start: 'e.0', head: 'e.7', token: 'e.7' }], [5, 'e.9', 'a.b', null, 1, { id: 'm', time: 1 }]);
    socket.say([16, { code: 4510, reason: 'taken over', reconnect: false, afterMs: 0 }]);
    socket.cut(4510, 'taken over');
    await clock.advance(1_000);
    network.last.accept();
    expect(network.last.sent).toEqual([[1, { v: 1, lastToken: 'e.9', subs: [[1, 'a.b', 'covered']], caps: [] }]]);
    const gaps: unknown[] = [];
    client.observe('gap', (gap) => gaps.push(gap));
    network.last.say(welcome({ session: 'urn:s2' }));
    expect(client.session).toBe('urn:s2');
    expect(gaps).toEqual([{ why: 'session-lost', subscriptions: [], inbox: true }]);
    await client.close();
  });
});

describe('a server', () => {
  test('that is silent for two of its intervals and the slack is dead', async () => {
    const { client, clock, network, welcome: connect } = createBench({ timings: { silenceSlackMs: 1_000 } });
    const socket = await connect({ pingMs: 10_000 });
    await clock.advance(20_000);
    socket.say([14, null]);
    expect(socket.take().at(-1)).toEqual([15]);
    await clock.advance(20_999);
    expect(socket.closedWith).toBeUndefined();
    await clock.advance(1);
    expect(socket.closedWith?.code).toBe(4000);
    await clock.advance(1_000);
    expect(network.sockets.length).toBeGreaterThan(1);
    await client.close();
  });

  test.each([
    ['no JSON', 'hello'],
    ['no frame', '{}'],
    ['a second welcome', JSON.stringify(welcome())],
    ['binary', new ArrayBuffer(4)],
    ['an event with a cursor of no history', '[5,"a b.7","@all",null,1,{"id":"m","time":1}]'],
  ])('that sends %s is left, with an error, and tried again', async (_, data) => {
    const { client, clock, network, welcome: connect } = createBench();
    const errors: unknown[] = [];
    client.observe('error', ({ error }) => errors.push(error));
    const socket = await connect();
    socket.sayText(data);
    expect(socket.closedWith?.code).toBe(4500);
    expect(errors).toHaveLength(1);
    await clock.advance(60_000);
    expect(network.sockets.length).toBeGreaterThan(1);
    expect(client.state).toBe('open');
    await client.close();
  });

  test('of a later version may send frames that are not known', async () => {
    const { client, welcome: connect } = createBench();
    const socket = await connect();
    socket.say([64, 'news'], [1000]);
    expect(client.connected).toBe(true);
    await client.close();
  });

  test('whose credential expires is given a fresh one', async () => {
    let calls = 0;
    const {
      client,
      settle,
      welcome: connect,
    } = createBench({
      token: () => {
        calls += 1;
        return `token-${calls}`;
      },
    });
    const socket = await connect();
    socket.say([12, { inMs: 60_000 }]);
    await settle();
    const [[, id, token]] = framesOf(socket, 11) as [[number, number, string]];
    expect(token).toBe('token-2');
    const errors: unknown[] = [];
    client.observe('error', ({ error }) => errors.push(error));
    socket.say([9, id, { code: 'unauthenticated', message: 'another user', retryable: false }]);
    await settle();
    expect(isHexbusError(errors[0], 'HEXBUS_REFUSED')).toBe(true);
    await client.close();
  });
});
