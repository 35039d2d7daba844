import type { CancelTimer, Clock } from '@hexbus/core';
import { systemClock } from '@hexbus/core';
import type { Outcome } from '@hexbus/core/gateway';
import { createSeededRandomness } from '@hexbus/testkit';
import { createChaosProxy } from '@hexbus/testkit/chaos';
import { describe, expect, onTestFinished, test } from 'vitest';
import { clientOf, noLimits, openHouse } from './support/house.ts';
import { RawClient } from './support/raw-client.ts';
import { vias } from './support/via.ts';
import { nextTurn, Watch } from './support/watch.ts';

/** The machine's clock, with the timers that have neither run nor been ended. */
class CountedClock implements Clock {
  readonly timers = new Set<object>();

  now(): number {
    return systemClock.now();
  }

  nextTurn(callback: () => void): void {
    systemClock.nextTurn(callback);
  }

  setTimer(callback: () => void, delayMs: number, keepAlive?: boolean): CancelTimer {
    const timer = {};
    this.timers.add(timer);
    const run = (): void => {
      this.timers.delete(timer);
      callback();
    };
    const cancel = systemClock.setTimer(run, delayMs, keepAlive);
    return () => {
      this.timers.delete(timer);
      cancel();
    };
  }
}

const count = 10_000;

function statuses(outcomes: readonly Outcome[]): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const outcome of outcomes) {
    const status = outcome.status === 'error' ? outcome.code : outcome.status;
    found.set(status, (found.get(status) ?? 0) + 1);
  }
  return found;
}

describe.each(vias)('over %s', (via) => {
  test('a request ends as success, with what was thrown, without handler, or by its time', async () => {
    const { gateway, port } = await openHouse();
    const client = clientOf(via, port);
    client.handle('double', (body) => Number(body) * 2);
    client.handle('fail', () => {
      throw new Error('a secret');
    });
    client.handle('hang', () => new Promise(() => undefined));
    gateway.handle('who', (body, { connection }) => [connection.session, body]);
    await client.open();
    const target = { connection: client.connection ?? '' };
    expect(await gateway.request(target, 'double', 21)).toEqual({ status: 'success', body: 42 });
    expect(await gateway.request({ session: client.session ?? '' }, 'double', 4)).toEqual({
      status: 'success',
      body: 8,
    });
    const failed = await gateway.request(target, 'fail', null);
    expect(failed).toMatchObject({ status: 'error', code: 'remote-error' });
    expect(JSON.stringify(failed)).not.toContain('secret');
    expect(await gateway.request(target, 'nothing', null)).toMatchObject({ status: 'error', code: 'no-handler' });
    expect(await gateway.request(target, 'hang', null, { timeoutMs: 20 })).toEqual({ status: 'timeout' });
    expect(await client.request('who', 'I')).toEqual({ status: 'success', body: [client.session, 'I'] });
    expect(await client.request('nothing', null)).toMatchObject({ status: 'error', code: 'no-handler' });
  });

  test('requests of both sides end at once when the connection is cut', async () => {
    const { gateway, port } = await openHouse();
    const proxy = await createChaosProxy({ target: { port }, randomness: createSeededRandomness(1) });
    onTestFinished(() => proxy.close());
    const client = clientOf(via, proxy.port);
    const asked = new Watch();
    let begun = 0;
    const hang = (): Promise<unknown> => {
      begun += 1;
      asked.changed();
      return new Promise(() => undefined);
    };
    client.handle('hang', hang);
    gateway.handle('hang', hang);
    await client.open();
    const target = { connection: client.connection ?? '' };
    const never = { timeoutMs: Number.POSITIVE_INFINITY };
    const ofServer = Array.from({ length: 20 }, () => gateway.request(target, 'hang', null, never));
    const ofClient = Array.from({ length: 20 }, () => client.request('hang', null, never));
    await asked.until(() => begun === 40);
    proxy.cut();
    const outcomes = await Promise.all([...ofServer, ...ofClient]);
    expect(statuses(outcomes)).toEqual(new Map([['disconnected', 40]]));
    expect(await gateway.request(target, 'hang', null)).toMatchObject({ status: 'error', code: 'not-found' });
  });

  test('an answer of another connection, a second answer and a late one change nothing', async () => {
    const { gateway, port } = await openHouse();
    const [asked, stranger] = [new RawClient(via, port), new RawClient(via, port)];
    const { connection } = await asked.enter();
    await stranger.enter();
    const ignored: string[] = [];
    const watch = new Watch();
    gateway.observe('ignored', ({ connection }) => {
      ignored.push(connection);
      watch.changed();
    });
    const outcome = gateway.request({ connection }, 'state', null);
    const [, , id] = await asked.next((frame) => frame[0] === 'state');
    stranger.say([8, id, 'a lie'], [9, id, { code: 'remote-error', message: 'a lie', retryable: false }]);
    await watch.until(() => ignored.length === 2);
    asked.say([8, id, 'the truth'], [8, id, 'again']);
    expect(await outcome).toEqual({ status: 'success', body: 'the truth' });
    await watch.until(() => ignored.length === 3);

    expect(await gateway.request({ connection }, 'slow', null, { timeoutMs: 10 })).toEqual({ status: 'timeout' });
    const [, , late] = await asked.next((frame) => frame[0] === 'slow');
    asked.say([8, late, 'too late']);
    await watch.until(() => ignored.length === 4);
    expect(ignored.at(-1)).toBe(connection);
  });

  test(`${count} requests leave no timer and no entry`, async () => {
    const clock = new CountedClock();
    const clientClock = new CountedClock();
    const limits = { ...noLimits, maxPendingRequests: 200, maxIgnored: Number.POSITIVE_INFINITY };
    const { gateway, port } = await openHouse({ gateway: { clock, limits } });
    const client = clientOf(via, port, { clock: clientClock, timings: { acknowledgeMs: 1 } });
    const hanging: (() => void)[] = [];
    client.handle('echo', (body) => body);
    client.handle('hang', () => new Promise((resolve) => hanging.push(() => resolve(null))));
    gateway.handle('echo', (body) => body);
    await client.open();
    const target = { connection: client.connection ?? '' };
    expect((await gateway.request(target, 'echo', 0)).status).toBe('success');
    const before = { timers: clock.timers.size, clientTimers: clientClock.timers.size };
    const resources = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;

    const outcomes: Outcome[] = [];
    for (let done = 0; done < count; done += 200) {
      const controller = new AbortController();
      const asked = Array.from({ length: 200 }, (_, index) => {
        if (index % 4 === 0) return gateway.request(target, 'echo', index);
        if (index % 4 === 1) return client.request('echo', index);
        if (index % 4 === 2) return gateway.request(target, 'hang', index, { timeoutMs: 1 });
        return gateway.request(target, 'hang', index, { signal: controller.signal });
      });
      controller.abort();
      outcomes.push(...(await Promise.all(asked)));
      for (const end of hanging.splice(0)) end();
    }
    expect(statuses(outcomes)).toEqual(
      new Map([
        ['success', count / 2],
        ['timeout', count / 4],
        ['cancelled', count / 4],
      ]),
    );
    // Whatever is still on its way comes before the answer to this.
    expect((await gateway.request(target, 'echo', 0)).status).toBe('success');
    expect((await client.request('echo', 0)).status).toBe('success');
    await nextTurn();
    expect(clock.timers.size).toBeLessThanOrEqual(before.timers);
    expect(clientClock.timers.size).toBeLessThanOrEqual(before.clientTimers);
    expect(process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length).toBeLessThanOrEqual(resources);
    // Had any entry been left, so many more would be too many at once.
    const full = Array.from({ length: limits.maxPendingRequests }, () => gateway.request(target, 'echo', null));
    expect(statuses(await Promise.all(full))).toEqual(new Map([['success', limits.maxPendingRequests]]));
  });
});
