import { describe, expect, it } from 'vitest';
import { knock, welcomed } from './support/connect-client.ts';
import { useGateways } from './support/use-gateways.ts';

const gateways = useGateways();
const timings = { pingMs: 1_000, maxMissedPings: 2, stallTimeoutMs: 30_000 } as const;

describe('a client', () => {
  it('is sent a PING with how far the stream is, as often as WELCOME says', async () => {
    const { connect, clock, publish, bus } = await gateways.open({ timings });
    const client = await connect();
    await clock.advance(999);
    expect(client.frames()).toEqual([]);
    await clock.advance(1);
    expect(client.frames()).toEqual([{ kind: 'ping', token: client.welcome.token }]);
    await publish('order.a', 1);
    client.send(15);
    await clock.advance(1_000);
    expect(client.frames()).toEqual([{ kind: 'ping', token: bus.cursor }]);
  });

  it('without history is sent a PING without a token', async () => {
    const { connect, clock } = await gateways.open({ timings, bus: { withoutHistory: true } });
    const client = await connect();
    await clock.advance(1_000);
    expect(client.frames()).toEqual([{ kind: 'ping' }]);
  });

  it('that says nothing between too many pings is terminated, and told when it comes back', async () => {
    const { connect, clock, observed, transport } = await gateways.open({ timings });
    observed('disconnected');
    const client = await connect({}, 'ann');
    await clock.advance(2_999);
    expect(observed('disconnected')).toEqual([]);
    await clock.advance(1);
    expect(await client.link.closed).toMatchObject({ code: 1006 });
    expect(client.lines()).toEqual(['PING', 'PING']);
    const { session, connection } = client.welcome;
    expect(observed('disconnected')).toEqual([
      { connection, session, userId: 'ann', transport: 'memory', code: 4000, reason: 'no sign of life' },
    ]);
    const again = await welcomed(knock(transport, { resume: client.resume }, { headers: { user: 'ann' } }));
    expect(again.welcome.last).toEqual({ code: 4000, reason: 'no sign of life' });
  });

  it.each([
    ['PONG', [15]],
    ['PING', [14]],
    ['a notification', ['hello', null]],
    ['a frame that is ignored', [99]],
    ['a late reply', [8, 77, null]],
  ])('is alive by %s', async (_, frame) => {
    const { connect, clock, gateway } = await gateways.open({ timings });
    const client = await connect();
    for (let n = 0; n < 20; n++) {
      await clock.advance(1_900);
      client.send(...frame);
    }
    expect(gateway.connections.count).toBe(1);
  });

  it('is answered PONG when it sends PING', async () => {
    const { connect, clock } = await gateways.open({ timings });
    const client = await connect();
    client.send(14);
    await clock.runAll();
    expect(client.lines()).toEqual(['PONG']);
  });

  it('is not taken for dead while nothing is read from it', async () => {
    const limits = { maxFramesPerSecond: 1, maxFrameBurst: 1 };
    const { connect, clock, gateway } = await gateways.open({ timings, limits });
    const client = await connect();
    for (let n = 0; n < 60; n++) client.send(14);
    await clock.runAll();
    await clock.advance(58_000);
    expect(gateway.connections.count).toBe(1);
    await clock.advance(10_000);
    expect(gateway.connections.count).toBe(0);
  });

  it('11: that takes nothing is terminated, also while nothing is read from it', async () => {
    const world = await gateways.open({ timings, limits: { maxOutboxBytes: 200 } });
    world.observed('stalled');
    const client = await world.connect({ subs: [[1, 'order.a']] }, 'ann');
    client.link.pause();
    for (let n = 0; n < 10; n++) await world.publish('order.a', 'x'.repeat(100));
    await world.clock.advance(120_000);
    expect(await client.link.closed).toMatchObject({ code: 1006 });
    expect(world.observed('stalled')).toMatchObject([
      { connection: client.welcome.connection, userId: 'ann', bufferedBytes: expect.any(Number) },
    ]);
    expect(world.gateway.connections.count).toBe(0);
  });
});
