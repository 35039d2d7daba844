import { createTopicMatcher } from '@hexbus/core';
import { expect, test } from 'vitest';
import { type BusInternals, busInternals } from '../../src/bus/internals.ts';
import type { FeedStart } from '../../src/bus/log/feed.ts';
import { MergedStream } from '../../src/gateway/stream/merged-stream.ts';
import { SharedTurns } from '../../src/gateway/stream/shared-turns.ts';
import type { StreamSink } from '../../src/gateway/stream/stream-sink.ts';
import { type TestBus, useBuses } from '../support/buses.ts';

const buses = useBuses();

interface Made extends TestBus {
  readonly stream: MergedStream;
  /** What the sink was given, in order. `e`: the epoch. */
  readonly told: string[];
  readonly sink: { hasRoom: boolean };
  /** What is read next is read from the store. */
  forgetTail(): void;
  /** Called when the next page has come and nobody but the feed has seen it. */
  onPage(callback: () => void): void;
  add(id: number, topic: string, start: Partial<FeedStart>): void;
  publish(topic: string, count?: number): Promise<void>;
  take(): Promise<readonly string[]>;
}

async function made(start: Partial<FeedStart> = {}): Promise<Made> {
  const one = await buses.open();
  const { side, topics } = (one.bus as unknown as Record<symbol, BusInternals>)[busInternals]!;
  const { history, tail, writer, names, clock, observers } = side!;
  let hook: (() => void) | undefined;
  const read: typeof history.read = (query) => {
    const page = history.read(query);
    const callback = hook;
    hook = undefined;
    // Behind the feed's own continuation, and before that of whoever awaits the feed.
    if (callback !== undefined) queueMicrotask(() => void page.then(callback));
    return page;
  };
  const watched = { tail, writer, names, clock, observers, history: { ...history, read } };
  const { epoch } = tail;
  const told: string[] = [];
  const note = (text: string): void => void told.push(text.replaceAll(epoch, 'e'));
  const sink = {
    hasRoom: true,
    event: (message) => note(`${message.topic} ${message.position}`),
    eventFor: (message, subs, token) => note(`${message.topic} ${message.position} for ${subs.join()}, ${token}`),
    gap: ({ topics, from, to }, followed) =>
      note(`gap ${topics.join()} ${from}-${to} for ${followed.map(({ id }) => id).join()}`),
    reset: (token, subs) => note(`reset ${subs?.join() ?? 'all'}, ${token}`),
    settled: (token) => note(`settled, ${token}`),
    error: (error) => note(String(error)),
  } satisfies StreamSink;
  const stream = new MergedStream(watched, sink, { epoch, position: 0, ...start }, new SharedTurns(clock));
  const subscriber = { call: () => undefined, push: stream.push.bind(stream) };
  topics.add(['>'], subscriber);
  return {
    ...one,
    stream,
    told,
    sink,
    forgetTail() {
      tail.doubt();
      stream.doubt();
    },
    onPage: (callback) => {
      hook = callback;
    },
    add: (id, topic, at) => stream.add(id, [topic], createTopicMatcher([topic], topics), { epoch, position: 0, ...at }),
    async publish(topic, count = 1) {
      await Promise.all(Array.from({ length: count }, () => one.bus.publish(topic, {})));
    },
    async take() {
      await one.settled();
      return told.splice(0);
    },
  };
}

test('settled subscriptions share one event, and get nothing else', async () => {
  const { add, publish, take } = await made();
  add(1, 'order.*', {});
  add(2, 'order.new', {});
  await publish('order.new');
  await publish('order.old');
  await publish('log.x');
  expect(await take()).toEqual(['order.new 1', 'order.old 2']);
});

test('what they were given stays in memory for one that begins a little earlier: the history is not read for it', async () => {
  const { add, publish, take, probe } = await made();
  add(1, 'order.a', {});
  await publish('order.a', 3000);
  await take();
  const reads = probe.calls.filter((call) => call === 'read').length;
  add(2, 'order.a', { position: 2998 });
  expect(await take()).toEqual([
    'order.a 2999 for 2, e.3000~2:2999',
    'order.a 3000 for 2, e.3000~2:3000',
    'settled, e.3000',
  ]);
  expect(probe.calls.filter((call) => call === 'read')).toHaveLength(reads);
});

test('one that begins earlier is fed for itself until it has met the others', async () => {
  const { add, publish, take, stream } = await made();
  add(1, 'order.a', {});
  await publish('order.a');
  await publish('order.b');
  expect(await take()).toEqual(['order.a 1']);
  add(2, 'order.>', {});
  expect(stream.token).toMatch(/\.2~2:0$/);
  await publish('order.a');
  expect(await take()).toEqual(['order.a 1 for 2, e.2~2:1', 'order.b 2 for 2, e.2~2:2', 'order.a 3']);
});

test('one that begins later gets nothing from before', async () => {
  const { add, publish, take, sink, stream } = await made();
  add(1, 'order.>', {});
  await take();
  sink.hasRoom = false;
  await publish('order.a', 3);
  add(2, 'order.a', { position: 2 });
  expect(stream.token).toMatch(/\.0~2:2$/);
  sink.hasRoom = true;
  stream.wake();
  expect(await take()).toEqual(['order.a 1 for 1, e.1~2:2', 'order.a 2 for 1, e.2', 'order.a 3']);
});

test('without room nothing is given, and all of it later', async () => {
  const { add, publish, take, sink, stream } = await made();
  add(1, 'order.a', {});
  await publish('order.a');
  sink.hasRoom = false;
  await publish('order.a', 2);
  expect(await take()).toEqual(['order.a 1']);
  expect(stream.position.position).toBe(1);
  sink.hasRoom = true;
  stream.wake();
  expect(await take()).toEqual(['order.a 2', 'order.a 3']);
  expect(stream.position.position).toBe(3);
});

test('a stream that slept keeps its place when there is no room for what wakes it', async () => {
  const { add, publish, take, sink, stream } = await made();
  add(1, 'order.a', {});
  await publish('order.b', 5);
  await take();
  expect(stream.position.position).toBe(5);
  sink.hasRoom = false;
  await publish('order.a');
  await take();
  expect(stream.position.position).toBe(5);
});

test('a gap is told even if a subscription is added in the moment in which its page has come', async () => {
  const { add, publish, take, sink, stream, onPage, forgetTail } = await made();
  add(1, 'log.x', {});
  await publish('log.x');
  sink.hasRoom = false;
  await publish('log.x', 5);
  forgetTail();
  expect(await take()).toEqual(['log.x 1']);
  let added = false;
  onPage(() => {
    added = true;
    add(2, 'order.a', { position: 6 });
  });
  sink.hasRoom = true;
  stream.wake();
  const got = await take();
  expect(added).toBe(true);
  expect(got).toEqual([
    'gap log.x 2-3 for 1',
    'log.x 4 for 1, e.4~2:6',
    'log.x 5 for 1, e.5~2:6',
    'log.x 6 for 1, e.6',
    'settled, e.6',
  ]);
});

test('one that meets a stream which knows of losses is told of its own, also with messages read that it has not given', async () => {
  const { add, publish, take } = await made({ position: 1, known: [{ topic: 'log.x', through: 3 }] });
  await publish('log.x', 5);
  add(1, 'log.x', {});
  expect(await take()).toEqual(['log.x 1 for 1, e.1~1:1', 'gap log.x 2-3 for 1', 'log.x 4', 'log.x 5']);
});

test('a reset is told even if a subscription is added in the moment in which it is found out', async () => {
  const { add, publish, take, onPage } = await made({ epoch: 'another', position: 7 });
  await publish('order.a', 2);
  let added = false;
  onPage(() => {
    added = true;
    add(2, 'order.b', { position: 2 });
  });
  add(1, 'order.a', { epoch: 'another', position: 7 });
  const got = await take();
  expect(added).toBe(true);
  expect(got).toEqual(['reset all, e.0', 'order.a 1 for 1, e.1~2:2', 'order.a 2 for 1, e.2', 'settled, e.2']);
});

test('a reset to an epoch that is empty excuses no loss in it', async () => {
  const { add, publish, take, sink, stream, forgetTail } = await made({ epoch: 'another', position: 7 });
  add(1, 'log.x', { epoch: 'another', position: 7 });
  expect(await take()).toEqual(['reset all, e.0']);
  await publish('log.x');
  sink.hasRoom = false;
  await publish('log.x', 5);
  forgetTail();
  await take();
  sink.hasRoom = true;
  stream.wake();
  expect(await take()).toEqual(['gap log.x 2-3 for 1', 'log.x 4', 'log.x 5', 'log.x 6']);
});

test('a start above the head is a reset of that subscription alone, and one that only the store knows is none', async () => {
  const { add, publish, take } = await made();
  await publish('order.a', 2);
  add(1, 'order.a', { position: 2 });
  add(2, 'order.a', { position: 9 });
  const got = await take();
  expect(got[0]).toMatch(/^reset 2, /);
  expect(got.slice(1).map((each) => each.split(',')[0])).toEqual(['order.a 1 for 2', 'order.a 2 for 2', 'settled']);
});

test('where nobody knows that the stream begins, nothing counts as sent before a page was read', async () => {
  const { add, publish, take, stream } = await made({ position: 3 });
  add(1, 'order.a', { position: 3 });
  expect(stream.sent(1)).toBeUndefined();
  expect(await take()).toEqual(['reset all, e.0']);
  await publish('order.a');
  expect(await take()).toEqual(['order.a 1']);
  expect(stream.sent(1)?.position).toBe(1);
});

test('a start of another epoch stands in the token as a position that is none', async () => {
  const { add, stream } = await made();
  add(1, 'order.a', { epoch: 'another', position: 3 });
  expect(stream.token).toMatch(/\.0~1:9007199254740991$/);
  expect(stream.sent(1)).toBeUndefined();
});

test('one that is removed gets nothing any more, and after its end the stream gives nothing', async () => {
  const { add, publish, take, stream } = await made();
  add(1, 'order.a', {});
  add(2, 'order.b', {});
  stream.remove(1);
  expect(stream.has(1)).toBe(false);
  await publish('order.a');
  await publish('order.b');
  expect(await take()).toEqual(['order.b 2']);
  stream.end();
  await publish('order.b');
  expect(await take()).toEqual([]);
});
