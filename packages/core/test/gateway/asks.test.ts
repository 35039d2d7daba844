import type { RequestHandler, WireReply } from '@hexbus/core/gateway';
import { describe, expect, it } from 'vitest';
import { type Deferred, deferred } from '../support/deferred.ts';
import type { TestClient } from './support/connect-client.ts';
import { useGateways } from './support/use-gateways.ts';

const gateways = useGateways();

/** Each answer by its id. */
function answersOf(client: TestClient): Map<number, WireReply> {
  return new Map(client.frames().flatMap((frame) => (frame.kind === 'reply' ? [[frame.id, frame.reply]] : [])));
}

/** A handler whose calls wait until the test settles them. */
function waiting(): {
  readonly calls: (Deferred<unknown> & { readonly signal: AbortSignal })[];
  readonly handler: RequestHandler;
} {
  const calls: (Deferred<unknown> & { readonly signal: AbortSignal })[] = [];
  return {
    calls,
    handler(_, { signal }) {
      const call = { ...deferred<unknown>(), signal };
      calls.push(call);
      return call.promise;
    },
  };
}

describe('what a client asks of the server', () => {
  it('is answered by the handler of its name, which knows who asks', async () => {
    const { connect, gateway, clock } = await gateways.open();
    gateway.handle('double', async (body, { connection }) => ({
      twice: Number(body) * 2,
      for: connection.identity.userId,
      at: connection.id,
    }));
    const client = await connect({}, 'ann');
    client.send('double', 4, 1);
    await clock.runAll();
    expect(answersOf(client).get(1)).toEqual({
      ok: true,
      body: { twice: 8, for: 'ann', at: client.welcome.connection },
    });
  });

  it.each([
    [undefined, null],
    [null, null],
    [() => 1, null],
    [false, false],
    [0, 0],
    ['', ''],
  ])('%s is answered as %j', async (returned, body) => {
    const { connect, gateway, clock } = await gateways.open();
    gateway.handle('ask', () => returned);
    const client = await connect();
    client.send('ask', null, 1);
    await clock.runAll();
    expect(answersOf(client).get(1)).toEqual({ ok: true, body });
  });

  it('48: a handler that throws or rejects is told to the observer, not to the client', async () => {
    const world = await gateways.open();
    const { gateway } = world;
    gateway.handle('throws', () => {
      throw new Error('secret /etc/path');
    });
    gateway.handle('rejects', () => Promise.reject(new Error('secret /etc/path')));
    gateway.handle('rejects nothing', () => Promise.reject());
    gateway.handle('fine', () => 'fine');
    const client = await world.connect();
    for (const [index, name] of ['throws', 'rejects', 'rejects nothing', 'fine'].entries())
      client.send(name, 1, index + 1);
    client.send('throws', 'nobody waits');
    await world.clock.runAll();
    const failed = { ok: false, error: { code: 'remote-error', message: 'the handler failed', retryable: false } };
    expect([...answersOf(client)]).toEqual(
      expect.arrayContaining([
        [1, failed],
        [2, failed],
        [3, failed],
        [4, { ok: true, body: 'fine' }],
      ]),
    );
    const errors = world.observed('error');
    expect(errors).toHaveLength(4);
    expect(errors[0]).toMatchObject({ connection: { connection: client.welcome.connection } });
  });

  it('48: an answer that JSON cannot carry is an error of the server, told to both', async () => {
    const world = await gateways.open();
    const cycle: unknown[] = [];
    cycle.push(cycle);
    const answers: Record<string, unknown> = { big: 1n, cycle };
    for (const [name, answer] of Object.entries(answers)) world.gateway.handle(name, () => answer);
    const client = await world.connect();
    client.send('big', null, 1);
    client.send('cycle', null, 2);
    await world.clock.runAll();
    expect(client.lines()).toEqual(['ERROR 1 remote-error', 'ERROR 2 remote-error']);
    expect(world.observed('error')).toHaveLength(2);
    expect(world.gateway.connections.count).toBe(1);
  });

  it('20: without a handler is no-handler, whatever the name', async () => {
    const { connect, gateway, clock } = await gateways.open();
    const end = gateway.handle('gone', () => 1);
    end();
    const client = await connect();
    const names = ['gone', '__proto__', 'constructor', 'toString', 'hasOwnProperty'];
    for (const [index, name] of names.entries()) client.send(name, null, index + 1);
    client.send('nobody waits', null);
    await clock.runAll();
    expect(client.lines()).toEqual(names.map((_, index) => `ERROR ${index + 1} no-handler`));
  });

  it('that is cancelled aborts the signal, and is not answered; its id is free again', async () => {
    const { connect, gateway, clock } = await gateways.open();
    const { calls, handler } = waiting();
    gateway.handle('slow', handler);
    const client = await connect();
    client.send('slow', 'first', 1);
    client.send(10, 1);
    client.send('slow', 'second', 1);
    await clock.runAll();
    expect(calls.map(({ signal }) => signal.aborted)).toEqual([true, false]);
    calls[0]?.resolve('first');
    await clock.runAll();
    expect(client.lines()).toEqual([]);
    calls[1]?.resolve('second');
    await clock.runAll();
    expect(client.lines()).toEqual(['RESULT 1 "second"']);
  });

  it.each([
    ['goes', (client: TestClient) => client.link.reset()],
    ['is closed for a violation', (client: TestClient) => client.send(null)],
  ])('aborts its signal when the client %s', async (_, end) => {
    const { connect, gateway, clock } = await gateways.open();
    const { calls, handler } = waiting();
    gateway.handle('slow', handler);
    const client = await connect();
    client.send('slow', null, 1);
    client.send('slow', 'nobody waits');
    await clock.runAll();
    end(client);
    await clock.runAll();
    expect(calls.map(({ signal }) => signal.aborted)).toEqual([true, true]);
    for (const call of calls) call.resolve('too late');
    await clock.runAll();
    expect(client.lines().filter((line) => line.startsWith('RESULT'))).toEqual([]);
  });

  it('25: under an id that is open ends with 4509', async () => {
    const { connect, gateway } = await gateways.open();
    gateway.handle('slow', () => new Promise(() => {}));
    const client = await connect();
    client.send('slow', null, 7);
    client.send('slow', null, 7);
    expect(await client.link.closed).toMatchObject({ code: 4509 });
  });

  it.each([0, -1, 2 ** 53, '1', 1.5, true])('25: under the id %j ends with 4500', async (id) => {
    const { connect, gateway } = await gateways.open();
    let asked = 0;
    gateway.handle('ask', () => ++asked);
    const client = await connect();
    client.send('ask', null, id);
    expect(await client.link.closed).toMatchObject({ code: 4500 });
    expect(asked).toBe(0);
  });
});

describe('many requests of one client at once', () => {
  it('beyond maxRunningAsks are refused as overloaded, and one that ends makes room', async () => {
    const { connect, gateway, clock } = await gateways.open({ limits: { maxRunningAsks: 2 } });
    const { calls, handler } = waiting();
    gateway.handle('slow', handler);
    const client = await connect();
    for (let id = 1; id <= 3; id++) client.send('slow', id, id);
    client.send(18, 4, 'order.a', null, 'body');
    await clock.runAll();
    expect(calls).toHaveLength(2);
    const refused = { ok: false, error: expect.objectContaining({ code: 'overloaded', retryable: true }) };
    expect([...answersOf(client)]).toEqual([
      [3, refused],
      [4, refused],
    ]);
    calls[1]?.resolve(1);
    await clock.runAll();
    client.send('slow', 3, 3);
    await clock.runAll();
    expect(calls).toHaveLength(3);
    expect(client.lines()).toEqual(['RESULT 2 1']);
  });

  it('of which nobody waits for one drop it beyond the limit, and the observer is told', async () => {
    const world = await gateways.open({ limits: { maxRunningAsks: 1, maxIgnored: 1 } });
    const { calls, handler } = waiting();
    world.gateway.handle('slow', handler);
    world.observed('ignored');
    const client = await world.connect();
    client.send('slow', 1);
    for (let n = 2; n <= 4; n++) client.send('slow', n);
    await world.clock.runAll();
    expect(calls).toHaveLength(1);
    const what = 'a notification slow, as too many requests are running';
    expect(world.observed('ignored')).toMatchObject([{ what }, { what }, { what }]);
    expect(world.gateway.connections.count).toBe(1);
  });

  it('that ask the client back have their answers', async () => {
    const { connect, gateway, clock } = await gateways.open({ limits: { maxRunningAsks: 2 } });
    gateway.handle('slow', (_, { connection }) => gateway.request({ connection: connection.id }, 'back', null));
    const client = await connect();
    client.send('slow', null, 1);
    client.send('slow', null, 2);
    await clock.runAll();
    expect(client.lines()).toEqual(['REQUEST 1 back null', 'REQUEST 2 back null']);
    client.answer(1, 'a');
    client.answer(2, 'b');
    await clock.runAll();
    expect(client.lines()).toEqual([
      'RESULT 1 {"status":"success","body":"a"}',
      'RESULT 2 {"status":"success","body":"b"}',
    ]);
  });

  it('are given up at the limit too', async () => {
    const { connect, gateway, clock } = await gateways.open({ limits: { maxRunningAsks: 1 } });
    const { calls, handler } = waiting();
    gateway.handle('slow', handler);
    const client = await connect();
    client.send('slow', null, 1);
    await clock.runAll();
    client.send(10, 1);
    await clock.runAll();
    expect(calls[0]?.signal.aborted).toBe(true);
  });

  it('another client is not held up', async () => {
    const { connect, gateway, clock } = await gateways.open({ limits: { maxRunningAsks: 1 } });
    gateway.handle('slow', () => new Promise(() => {}));
    gateway.handle('fast', () => 'now');
    const slow = await connect();
    slow.send('slow', null, 1);
    await clock.runAll();
    slow.send('fast', null, 2);
    const other = await connect();
    other.send('fast', null, 2);
    await clock.runAll();
    expect(other.lines()).toEqual(['RESULT 2 "now"']);
    expect(slow.lines()).toEqual(['ERROR 2 overloaded']);
  });
});
