import { describe, expect, it } from 'vitest';
import { useGateways } from './support/use-gateways.ts';

const gateways = useGateways();
const rates = { maxFramesPerSecond: 10, maxFrameBurst: 5, maxBytesPerSecond: 1_000, maxByteBurst: 1_000 } as const;

describe('a client that sends too fast', () => {
  it('is not read until its rate allows for it; nothing is lost or reordered', async () => {
    const { connect, gateway, clock } = await gateways.open({
      limits: { ...rates, maxBytesPerSecond: Infinity, maxByteBurst: Infinity },
    });
    const heard: unknown[] = [];
    gateway.handle('note', (body) => heard.push(body));
    const client = await connect();
    for (let wave = 0; wave < 5; wave++) {
      for (let n = 0; n < 4; n++) client.send('note', wave * 4 + n);
      await clock.runAll();
    }
    expect(heard.length).toBeLessThan(20);
    const early = heard.length;
    await clock.advance(100);
    expect(heard.length).toBeGreaterThan(early - 1);
    await clock.advance(10_000);
    expect(heard).toEqual(Array.from({ length: 20 }, (_, n) => n));
  });

  it('in bytes is held up as well', async () => {
    const { connect, gateway, clock } = await gateways.open({ limits: { ...rates, maxFrameBurst: 100 } });
    let heard = 0;
    gateway.handle('note', () => {
      heard += 1;
    });
    const client = await connect();
    client.send('note', 'x'.repeat(900));
    client.send('note', 'x'.repeat(900));
    await clock.runAll();
    client.send('note', 1);
    await clock.runAll();
    expect(heard).toBe(2);
    await clock.advance(2_000);
    expect(heard).toBe(3);
  });

  it.each([
    ['PING', [14]],
    ['PONG', [15]],
    ['CANCEL', [10, 7]],
    ['an answer that nobody waits for', [8, 7, null]],
    ['ACK', [6, 'e.0']],
    ['SUB', [3, 1, 'order.a']],
    ['a notification', ['none', null]],
  ])('of %s is held up', async (_, frame) => {
    const { connect, gateway, clock } = await gateways.open({ limits: { ...rates, maxIgnored: 100 } });
    let asked = 0;
    gateway.handle('ask', () => {
      asked += 1;
    });
    const client = await connect();
    for (let n = 0; n < 30; n++) {
      // Each id is used once, so that none breaks the protocol.
      client.send(...(frame[0] === 3 ? [3, n + 1, 'order.a'] : frame));
    }
    await clock.runAll();
    client.send('ask', null, 1_000);
    await clock.runAll();
    expect(asked).toBe(0);
    await clock.advance(10_000);
    expect(asked).toBe(1);
  });

  it.each([
    ['PONG', () => [15, 'x'.repeat(60_000)]],
    ['answers that nobody waits for', (id: number) => [8, id, 'x'.repeat(60_000)]],
  ])('of large %s is held up', async (_, frame) => {
    const { connect, gateway, clock } = await gateways.open({ limits: { maxIgnored: Infinity } });
    let noted = 0;
    gateway.handle('note', () => {
      noted += 1;
    });
    const client = await connect();
    for (let n = 1; n <= 3_000; n++) {
      client.send(...frame(n));
      if (n % 15 > 0) continue;
      await clock.runAll();
      client.send('note', null);
    }
    await clock.runAll();
    expect(noted).toBeLessThan(5);
    await clock.advance(1_000_000);
    expect(noted).toBe(200);
  });

  it('counts no answers to what the server asked', async () => {
    const { connect, gateway, clock } = await gateways.open({ limits: rates });
    const client = await connect();
    const { connection } = client.welcome;
    const long = 'x'.repeat(60_000);
    let answered = 0;
    for (let n = 1; n <= 50; n++) {
      void gateway.request({ connection }, 'ask', null).then(({ status }) => {
        answered += status === 'success' ? 1 : 0;
      });
      await clock.runAll();
      client.answer(n, long);
      await clock.runAll();
    }
    expect(answered).toBe(50);
  });

  it('pays for each subscription that its HELLO names', async () => {
    const { connect, gateway, clock } = await gateways.open({ limits: { maxFrameBurst: 20, maxFramesPerSecond: 10 } });
    let noted = 0;
    gateway.handle('note', () => {
      noted += 1;
    });
    const client = await connect({ subs: Array.from({ length: 40 }, (_, n) => [n + 1, `order.${n}`] as const) });
    expect(client.lines()).toHaveLength(40);
    for (let n = 0; n < 2; n++) {
      client.send('note', null);
      await clock.runAll();
    }
    expect(noted).toBe(1);
    await clock.advance(2_199);
    expect(noted).toBe(1);
    await clock.advance(1);
    expect(noted).toBe(2);
  });

  it('harms no other client, and its silence is not taken for death', async () => {
    const { connect, gateway, clock } = await gateways.open({
      limits: { ...rates, maxFramesPerSecond: 1, maxFrameBurst: 1 },
      timings: { pingMs: 1_000, maxMissedPings: 2 },
    });
    gateway.handle('ask', () => 1);
    const fast = await connect();
    const calm = await connect();
    for (let n = 1; n <= 30; n++) fast.send('ask', null, n);
    await clock.runAll();
    calm.send('ask', null, 1);
    await clock.runAll();
    expect(calm.lines()).toEqual(['RESULT 1 1']);
    // It would have to be heard three times in 30 seconds, but is deaf to the server's wish.
    await clock.advance(20_000);
    expect(gateway.connections.count).toBe(1);
    expect(fast.link.arrived.length).toBeGreaterThan(0);
  });
});

describe('frames without effect', () => {
  it('are counted and told, and end with 4500 when they are too many between two pings', async () => {
    const world = await gateways.open({ limits: { maxIgnored: 5 }, timings: { pingMs: 1_000 } });
    world.observed('ignored');
    const client = await world.connect({}, 'ann');
    const { connection, session } = client.welcome;
    for (let n = 0; n < 5; n++) client.send(64 + n);
    await world.clock.runAll();
    expect(world.observed('ignored')).toEqual(
      Array.from({ length: 5 }, (_, n) => ({
        connection,
        session,
        userId: 'ann',
        transport: 'memory',
        what: `frame ${64 + n}, which is not known`,
      })),
    );
    await world.clock.advance(1_000);
    for (const frame of [
      [4, 9],
      [10, 9],
      [8, 9, 1],
      [6, 'x.1'],
      [6, 'no-token'],
    ])
      client.send(...frame);
    await world.clock.runAll();
    expect(world.observed('ignored')).toHaveLength(5);
    expect(world.gateway.connections.count).toBe(1);
    client.send(99);
    expect(await client.link.closed).toMatchObject({ code: 4500 });
  });
});

it('frames that cross with what they are about are not counted', async () => {
  const { connect, gateway, clock } = await gateways.open({ limits: { maxIgnored: 1 } });
  gateway.handle('ask', () => 1);
  const client = await connect();
  const { connection } = client.welcome;
  for (let n = 0; n < 10; n++) {
    const id = 3 * n + 1;
    client.send('ask', null, id);
    client.subscribe(id + 1, 'order.a');
    client.subscribe(id + 2, '@all');
    const givenUp = new AbortController();
    const outcome = gateway.request({ connection }, 'ask', null, { signal: givenUp.signal });
    await clock.runAll();
    givenUp.abort();
    expect(await outcome).toMatchObject({ code: 'cancelled' });
    client.send(10, id);
    client.unsubscribe(id + 2);
    client.answer(n + 1);
    await clock.advance(1_000);
  }
  expect(client.lines()).not.toContain('BYE 4500');
  expect(gateway.connections.count).toBe(1);
});

describe('22: subscriptions', () => {
  it('beyond maxSubscriptions are refused, one that ends makes room, and the count never leaks', async () => {
    const { connect, clock } = await gateways.open({ limits: { maxSubscriptions: 3 } });
    const client = await connect({
      subs: [
        [1, 'order.a'],
        [2, 'order.a'],
        [3, 'live'],
        [4, 'live'],
      ],
    });
    await clock.runAll();
    expect(client.lines()).toEqual(['RESULT 1 0 of 0', 'RESULT 2 0 of 0', 'RESULT 3 {}', 'ERROR 4 limit']);
    for (let n = 0; n < 10; n++) {
      client.unsubscribe(3);
      client.unsubscribe(3);
      client.subscribe(3, 'live');
      client.subscribe(4, 'live');
    }
    await clock.runAll();
    const lines = client.lines();
    expect(lines.filter((line) => line === 'ERROR 4 limit')).toHaveLength(10);
    expect(lines.filter((line) => line === 'RESULT 3 {}')).toHaveLength(10);
  });
});
