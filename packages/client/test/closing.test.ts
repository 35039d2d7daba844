import { createBus, createMessageBridge } from '@hexbus/core';
import { createMemoryHistory } from '@hexbus/store-memory';
import { describe, expect, test } from 'vitest';
import { createBench, event, framesOf, Gate, subscribed } from './support/bench.ts';

describe('close', () => {
  test('waits for the running call, starts none, acknowledges what was handled, and leaves nothing behind', async () => {
    const { client, clock, log, network, settle, welcome } = createBench();
    const gate = new Gate();
    const subscription = client.subscribe(
      'a',
      log.handler('a', () => gate.promise),
    );
    client.on('T', log.handler('inbox'));
    client.observe('state', ({ state, connected }) => log.note(`${state} ${connected}`));
    const socket = await welcome();
    log.take();
    socket.say(subscribed(1, 0), event(1, 'a'), event(2, 'a'));
    const pending = client.request('x', null);
    await settle();
    const closed = client.close();
    expect(client.close()).toBe(closed);
    socket.say(event(3, '@all', 3, 'T'), event(4, 'a'));
    await settle();
    expect([client.state, socket.closedWith]).toEqual(['closing', undefined]);
    gate.open();
    await closed;
    await subscription.done;
    expect(log.take()).toEqual(['a: a#1 1', 'closing true', 'closed false']);
    expect(framesOf(socket, 6)).toEqual([[6, 'e.1']]);
    expect(socket.closedWith?.code).toBe(1000);
    expect(subscription.state).toBe('ended');
    await expect(pending).resolves.toMatchObject({ code: 'disconnected' });
    expect(clock).toMatchObject({ pendingTimers: 0, pendingTurns: 0 });
    await clock.advance(600_000);
    expect(network.sockets).toHaveLength(1);
  });

  test('acknowledges nothing that came too late to be handled', async () => {
    const { client, clock, settle, welcome } = createBench();
    const gate = new Gate();
    client.subscribe('a', () => gate.promise);
    const socket = await welcome();
    socket.say(subscribed(1, 0), event(1, 'a'));
    await settle();
    const closed = client.close();
    socket.say(event(2, 'a'), event(3, '@all', 3, 'T'));
    gate.open();
    await closed;
    expect(framesOf(socket, 6)).toEqual([[6, 'e.1']]);
    expect(clock.pendingTimers).toBe(0);
  });

  test('keeps what lost its handler in the same turn for the next client', async () => {
    const { client, settle, welcome } = createBench();
    let refused = 0;
    const handler = (): never => {
      refused += 1;
      throw new Error('not now');
    };
    const stop = client.on('T', handler, { maxTries: Number.POSITIVE_INFINITY });
    const socket = await welcome();
    socket.say(event(1, '@all', 1, 'T'), event(2, '@all', 2, 'T'), event(3, '@all', 3, 'other'));
    await settle();
    stop();
    for (let microtasks = 0; microtasks < 100; microtasks++) await undefined;
    const closed = client.close();
    await settle();
    await closed;
    expect(refused).toBe(1);
    expect(framesOf(socket, 6)).toEqual([[6, 'e.0']]);
  });

  test('by await using, behind its bridge, loses nothing that the bridge had not saved', async () => {
    const bench = createBench();
    const { clock, settle, welcome } = bench;
    const [gate, leaving] = [new Gate(), new Gate()];
    const topics = { step: { retain: 'until-handled' } } as const;
    const page = async (): Promise<void> => {
      await using bus = createBus({ history: createMemoryHistory(), topics, clock });
      await using client = bench.client;
      const messages = [
        { type: 'Step', topic: 'step', saveHistory: true },
        { type: 'Typing', topic: 'typing' },
      ];
      await using bridge = createMessageBridge(bus, { source: client, messages });
      bus.on('typing', () => gate.promise);
      await bus.open();
      await bridge.open();
      const socket = await welcome();
      socket.say(event(1, '@all', 1, 'Step'), event(2, '@all', 2, 'Typing'));
      await settle();
      leaving.open();
    };
    const over = page();
    await leaving.promise;
    const socket = bench.network.last;
    for (const position of [3, 4]) socket.say(event(position, '@all', position, 'Step'));
    await settle();
    gate.open();
    await settle();
    await over;
    expect(framesOf(socket, 6)).toEqual([[6, 'e.2']]);
  });

  test('waits for a running request handler, whose answer is sent', async () => {
    const { client, settle, welcome } = createBench();
    const gate = new Gate();
    const aborted: boolean[] = [];
    client.handle('save', async (_, { signal }) => {
      await gate.promise;
      aborted.push(signal.aborted);
      return 'saved';
    });
    const socket = await welcome();
    socket.say(['save', null, 1, 60_000]);
    await settle();
    const closed = client.close();
    await settle();
    expect(client.state).toBe('closing');
    gate.open();
    await closed;
    expect([aborted, framesOf(socket, 8)]).toEqual([[false], [[8, 1, 'saved']]]);
  });

  test('starts no request handler any more', async () => {
    const { client, log, settle, welcome } = createBench();
    const gate = new Gate();
    client.subscribe('a', () => gate.promise);
    client.handle('save', () => log.note('saved'));
    const socket = await welcome();
    socket.say(subscribed(1, 0), event(1, 'a'));
    await settle();
    const closed = client.close();
    socket.say(['save', null, 1, 60_000], ['save', null]);
    await settle();
    gate.open();
    await closed;
    expect(log.take()).toEqual([]);
    expect(framesOf(socket, 9)).toMatchObject([[9, 1, { code: 'no-handler' }]]);
  });

  test('waits for a handler that hangs no longer than closeTimeoutMs, and may be called inside one', async () => {
    const { client, clock, log, welcome } = createBench({ timings: { closeTimeoutMs: 3_000 } });
    client.subscribe('a', async (_message, { signal }) => {
      signal.addEventListener('abort', () => log.note('aborted'));
      await client.close();
      log.note('unexpected: the handler waited for itself and went on before close');
    });
    const socket = await welcome();
    socket.say(subscribed(1, 0), event(1, 'a'));
    await clock.advance(2_999);
    expect([client.state, log.take()]).toEqual(['closing', ['aborted']]);
    await clock.advance(1);
    expect([client.state, framesOf(socket, 6)]).toEqual(['closed', [[6, 'e.0']]]);
    expect(clock.pendingTimers).toBe(0);
  });

  test.each(['by the program', 'for good by the server'])(
    'ends once where a handler calls it as it learns of the end, %s',
    async (how) => {
      const { client, clock, log, settle, welcome } = createBench({ timings: { closeTimeoutMs: 3_000 } });
      const closed = new Set<Promise<void>>();
      const gate = new Gate();
      client.subscribe('a', (_message, { signal }) => {
        signal.addEventListener('abort', () => void closed.add(client.close()));
        return gate.promise;
      });
      const socket = await welcome();
      client.observe('state', ({ state }) => log.note(state));
      socket.say(subscribed(1, 0), event(1, 'a'));
      await settle();
      if (how === 'by the program') void client.close();
      else socket.cut(4501);
      await settle();
      gate.open();
      await client.close();
      expect(closed.add(client.close()).size).toBe(1);
      expect(log.take()).toEqual(['closing', 'closed']);
      await clock.advance(10_000);
      expect(clock.pendingTimers).toBe(0);
    },
  );

  test('ends a client that waits to reconnect, is connecting, or was never opened', async () => {
    const waiting = createBench();
    (await waiting.welcome()).cut();
    const connecting = createBench();
    const opened = connecting.client.open();
    await connecting.settle();
    const idle = createBench();
    for (const { client, clock } of [waiting, connecting, idle]) {
      await client[Symbol.asyncDispose]();
      expect(client.state).toBe('closed');
      expect(clock.pendingTimers).toBe(0);
    }
    await expect(opened).rejects.toMatchObject({ code: 'HEXBUS_CLOSED' });
    await expect(idle.client.open()).rejects.toMatchObject({ code: 'HEXBUS_CLOSED' });
    expect(connecting.network.last.closedWith?.code).toBe(1000);
  });

  test('opens no socket when the credential comes after it, or does not', async () => {
    for (const end of ['open', 'fail'] as const) {
      const gate = new Gate();
      const { client, clock, network } = createBench({ token: () => gate.promise.then(() => 'late') });
      void client.open();
      await client.close();
      if (end === 'open') gate.open();
      else gate.fail(new Error('too late'));
      await clock.advance(60_000);
      expect([network.sockets.length, clock.pendingTimers]).toEqual([0, 0]);
    }
  });

  test('does not come back when the connection goes meanwhile', async () => {
    const { client, clock, network, settle, welcome } = createBench();
    const gate = new Gate();
    client.subscribe('a', () => gate.promise);
    const socket = await welcome();
    socket.say(subscribed(1, 0), event(1, 'a'));
    await settle();
    const closed = client.close();
    socket.cut();
    await clock.advance(5_000);
    gate.open();
    await closed;
    expect([network.sockets.length, clock.pendingTimers]).toEqual([1, 0]);
  });

  test.each(['error', 'state'] as const)('may be called by an observer of %s that is told of the end', async (name) => {
    const { client, log, network, settle } = createBench();
    const subscription = client.subscribe('a', () => undefined);
    const closed = new Set<Promise<void>>();
    client.observe('state', ({ state }) => log.note(state));
    const opened = expect(client.open()).rejects.toMatchObject({ code: 'HEXBUS_REFUSED' });
    await settle();
    client.observe(name, () => void closed.add(client.close()));
    network.last.accept();
    network.last.cut(4501);
    await opened;
    await client.close();
    expect([...closed.add(client.close())]).toHaveLength(1);
    expect(log.take()).toEqual(['opening', 'closing', 'closed']);
    expect(subscription).toMatchObject({ state: 'failed', error: { code: 'HEXBUS_REFUSED' } });
  });

  test('makes the verbs refuse', async () => {
    const { client } = createBench();
    await client.close();
    const closed = expect.objectContaining({ code: 'HEXBUS_CLOSED' });
    expect(() => client.subscribe('a', () => undefined)).toThrow(closed);
    expect(() => client.on('a', () => undefined)).toThrow(closed);
    expect(() => client.handle('a', () => undefined)).toThrow(closed);
    await expect(client.publish('a', 1)).rejects.toEqual(closed);
    await expect(client.request('a', 1)).resolves.toMatchObject({ status: 'error', code: 'disconnected' });
  });
});

test('what observers throw disturbs nothing, and is told once', async () => {
  const { client, log, settle, welcome } = createBench();
  client.observe('state', () => {
    throw new Error('broken');
  });
  client.observe('state', async () => {
    throw new Error('broken');
  });
  const end = client.observe('error', ({ error }) => {
    log.note((error as Error).message);
    throw new Error('broken too');
  });
  const socket = await welcome();
  await settle();
  expect(client.connected).toBe(true);
  expect(new Set(log.take())).toEqual(new Set(['an observer of state threw']));
  end();
  socket.cut();
  expect(log.take()).toEqual([]);
  await client.close();
});
