import type { SavedSession } from '@hexbus/client';
import { describe, expect, test } from 'vitest';
import { comeBack, createBench, event, framesOf, Gate, session, subscribed, welcome } from './support/bench.ts';

describe('a saved session', () => {
  test('is saved at each welcome, with what was handled, and at close', async () => {
    const saved: (SavedSession | undefined)[] = [];
    const {
      client,
      clock,
      settle,
      welcome: connect,
    } = createBench({
      session: { load: () => undefined, save: (value) => void saved.push(value) },
    });
    client.subscribe('a.*', () => undefined);
    const socket = await connect();
    expect(saved).toEqual([{ ...session, token: 'e.0', covered: [] }]);
    socket.say(subscribed(1, 0), event(1, 'a.b'));
    await clock.advance(1_000);
    expect(saved.at(-1)).toEqual({ ...session, token: 'e.1', covered: [[1, 'a.*']] });
    socket.say(event(2, 'a.b'));
    await settle();
    await client.close();
    expect(saved.at(-1)).toEqual({ ...session, token: 'e.2', covered: [[1, 'a.*']] });
  });

  test('lets another client go on, under the ids of its subscriptions', async () => {
    const saved: SavedSession = {
      ...session,
      token: 'e.5;7.3',
      covered: [
        [7, 'a'],
        [3, 'gone'],
      ],
    };
    const bench = createBench({ session: { load: () => saved, save: () => undefined } });
    bench.client.subscribe('b', () => undefined);
    bench.client.subscribe('a', () => undefined);
    bench.client.subscribe('a', () => undefined);
    const socket = await bench.welcome({ resumed: true });
    bench.client.subscribe('gone', () => undefined);
    expect(socket.take()).toEqual([
      [
        1,
        {
          v: 1,
          resume: { ...session, token: 'e.5;7.3' },
          subs: [
            [8, 'b'],
            [7, 'a', 'covered'],
            [9, 'a'],
          ],
          caps: [],
        },
      ],
      [3, 10, 'gone'],
    ]);
    await bench.client.close();
  });

  test('is not spent on a subscription that is refused for its arguments', async () => {
    const saved: SavedSession = { ...session, token: 'e.5', covered: [[7, 'a']] };
    const bench = createBench({ session: { load: () => saved, save: () => undefined } });
    const subscribe = (after: string) => bench.client.subscribe('a', () => undefined, { from: { after } });
    expect(() => subscribe('bad')).toThrow();
    subscribe('e.4');
    const socket = await bench.welcome({ resumed: true });
    expect(socket.sent).toMatchObject([[1, { subs: [[7, 'a', 'covered']] }]]);
    await bench.client.close();
  });

  test('stays what it was until everything that it covers was answered, or has ended', async () => {
    const covered = [
      [1, 'a'],
      [2, 'b'],
    ] as const;
    let saved: SavedSession | undefined = { ...session, token: 'e.1', covered };
    const bench = createBench({ session: { load: () => saved, save: (value) => (saved = value) } });
    bench.client.subscribe('a', () => undefined);
    const second = bench.client.subscribe('b', () => undefined);
    const socket = await bench.welcome({ resumed: true });
    socket.say(subscribed(1, 1), event(2, 'a'));
    await bench.clock.advance(1_000);
    expect(framesOf(socket, 6)).toEqual([[6, 'e.2']]);
    expect(saved).toEqual({ ...session, token: 'e.1', covered });
    expect(await comeBack(bench)).toMatchObject({
      resume: { token: 'e.1' },
      subs: [
        [1, 'a', 'covered'],
        [2, 'b', 'covered'],
      ],
    });
    bench.network.last.say(welcome({ resumed: true }), subscribed(1, 1), event(2, 'a'), event(3, 'a'));
    second.unsubscribe();
    await bench.settle();
    await bench.client.close();
    expect(saved).toEqual({ ...session, token: 'e.3', covered: [[1, 'a']] });
  });

  test('that another client takes before its subscriptions are answered leaves them their place', async () => {
    let saved: SavedSession | undefined = { ...session, token: 'e.5;7:3', covered: [[7, 'a']] };
    const bench = createBench({ session: { load: () => saved, save: (value) => (saved = value) } });
    bench.client.subscribe('a', () => undefined);
    const socket = await bench.welcome({ resumed: true, token: 'e.5;7:3' });
    socket.cut(4510);
    await bench.clock.advance(1_000);
    bench.network.last.accept();
    expect(bench.network.last.sent).toEqual([
      [1, { v: 1, lastToken: 'e.5;7:3', subs: [[7, 'a', 'covered']], caps: [] }],
    ]);
    bench.network.last.say(welcome({ session: 'urn:s2', token: 'e.5;7:3' }));
    expect(saved).toEqual({ ...session, session: 'urn:s2', token: 'e.5;7:3', covered: [[7, 'a']] });
    await bench.client.close();
  });

  test('has lost the place of a subscription as soon as it ends, so that no other of the topic takes it', async () => {
    let saved: SavedSession | undefined;
    const bench = createBench({ session: { load: () => undefined, save: (value) => (saved = value) } });
    const first = bench.client.subscribe('a', () => undefined);
    const socket = await bench.welcome();
    bench.client.subscribe('a', () => undefined, { from: 'earliest' });
    socket.say(subscribed(1, 0), event(1, 'a'));
    await bench.clock.advance(1_000);
    expect(saved?.covered).toEqual([[1, 'a']]);
    first.unsubscribe();
    expect(saved?.covered).toEqual([]);
    await bench.client.close();
  });

  test('keeps the place of a subscription that is refused for now', async () => {
    const saved: SavedSession = { ...session, token: 'e.5', covered: [[7, 'a']] };
    const bench = createBench({ session: { load: () => saved, save: () => undefined } });
    bench.client.subscribe('a', () => undefined);
    const socket = await bench.welcome({ resumed: true, token: 'e.5' });
    socket.say([9, 7, { code: 'remote-error', message: 'later', retryable: true }], [14, 'e.9']);
    await bench.clock.advance(1_000);
    expect(framesOf(socket, 3)).toEqual([[3, 7, 'a', 'covered']]);
    await bench.client.close();
  });

  test('is left alone after close, whatever ends later', async () => {
    const saved: unknown[] = [];
    const bench = createBench({ session: { load: () => undefined, save: (value) => void saved.push(value) } });
    const gate = new Gate();
    const left = bench.client.subscribe('a', () => gate.promise);
    const socket = await bench.welcome();
    socket.say(subscribed(1, 0), event(1, 'a'));
    await bench.settle();
    left.unsubscribe();
    await bench.client.close();
    const { length } = saved;
    gate.open();
    await bench.clock.advance(60_000);
    expect(saved).toHaveLength(length);
    expect(bench.clock.pendingTimers).toBe(0);
  });

  test('is forgotten when the server has ended it', async () => {
    const saved: (SavedSession | undefined)[] = [];
    const {
      client,
      settle,
      welcome: connect,
    } = createBench({
      session: { load: () => undefined, save: (value) => void saved.push(value) },
    });
    const socket = await connect();
    socket.cut(4503);
    await settle();
    expect(saved.at(-1)).toBeUndefined();
    expect(client.session).toBeUndefined();
  });

  test.each([[null], ['text'], [{}], [{ session: 1, secret: 'x' }], [{ session: 'urn:s1' }]])(
    'that is none (%j) is passed over',
    async (value) => {
      const load = (): SavedSession => value as unknown as SavedSession;
      const bench = createBench({ session: { load, save: () => undefined } });
      const socket = await bench.welcome();
      expect(socket.sent).toEqual([[1, { v: 1, subs: [], caps: [] }]]);
      await bench.client.close();
    },
  );

  test('whose store throws is told, and not needed', async () => {
    const errors: unknown[] = [];
    const broken = (): never => {
      throw new Error('quota');
    };
    const bench = createBench({ session: { load: broken, save: broken } });
    bench.client.observe('error', ({ error }) => errors.push((error as Error).cause));
    await bench.welcome();
    expect(bench.client.connected).toBe(true);
    expect(errors).toEqual([new Error('quota'), new Error('quota')]);
    await bench.client.close();
  });
});
