import { describe, expect, it } from 'vitest';
import type { TestClient } from './support/connect-client.ts';
import { useGateways, type World } from './support/use-gateways.ts';

const gateways = useGateways();

/** When each client should come back, counted from the beginning of the drain. */
async function returns(world: World, clients: readonly TestClient[], drainMs: number): Promise<readonly number[]> {
  const at: number[] = [];
  const closing = world.gateway.close();
  const waiting = new Set(clients);
  for (let passedMs = 0; passedMs <= drainMs; passedMs += drainMs / 20) {
    await world.clock.runAll();
    for (const client of waiting) {
      for (const frame of client.frames()) {
        if (frame.kind !== 'bye') continue;
        expect(frame.bye).toMatchObject({ code: 1012, reason: 'the server restarts', reconnect: true });
        at.push(passedMs + frame.bye.afterMs);
        waiting.delete(client);
      }
    }
    await world.clock.advance(drainMs / 20);
  }
  await world.clock.advance(2_000);
  await closing;
  return at;
}

describe('closing a gateway', () => {
  it('46: tells every client once to come back, spread over the window', async () => {
    const drainMs = 4_000;
    const world = await gateways.open({ timings: { drainMs } });
    const clients: TestClient[] = [];
    for (let n = 0; n < 400; n++) clients.push(await world.connect());
    const at = await returns(world, clients, drainMs);
    expect(at).toHaveLength(400);
    const least = Math.min(...at);
    const most = Math.max(...at);
    expect(most - least).toBeGreaterThan(drainMs * 0.9);
    // No tenth of the window gets twice its share.
    for (let from = 0; from < 2 * drainMs; from += drainMs / 10) {
      expect(at.filter((ms) => ms >= from && ms < from + drainMs / 10).length).toBeLessThan(400 / 5);
    }
    for (const { link } of clients) expect(await link.closed).toMatchObject({ code: 1012 });
  });

  it('sends clients away bit by bit, not all at once', async () => {
    const world = await gateways.open({ timings: { drainMs: 2_000 } });
    for (let n = 0; n < 100; n++) await world.connect();
    const counts: number[] = [];
    const closing = world.gateway.close();
    for (let slice = 0; slice < 20; slice++) {
      await world.clock.advance(slice === 0 ? 0 : 100);
      counts.push(world.gateway.connections.count);
    }
    expect(counts).toEqual(Array.from({ length: 20 }, (_, slice) => 95 - slice * 5));
    await world.clock.advance(1_000);
    await closing;
  });

  it('is over as soon as all have gone by themselves', async () => {
    const world = await gateways.open({ timings: { drainMs: 60_000 } });
    const clients = await Promise.all(Array.from({ length: 30 }, () => world.connect()));
    let closed = false;
    const closing = world.gateway.close().then(() => {
      closed = true;
    });
    await world.clock.runAll();
    for (const { link } of clients) link.close(1000);
    await world.clock.advance(3_000);
    expect(closed).toBe(true);
    await closing;
  });

  it('47: still speaks to those who are there', async () => {
    const world = await gateways.open({ timings: { drainMs: 2_000 } });
    world.gateway.handle('ask', () => 'still here');
    const clients: TestClient[] = [];
    for (let n = 0; n < 40; n++) clients.push(await world.connect());
    const closing = world.gateway.close();
    await world.clock.advance(500);
    const [there] = await world.gateway.connections.find();
    const client = clients.find(({ welcome }) => welcome.connection === there?.id);
    if (client === undefined) throw new Error('somebody should still be there');
    const { connection } = client.welcome;
    const { receivers } = await world.gateway.post({ connection }, 'Hello', 1);
    expect(receivers).toBe(1);
    const asked = world.gateway.request({ connection }, 'state', null);
    client.send('ask', null, 1);
    await world.clock.runAll();
    client.answer(1, 'fine');
    expect(await asked).toEqual({ status: 'success', body: 'fine' });
    await world.clock.runAll();
    expect(client.lines()).toEqual([
      expect.stringContaining('Hello 1'),
      'REQUEST 1 state null',
      'RESULT 1 "still here"',
    ]);
    await world.clock.advance(4_000);
    await closing;
    expect(await client.link.closed).toMatchObject({ code: 1012 });
  });

  it('47: ends stragglers that take nothing, and requests that wait', async () => {
    const drainMs = 2_000;
    const world = await gateways.open({ timings: { drainMs } });
    const client = await world.connect();
    const asked = world.gateway.request({ connection: client.welcome.connection }, 'state', null, {
      timeoutMs: Infinity,
    });
    await world.clock.runAll();
    client.link.pause();
    const closing = world.gateway.close();
    await world.clock.advance(drainMs + 1_000);
    await closing;
    expect(await asked).toMatchObject({ code: 'disconnected' });
    expect(await client.link.closed).toMatchObject({ code: 1006 });
    expect(world.transport.count).toBe(0);
    expect(world.clock.pendingTimers).toBe(0);
  });

  it('47: with a window of 0 is done at once', async () => {
    const world = await gateways.open({ timings: { drainMs: 0 } });
    const clients = await Promise.all([world.connect(), world.connect()]);
    const closing = world.gateway.close();
    await world.clock.advance(0);
    await closing;
    for (const { link } of clients) expect(await link.closed).toMatchObject({ code: 1012 });
  });

  it('leaves sessions that can be resumed at the gateway that follows', async () => {
    const resumeKey = 'a key of thirty-two bytes or more';
    const world = await gateways.open({ resumeKey, timings: { drainMs: 0 } });
    const client = await world.connect({ subs: [[1, 'order.a']] });
    await world.close();
    client.lines();
    await world.publish('order.a', 1);
    const next = await gateways.open({ resumeKey, on: world.host });
    const again = await next.connect({ resume: client.resume, subs: [[1, 'order.a', 'covered']] });
    await next.clock.runAll();
    expect(again.welcome.resumed).toBe(true);
    expect(again.lines().join()).toContain('order.a#1 1');
  });
});
