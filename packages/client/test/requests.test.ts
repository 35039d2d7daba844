import { describe, expect, test } from 'vitest';
import { createBench, framesOf, Gate } from './support/bench.ts';

const error = { message: 'because', retryable: false };

describe('a request to the server', () => {
  test.each([
    ['an answer', (id: number) => [8, id, { x: 1 }], { status: 'success', body: { x: 1 } }],
    ['nothing to say', (id: number) => [8, id], { status: 'success', body: null }],
    ...[
      ['no-handler', 'no-handler'],
      ['limit', 'overloaded'],
      ['forbidden', 'remote-error'],
      ['closed', 'disconnected'],
      ['from-the-future', 'remote-error'],
    ].map(
      ([code, told]) =>
        [
          `the error ${code}`,
          (id: number) => [9, id, { ...error, code }],
          { status: 'error', code: told, message: 'because' },
        ] as const,
    ),
    ['that its time is up', (id: number) => [9, id, { ...error, code: 'timeout' }], { status: 'timeout' }],
  ] as const)('comes back with %s', async (_, reply, outcome) => {
    const { client, clock, welcome } = createBench();
    const socket = await welcome();
    const asked = client.request('sum', [1, 2]);
    expect(socket.take().at(-1)).toEqual(['sum', [1, 2], 1]);
    socket.say(reply(1), reply(1));
    await expect(asked).resolves.toEqual(outcome);
    await client.close();
    expect(clock.pendingTimers).toBe(0);
  });

  test('ends by time or by its signal, which the server is told; what comes later changes nothing', async () => {
    const { client, clock, welcome } = createBench();
    const socket = await welcome();
    const controller = new AbortController();
    const slow = client.request('a', null, { timeoutMs: 500 });
    const unwanted = client.request('b', null, { signal: controller.signal });
    controller.abort();
    await expect(unwanted).resolves.toMatchObject({ status: 'error', code: 'cancelled' });
    await clock.advance(500);
    await expect(slow).resolves.toEqual({ status: 'timeout' });
    expect(framesOf(socket, 10)).toEqual([
      [10, 2],
      [10, 1],
    ]);
    socket.say([8, 1, 'late'], [8, 2, 'late']);
    await expect(client.request('c', null, { signal: controller.signal })).resolves.toMatchObject({
      code: 'cancelled',
    });
    await client.close();
  });

  test('is disconnected at once when the connection goes, and when there is none', async () => {
    const { client, welcome } = createBench();
    await expect(client.request('a', null)).resolves.toMatchObject({ status: 'error', code: 'disconnected' });
    const socket = await welcome();
    const asked = client.request('a', null);
    socket.cut();
    await expect(asked).resolves.toMatchObject({ status: 'error', code: 'disconnected' });
    await expect(client.request('a', null)).resolves.toMatchObject({ status: 'error', code: 'disconnected' });
    await client.close();
  });

  test('with a body that cannot be sent rejects, and sends nothing', async () => {
    const { client, welcome } = createBench();
    const socket = await welcome();
    socket.take();
    await expect(client.request('a', 1n)).rejects.toMatchObject({ code: 'HEXBUS_INVALID_BODY' });
    await expect(client.request('a', 'ж'.repeat(33_000))).rejects.toMatchObject({ code: 'HEXBUS_BODY_TOO_LARGE' });
    void client.request('a', 'x'.repeat(65_000));
    expect(socket.take()).toHaveLength(1);
    await client.close();
  });
});

describe('a publish', () => {
  test('resolves with the receipt', async () => {
    const { client, welcome } = createBench();
    const socket = await welcome();
    const receipt = { id: 'i', topic: 'a.b', position: 3, cursor: 'e.3', duplicate: false };
    const published = client.publish('a.b', { x: 1 }, { type: 'T', id: 'i' });
    expect(socket.take().at(-1)).toEqual([18, 1, 'a.b', 'T', { x: 1 }, { id: 'i' }]);
    socket.say([8, 1, receipt]);
    await expect(published).resolves.toEqual(receipt);
    await client.close();
  });

  test('rejects when the server refuses, the answer is missing, or nothing could be sent', async () => {
    const { client, clock, welcome } = createBench({ timings: { requestTimeoutMs: 500 } });
    await expect(client.publish('a', 1)).rejects.toMatchObject({ code: 'HEXBUS_DISCONNECTED', retryable: true });
    const socket = await welcome();
    const refused = client.publish('a', 1);
    socket.say([9, 2, { code: 'overloaded', message: 'later', retryable: true }]);
    await expect(refused).rejects.toMatchObject({ code: 'HEXBUS_REFUSED', retryable: true });
    const unknown = client.publish('a', 1);
    socket.say([9, 3, { code: 'timeout', message: 'nobody knows', retryable: true }]);
    await expect(unknown).rejects.toMatchObject({ code: 'HEXBUS_OUTCOME_UNKNOWN', retryable: true });
    const late = expect(client.publish('a', 1)).rejects.toMatchObject({ code: 'HEXBUS_OUTCOME_UNKNOWN' });
    await clock.advance(500);
    await late;
    const cut = expect(client.publish('a', 1)).rejects.toMatchObject({ code: 'HEXBUS_OUTCOME_UNKNOWN' });
    socket.cut();
    await cut;
    await expect(client.publish('a.*', 1)).rejects.toMatchObject({ code: 'HEXBUS_INVALID_TOPIC' });
    await client.close();
  });
});

describe('a request of the server', () => {
  test('is answered with what its handler returns, or that it failed, without its text', async () => {
    const { client, log, settle, welcome } = createBench();
    client.handle('double', (body) => Number(body) * 2);
    client.handle('nothing', () => undefined);
    client.handle('cycle', () => 1n);
    client.handle('broken', async () => {
      throw new Error('secret');
    });
    client.observe('error', ({ error }) => log.note((error as Error).message));
    const socket = await welcome();
    socket.say(['double', 4, 1, 1_000], ['nothing', null, 2, 1_000], ['broken', null, 3, 1_000]);
    socket.say(['unknown', null, 4, 1_000], ['cycle', null, 5, 1_000], ['double', 4], ['unknown', 4]);
    await settle();
    expect(framesOf(socket, 8)).toEqual([
      [8, 1, 8],
      [8, 2, null],
    ]);
    expect(framesOf(socket, 9)).toEqual([
      [9, 4, { code: 'no-handler', message: 'nothing handles "unknown"', retryable: false }],
      [9, 3, { code: 'remote-error', message: 'the handler failed', retryable: false }],
      [9, 5, { code: 'remote-error', message: 'the handler failed', retryable: false }],
    ]);
    expect(log.take()).toEqual(['the handler of "broken" failed', 'the handler of "cycle" failed']);
    await client.close();
  });

  test.each([
    ['its time is up', (bench: ReturnType<typeof createBench>) => bench.clock.advance(500)],
    ['the server gives up', (bench: ReturnType<typeof createBench>) => bench.network.last.say([10, 1])],
    ['the connection goes', (bench: ReturnType<typeof createBench>) => bench.network.last.cut()],
  ])('is told by its signal that %s, and not answered', async (_, end) => {
    const bench = createBench();
    const gate = new Gate();
    let signal: AbortSignal | undefined;
    bench.client.handle('slow', async (_body, context) => {
      signal = context.signal;
      await gate.promise;
    });
    const socket = await bench.welcome();
    socket.say(['slow', null, 1, 500]);
    await end(bench);
    expect(signal?.aborted).toBe(true);
    gate.open();
    await bench.settle();
    expect(framesOf(socket, 8)).toEqual([]);
    await bench.client.close();
    expect(bench.clock.pendingTimers).toBe(0);
  });

  test('has one handler a name', async () => {
    const { client } = createBench();
    const end = client.handle('a', () => 1);
    expect(() => client.handle('a', () => 2)).toThrow(expect.objectContaining({ code: 'HEXBUS_CONFIG' }));
    end();
    client.handle('a', () => 2);
    end();
    expect(() => client.handle('a', () => 3)).toThrow();
    await client.close();
  });
});
