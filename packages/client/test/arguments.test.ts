import type { Client, ClientOptions, SavedSession } from '@hexbus/client';
import { type From, isHexbusError } from '@hexbus/core';
import { createHexbusV1 } from '@hexbus/core/gateway';
import { describe, expect, test } from 'vitest';
import { createBench, welcome } from './support/bench.ts';

function nested(depth: number): unknown {
  let body: unknown = 1;
  for (let level = 0; level < depth; level++) body = [body];
  return body;
}

const rejected = ['HEXBUS_CONFIG', 'HEXBUS_INVALID_BODY', 'HEXBUS_INVALID_TOPIC', 'HEXBUS_INVALID_CURSOR'];
const long = 'x'.repeat(129);
const nothing = (): void => undefined;
const from = (value: unknown) => (client: Client) => client.subscribe('a', nothing, { from: value as From });

/** What a gateway would hang up at for good. */
function violations(frames: readonly unknown[]): string[] {
  const found: string[] = [];
  const pass = (): void => undefined;
  const session = createHexbusV1().open({
    ...{ hello: pass, subscribe: pass, unsubscribe: pass, acknowledge: pass, ask: pass, publish: pass, reply: pass },
    ...{ cancel: pass, authenticate: pass, ping: pass, ignored: pass },
    violated: (code, reason) => void found.push(`${code} ${reason}`),
  });
  for (const frame of frames) session.receive(JSON.stringify(frame));
  return found;
}

describe('no argument breaks the protocol', () => {
  test.each<[string, (client: Client) => unknown]>([
    ['an empty name', (client) => client.request('', 1)],
    ['a long name', (client) => client.request(long, 1)],
    ['a name that is a number', (client) => client.request(3 as unknown as string, 1)],
    ['a name of two lines', (client) => client.request('a\nb', 1)],
    ['a deep body', (client) => client.request('a', nested(65))],
    ['a time that is none', (client) => client.request('a', 1, { timeoutMs: Number.NaN })],
    ['a negative time', (client) => client.request('a', 1, { timeoutMs: -1 })],
    ['an empty message id', (client) => client.publish('a', 1, { id: '' })],
    ['a type of two lines', (client) => client.publish('a', 1, { type: 'a\nb' })],
    ['a deep message', (client) => client.publish('a', nested(65))],
    ['a long topic', (client) => client.publish('ж'.repeat(129), 1)],
    ['half a character', (client) => client.publish('\ud800', 1)],
    ['a long pattern', (client) => client.subscribe(`${'x'.repeat(257)}.*`, nothing)],
    ['a negative last', from({ last: -1 })],
    ['two starts', from({ last: 1, since: 3 })],
    ['an empty cursor', from({ after: '' })],
    ['a date', from({ since: new Date() })],
    ['a start that is none', from('covered')],
  ])('%s is refused', async (_, call) => {
    const { client, settle, welcome: connect } = createBench();
    const socket = await connect();
    socket.take();
    const error = await (async () => call(client))().then(nothing, (cause: unknown) => cause);
    expect(isHexbusError(error) && error.code).toSatisfy((code: string) => rejected.includes(code));
    await settle();
    expect(socket.take()).toEqual([]);
    await client.close();
  });

  test('what is just allowed is sent', async () => {
    const { client, welcome: connect } = createBench();
    const socket = await connect();
    void client.request('ж'.repeat(64), nested(63), { timeoutMs: Number.POSITIVE_INFINITY });
    client.publish('x'.repeat(256), nested(63), { type: long.slice(1), id: long.slice(1) }).catch(nothing);
    from({ after: `${'e'.repeat(64)}.7`, more: 1 })(client);
    from({ since: -0.5, toJSON: () => 'now' })(client);
    expect(socket.take()).toHaveLength(5);
    expect(violations(socket.sent)).toEqual([]);
    await client.close();
  });

  test('an answer that nests too deeply is none', async () => {
    const { client, settle, welcome: connect } = createBench();
    client.handle('deep', () => nested(65));
    const socket = await connect();
    socket.say(['deep', null, 1, 1_000]);
    await settle();
    expect(socket.take().at(-1)).toMatchObject([9, 1, { code: 'remote-error' }]);
    await client.close();
  });

  test.each([[['']], [['a\tb']], [[long]], [[3]]])('capabilities %j are refused', (capabilities) => {
    const options = { capabilities } as unknown as ClientOptions;
    expect(() => createBench(options)).toThrow(expect.objectContaining({ code: 'HEXBUS_CONFIG' }));
  });

  const saved = { session: 's', secret: 'x', covered: [] };
  test.each<[string, unknown]>([
    ['an empty session', { ...saved, session: '' }],
    ['a secret with a blank', { ...saved, secret: 'x y' }],
    ['an empty token', { ...saved, token: '' }],
    ['nothing covered', { ...saved, covered: undefined }],
    [
      'an id twice',
      {
        ...saved,
        covered: [
          [1, 'a'],
          [1, 'b'],
        ],
      },
    ],
    ['an id without room above', { ...saved, covered: [[Number.MAX_SAFE_INTEGER, 'a']] }],
    ['a topic that is none', { ...saved, covered: [[1, 2]] }],
  ])('a saved session with %s counts as none', async (_, value) => {
    const bench = createBench({ session: { load: () => value as SavedSession, save: nothing } });
    bench.client.subscribe('a', nothing);
    bench.client.subscribe('b', nothing);
    const socket = await bench.welcome();
    expect(socket.sent).toEqual([
      [
        1,
        {
          v: 1,
          subs: [
            [1, 'a'],
            [2, 'b'],
          ],
          caps: [],
        },
      ],
    ]);
    expect(violations(socket.sent)).toEqual([]);
    await bench.client.close();
  });

  test.each([[''], ['x'.repeat(8_193)], ['a\n'], [undefined]])(
    'a credential such as %j could not be had: that is told, and tried again',
    async (bad) => {
      let given = bad;
      const errors: unknown[] = [];
      const { client, clock, network, settle } = createBench({ token: () => given as string });
      client.observe('error', ({ error }) => errors.push(error));
      void client.open();
      await settle();
      expect(network.sockets).toHaveLength(0);
      expect(errors).toMatchObject([{ code: 'HEXBUS_CONFIG' }]);
      given = 'good';
      await clock.advance(1_000);
      network.last.accept();
      network.last.say(welcome());
      given = bad;
      network.last.take();
      network.last.say([12, { inMs: 60_000 }]);
      await settle();
      expect([network.last.take(), errors.length]).toEqual([[], 2]);
      await client.close();
    },
  );
});
