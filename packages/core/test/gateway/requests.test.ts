import { closeCodes, type Outcome } from '@hexbus/core/gateway';
import { describe, expect, it } from 'vitest';
import { rejection } from '../support/buses.ts';
import type { TestClient } from './support/connect-client.ts';
import { useGateways, type World } from './support/use-gateways.ts';

const gateways = useGateways();

function ask(
  { gateway }: World,
  { welcome }: TestClient,
  options: { readonly timeoutMs?: number; readonly signal?: AbortSignal } = {},
): Promise<Outcome> {
  return gateway.request({ connection: welcome.connection }, 'state', { page: 3 }, options);
}

/** Each outcome as it stands, `open` while there is none. */
async function ends(asked: readonly Promise<Outcome>[]): Promise<readonly string[]> {
  const open = Promise.resolve('open');
  return Promise.all(asked.map((one) => Promise.race([one.then(nameOf), open.then((text) => text)])));
}

function nameOf(outcome: Outcome): string {
  return outcome.status === 'error' ? outcome.code : outcome.status;
}

describe('a request to a client', () => {
  it('has a name, a body and a time, and succeeds with the answer', async () => {
    const world = await gateways.open();
    world.observed('requested');
    const client = await world.connect();
    const asked = ask(world, client, { timeoutMs: 700 });
    await world.clock.runAll();
    expect(client.frames()).toEqual([{ kind: 'request', name: 'state', body: { page: 3 }, id: 1, timeoutMs: 700 }]);
    client.answer(1, { ok: [true] });
    expect(await asked).toEqual({ status: 'success', body: { ok: [true] } });
    const { connection } = client.welcome;
    expect(world.observed('requested')).toEqual([{ connection, name: 'state', status: 'success' }]);
  });

  it('reaches the live connection of a session, also after it came back', async () => {
    const world = await gateways.open();
    const first = await world.connect();
    first.link.reset();
    await world.clock.runAll();
    const { session } = first.welcome;
    expect(await world.gateway.request({ session }, 'state', null)).toMatchObject({ code: 'not-found' });
    const second = await world.connect({ resume: first.resume });
    const asked = world.gateway.request({ session }, 'state', null);
    await world.clock.runAll();
    second.answer(1, 'here');
    expect(await asked).toEqual({ status: 'success', body: 'here' });
  });

  it('ends as timeout when its time is over, also the default one', async () => {
    const world = await gateways.open({ timings: { requestTimeoutMs: 3_000 } });
    const client = await world.connect();
    const asked = [ask(world, client), ask(world, client, { timeoutMs: 5_000 }), ask(world, client, { timeoutMs: 0 })];
    await world.clock.advance(0);
    expect(await ends(asked)).toEqual(['open', 'open', 'timeout']);
    await world.clock.advance(2_999);
    expect(await ends(asked)).toEqual(['open', 'open', 'timeout']);
    await world.clock.advance(1);
    expect(await ends(asked)).toEqual(['timeout', 'open', 'timeout']);
    await world.clock.advance(2_000);
    expect(await ends(asked)).toEqual(['timeout', 'timeout', 'timeout']);
  });

  it.each([
    ['no-handler', 'no-handler'],
    ['remote-error', 'remote-error'],
    ['overloaded', 'overloaded'],
    ['something new', 'remote-error'],
    ['not-found', 'remote-error'],
    ['disconnected', 'remote-error'],
  ])('that the client answers with the error %s ends as %s', async (code, expected) => {
    const world = await gateways.open();
    const client = await world.connect();
    const asked = ask(world, client);
    await world.clock.runAll();
    client.send(9, 1, { code, message: 'words' });
    expect(await asked).toEqual({ status: 'error', code: expected, message: 'words' });
  });

  it('that is given up tells the client, and its late answer is ignored and counted', async () => {
    const world = await gateways.open();
    world.observed('ignored');
    const client = await world.connect();
    const controller = new AbortController();
    const asked = ask(world, client, { signal: controller.signal });
    await world.clock.runAll();
    controller.abort();
    expect(await asked).toMatchObject({ status: 'error', code: 'cancelled' });
    client.answer(1);
    await world.clock.runAll();
    expect(client.lines()).toEqual(['REQUEST 1 state {"page":3}', 'CANCEL 1']);
    expect(world.observed('ignored')).toMatchObject([{ connection: client.welcome.connection }]);
    expect(await ask(world, client, { signal: controller.signal })).toMatchObject({ code: 'cancelled' });
    await world.clock.runAll();
    expect(client.lines()).toEqual([]);
  });

  it.each([
    ['goes', (client: TestClient) => client.link.reset()],
    ['closes', (client: TestClient) => client.link.close(1000)],
    ['breaks the protocol', (client: TestClient) => client.send(99.5)],
  ])('ends as disconnected at once when the client %s', async (_, end) => {
    const world = await gateways.open();
    const client = await world.connect();
    const asked = [ask(world, client), ask(world, client, { timeoutMs: Infinity })];
    end(client);
    await world.clock.runAll();
    expect(await ends(asked)).toEqual(['disconnected', 'disconnected']);
    expect(await ask(world, client)).toMatchObject({ code: 'not-found' });
  });

  it('reaches the session of a target whose connection is not given', async () => {
    const { connect, gateway, clock } = await gateways.open();
    const client = await connect();
    const { session } = client.welcome;
    const asked = gateway.request({ connection: undefined, session } as never, 'state', 1);
    await clock.runAll();
    client.answer(1, 'here');
    expect(await asked).toEqual({ status: 'success', body: 'here' });
  });

  it('to whom nobody knows is not-found', async () => {
    const world = await gateways.open();
    world.observed('requested');
    expect(await world.gateway.request({ connection: 'nobody' }, 'state', 1)).toMatchObject({ code: 'not-found' });
    expect(await world.gateway.request({ session: 'nobody' }, 'state', 1)).toMatchObject({ code: 'not-found' });
    expect(world.observed('requested')).toEqual([
      { connection: 'nobody', name: 'state', status: 'not-found' },
      { connection: 'nobody', name: 'state', status: 'not-found' },
    ]);
  });

  it('with a body that JSON cannot carry is refused, and leaves nothing', async () => {
    const world = await gateways.open();
    const client = await world.connect();
    const before = world.clock.pendingTimers;
    const target = { connection: client.welcome.connection };
    const cycle: Record<string, unknown> = {};
    cycle['cycle'] = cycle;
    for (const body of [1n, cycle]) {
      expect(await rejection(world.gateway.request(target, 'state', body))).toMatchObject({
        code: 'HEXBUS_INVALID_BODY',
      });
    }
    expect(world.clock.pendingTimers).toBe(before);
    expect(client.lines()).toEqual([]);
  });

  it('27: beyond maxPendingRequests ends as overloaded; the others are not touched', async () => {
    const world = await gateways.open({ limits: { maxPendingRequests: 3 } });
    const client = await world.connect();
    const asked = Array.from({ length: 5 }, () => ask(world, client));
    await world.clock.runAll();
    expect(await ends(asked)).toEqual(['open', 'open', 'open', 'overloaded', 'overloaded']);
    client.answer(2);
    await world.clock.runAll();
    expect(await ends([...asked, ask(world, client)])).toEqual([
      'open',
      'success',
      'open',
      'overloaded',
      'overloaded',
      'open',
    ]);
  });

  it('ends as overloaded while the client takes nothing', async () => {
    const world = await gateways.open({ limits: { maxOutboxBytes: 100 } });
    const client = await world.connect();
    client.link.pause();
    const asked = [];
    for (let n = 0; n < 6; n++) {
      asked.push(ask(world, client));
      await world.clock.runAll();
    }
    const results = await ends(asked);
    expect(results[0]).toBe('open');
    expect(results[5]).toBe('overloaded');
  });
});

describe('answers that settle nothing', () => {
  it('26, P31: of another connection, and of the next incarnation of the session', async () => {
    const world = await gateways.open();
    const ann = await world.connect({}, 'ann');
    const bob = await world.connect({}, 'bob');
    world.observed('ignored');
    const asked = [ask(world, ann)];
    await world.clock.runAll();
    bob.answer(1, 'forged');
    await world.clock.runAll();
    expect(await ends(asked)).toEqual(['open']);
    const again = await world.connect({ resume: ann.resume }, 'ann');
    expect(await ends(asked)).toEqual(['disconnected']);
    asked.push(ask(world, again));
    await world.clock.runAll();
    // The old connection speaks into the void; the new one answers for itself.
    ann.answer(1, 'old');
    await world.clock.runAll();
    expect(await ends(asked)).toEqual(['disconnected', 'open']);
    again.answer(1, 'new');
    expect(await asked[1]).toEqual({ status: 'success', body: 'new' });
    expect(world.observed('ignored').map(({ userId, what }) => `${userId}: ${what}`)).toEqual([
      'bob: a reply that nobody waits for',
    ]);
  });

  it('26: a second one, one after the timeout, one never asked for', async () => {
    const world = await gateways.open();
    world.observed('ignored');
    const client = await world.connect();
    const asked = [ask(world, client), ask(world, client, { timeoutMs: 10 })];
    await world.clock.advance(10);
    client.answer(1, 'first');
    client.answer(1, 'second');
    client.fail(1);
    client.answer(2);
    client.answer(77);
    await world.clock.runAll();
    expect(await Promise.all(asked)).toEqual([{ status: 'success', body: 'first' }, { status: 'timeout' }]);
    expect(world.observed('ignored')).toHaveLength(4);
    expect(world.gateway.connections.count).toBe(1);
  });
});

it('P29, P30: 10,000 requests, however they end, leave no timer', async () => {
  const world = await gateways.open({ limits: { maxPendingRequests: 500, maxIgnored: Infinity } });
  const client = await world.connect();
  const before = world.clock.pendingTimers;
  const counts = new Map<string, number>();
  let id = 0;
  for (let round = 0; round < 20; round++) {
    const asked: Promise<Outcome>[] = [];
    for (let n = 0; n < 500; n++) {
      const signal = n % 50 === 0 ? new AbortController() : undefined;
      asked.push(
        ask(world, client, { timeoutMs: 1_000 + n, ...(signal === undefined ? {} : { signal: signal.signal }) }),
      );
      signal?.abort();
    }
    await world.clock.runAll();
    for (let n = 0; n < 500; n++) {
      id += 1;
      if (n % 3 === 0) client.answer(id, n);
      if (n % 7 === 0) client.fail(id);
    }
    await world.clock.advance(2_000);
    for (const outcome of await Promise.all(asked)) {
      counts.set(nameOf(outcome), (counts.get(nameOf(outcome)) ?? 0) + 1);
    }
    client.frames();
  }
  expect([...counts.values()].reduce((sum, count) => sum + count, 0)).toBe(10_000);
  expect([...counts.keys()].toSorted()).toEqual(['cancelled', 'remote-error', 'success', 'timeout']);
  expect(world.clock.pendingTimers).toBe(before);
});

it('27, P32: 256 requests that are never answered end at once when the server closes', async () => {
  const world = await gateways.open();
  const client = await world.connect();
  const asked = Array.from({ length: 300 }, () => ask(world, client, { timeoutMs: Infinity }));
  await world.clock.runAll();
  await world.gateway.disconnect({ all: true });
  await world.clock.runAll();
  const results = await ends(asked);
  expect(results.filter((name) => name === 'disconnected')).toHaveLength(256);
  expect(results.filter((name) => name === 'overloaded')).toHaveLength(44);
  expect(await client.link.closed).toMatchObject({ code: closeCodes.ended });
});
