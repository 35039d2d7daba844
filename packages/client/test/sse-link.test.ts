import { createSeededRandomness, createVirtualClock, type VirtualClock } from '@hexbus/testkit';
import { describe, expect, test } from 'vitest';
import type { Link } from '../src/link.ts';
import { openSseLink } from '../src/sse-link.ts';
import { type FakePost, FakeServer, type FakeStream } from './support/fake-fetch.ts';

interface Opening {
  readonly clock: VirtualClock;
  readonly server: FakeServer;
  readonly link: Link;
  /** What the listener was told, as words. */
  readonly told: string[];
}

/** A link whose listener says `hello`, as the client does. */
async function opening(hello: readonly string[] = ['hello'], url = 'http://bus.test/hexbus/sse'): Promise<Opening> {
  const clock = createVirtualClock();
  const server = new FakeServer();
  const told: string[] = [];
  const randomness = createSeededRandomness(1);
  const link = openSseLink(
    { fetch: server.fetch, url, clock, randomness, closeTimeoutMs: 10_000 },
    {
      opened() {
        told.push('opened');
        for (const text of hello) link.send(text, false);
      },
      received: (text) => told.push(text),
      closed: (code, reason, retryAfterMs) => told.push(`closed ${code} ${reason} ${retryAfterMs ?? '-'}`),
    },
  );
  await clock.runAll();
  return { clock, server, link, told };
}

/** One whose stream stands. */
async function opened(maxBodyBytes = 65_536): Promise<Opening & { readonly stream: FakeStream }> {
  const all = await opening();
  const stream = all.server.last.stream();
  stream.open({ link: 'node.id.key', protocol: 'hexbus.v1.json', maxBodyBytes });
  await all.clock.runAll();
  return { ...all, stream };
}

function postsUp({ posts }: FakeServer): readonly FakePost[] {
  return posts.slice(1);
}

function expectNothingLeft({ clock, server }: Opening): void {
  expect(clock).toMatchObject({ pendingTimers: 0, pendingTurns: 0 });
  expect(server.posts[0]?.aborted).toBe(true);
}

describe('opening', () => {
  test('is told at once, and posts what is sent then', async () => {
    const { server, told } = await opening(['hello', 'more']);
    expect(told).toEqual(['opened']);
    expect(server.posts).toHaveLength(1);
    expect(server.last).toMatchObject({
      url: 'http://bus.test/hexbus/sse',
      texts: ['hello', 'more'],
      headers: { 'content-type': 'application/x-ndjson', 'hexbus-protocol': 'hexbus.v1.json' },
    });
  });

  test('frames come whole and in order, wherever the stream is cut', async () => {
    const all = await opened();
    const bytes = new TextEncoder().encode('data: ["ж😀",1]\n\n:\n\nid: e.2\r\ndata: 2\r\n\r\n');
    for (const byte of bytes) all.stream.writeBytes(Uint8Array.of(byte));
    await all.clock.runAll();
    expect(all.told).toEqual(['opened', '["ж😀",1]', '2']);
  });

  test.each<[number, Record<string, string>, number]>([
    [400, {}, 1002],
    [401, {}, 1002],
    [401, { 'hexbus-refused': '1' }, 4501],
    [403, {}, 1002],
    [403, { 'hexbus-refused': '0' }, 1002],
    [403, { 'hexbus-refused': '1' }, 4503],
    [404, { 'hexbus-refused': '1' }, 1002],
    [413, {}, 1009],
    [429, {}, 4104],
    [500, {}, 1006],
    [503, {}, 1013],
  ])('refused with %d and %j ends as a connection does with %d', async (status, headers, code) => {
    const all = await opening();
    all.server.last.answer(status, { ...headers, 'retry-after': '5' });
    await all.clock.runAll();
    expect(all.told).toEqual(['opened', `closed ${code} HTTP status ${status} 5000`]);
    expectNothingLeft(all);
  });

  test.each(['Sat, 21 Nov 2026 10:00:00 GMT', 'Infinity', ''])('%j in Retry-After says nothing', async (retryAfter) => {
    const all = await opening();
    all.server.last.answer(503, { 'retry-after': retryAfter });
    await all.clock.runAll();
    expect(all.told[1]).toBe('closed 1013 HTTP status 503 0');
  });

  test('a server that cannot be reached is a broken link', async () => {
    const all = await opening();
    all.server.last.fail();
    await all.clock.runAll();
    expect(all.told).toEqual(['opened', 'closed 1006  -']);
    expectNothingLeft(all);
  });

  test('a page is no stream', async () => {
    const all = await opening();
    all.server.last.stream('text/html').write('<p>Log in</p>');
    await all.clock.runAll();
    expect(all.told).toEqual(['opened', 'closed 1002 HTTP status 200 0']);
    expectNothingLeft(all);
  });

  test.each([
    ['a frame before its name', 'data: []\n\n'],
    ['no name', 'event: open\ndata: {"maxBodyBytes":5}\n\n'],
    ['a name that is no header', 'event: open\ndata: {"link":"a\\nb","maxBodyBytes":5}\n\n'],
    ['no JSON', 'event: open\ndata: {\n\n'],
    ['two names', 'event: open\ndata: {"link":"a","maxBodyBytes":5}\n\n'.repeat(2)],
  ])('a stream with %s is not of a gateway', async (_, text) => {
    const all = await opening();
    all.server.last.stream().write(text);
    await all.clock.runAll();
    expect(all.told).toEqual(['opened', 'closed 1002 this is no stream of a hexbus gateway -']);
    expectNothingLeft(all);
  });
});

describe('the end of a stream', () => {
  test('is what the server closed with', async () => {
    const all = await opened();
    all.stream.say(1);
    all.stream.close(1012, 'restart');
    all.stream.say(2);
    await all.clock.runAll();
    expect(all.told).toEqual(['opened', '1', 'closed 1012 restart -']);
    expectNothingLeft(all);
  });

  test.each<[string, (stream: FakeStream) => void]>([
    ['that just ends', (stream) => stream.end()],
    ['that breaks', (stream) => stream.fail()],
    ['that closes with nonsense', (stream) => stream.write('event: close\ndata: []\n\n')],
  ])('%s is 1006', async (_, end) => {
    const all = await opened();
    end(all.stream);
    await all.clock.runAll();
    expect(all.told[1]).toMatch(/^closed 1006 /);
    expectNothingLeft(all);
  });
});

describe('sending', () => {
  test('one POST at a time, numbered, with all that was sent in a turn or meanwhile', async () => {
    const { link, server, clock } = await opened();
    link.send('a', false);
    link.send('b', false);
    await clock.runAll();
    link.send('c', false);
    link.send('d', false);
    await clock.runAll();
    expect(postsUp(server).map(({ texts }) => texts)).toEqual([['a', 'b']]);
    server.last.answer(202);
    await clock.runAll();
    expect(postsUp(server).map(({ texts }) => texts)).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ]);
    expect(postsUp(server).map(({ headers }) => headers)).toEqual([
      { 'content-type': 'application/x-ndjson', 'hexbus-link': 'node.id.key', 'hexbus-sequence': '1' },
      { 'content-type': 'application/x-ndjson', 'hexbus-link': 'node.id.key', 'hexbus-sequence': '2' },
    ]);
    server.last.answer(202);
    await clock.runAll();
    expect(postsUp(server)).toHaveLength(2);
  });

  test('what may wait goes with the next text, or after five seconds', async () => {
    const { link, server, clock } = await opened();
    link.send('later', true);
    await clock.advance(4_000);
    link.send('later still', true);
    await clock.advance(999);
    expect(postsUp(server)).toHaveLength(0);
    await clock.advance(1);
    expect(server.last.texts).toEqual(['later', 'later still']);
    link.send('meanwhile', true);
    server.last.answer(202);
    await clock.runAll();
    link.send('now', false);
    await clock.runAll();
    expect(postsUp(server)).toHaveLength(2);
    expect(server.last.texts).toEqual(['meanwhile', 'now']);
    server.last.fail();
    await clock.advance(500);
    server.last.answer(202);
    link.send('behind a repeat', true);
    await clock.advance(5_000);
    expect(server.last.texts).toEqual(['behind a repeat']);
    expect(clock.pendingTimers).toBe(0);
  });

  test('a body holds no more bytes than the server takes, but for a text that is longer', async () => {
    const { link, server, clock } = await opened(10);
    // In UTF-8: 4, 5, then 6, then 11, then 1.
    for (const text of ['жж', 'abcde', 'abcdef', 'abcdefghijk', 'x']) link.send(text, false);
    for (let count = 0; count < 4; count++) {
      await clock.runAll();
      server.last.answer(202);
    }
    await clock.runAll();
    expect(postsUp(server).map(({ texts }) => texts)).toEqual([['жж', 'abcde'], ['abcdef'], ['abcdefghijk'], ['x']]);
  });

  test.each<[string, (post: FakePost) => void]>([
    ['lost', (post) => post.fail()],
    ['200', (post) => post.answer(200)],
    ['400', (post) => post.answer(400)],
    ['408', (post) => post.answer(408)],
    ['429', (post) => post.answer(429)],
    ['502', (post) => post.answer(502)],
  ])('a POST whose answer is %s is made again with its number, after a pause', async (_, answer) => {
    const { link, server, clock, told } = await opened();
    link.send('a', false);
    await clock.runAll();
    answer(server.last);
    link.send('b', false);
    await clock.runAll();
    expect(postsUp(server)).toHaveLength(1);
    await clock.advance(500);
    expect(postsUp(server)).toHaveLength(2);
    expect(server.last).toMatchObject({ texts: ['a'], headers: { 'hexbus-sequence': '1' } });
    server.last.answer(202);
    await clock.runAll();
    expect(server.last).toMatchObject({ texts: ['b'], headers: { 'hexbus-sequence': '2' } });
    expect(told).toEqual(['opened']);
  });

  test('a POST that never gets an answer is given up, and the link with it', async () => {
    const all = await opened();
    all.link.send('a', false);
    await all.clock.runAll();
    for (let count = 0; count < 6; count++) {
      all.server.last.fail();
      await all.clock.advance(8_000);
    }
    expect(postsUp(all.server).map(({ headers }) => headers['hexbus-sequence'])).toEqual(Array(6).fill('1'));
    expect(all.told).toEqual(['opened', 'closed 1006 POST failed: 0 -']);
    expectNothingLeft(all);
  });

  test.each([
    [401, 1006],
    [403, 1006],
    [409, 1006],
    [413, 1009],
  ])('a POST that is refused with %d ends the link with %d', async (status, code) => {
    const all = await opened();
    all.link.send('a', false);
    await all.clock.runAll();
    all.server.last.answer(status);
    await all.clock.advance(1_000);
    expect(postsUp(all.server)).toHaveLength(1);
    expect(all.told).toEqual(['opened', `closed ${code} POST failed: ${status} -`]);
    expectNothingLeft(all);
  });

  test('of a server that closed meanwhile, what it said counts, not that its link is gone', async () => {
    const all = await opened();
    all.link.send('a', false);
    await all.clock.runAll();
    all.server.last.answer(409);
    await all.clock.advance(999);
    all.stream.close(4500, 'malformed');
    await all.clock.runAll();
    expect(all.told).toEqual(['opened', 'closed 4500 malformed -']);
    expectNothingLeft(all);
  });

  test('each POST has a signal of its own, and only what is under way is aborted at the end', async () => {
    const all = await opened();
    for (const text of ['a', 'b', 'c']) {
      all.link.send(text, false);
      await all.clock.runAll();
      if (text !== 'c') all.server.last.answer(202);
      await all.clock.runAll();
    }
    all.stream.close(1012, 'restart');
    await all.clock.runAll();
    expect(all.server.posts.map(({ aborted }) => aborted)).toEqual([true, false, false, true]);
    expect(new Set(all.server.posts.map(({ signal }) => signal)).size).toBe(4);
  });
});

describe('closing', () => {
  test('does not wait for a turn, which a page that goes may not have', async () => {
    const all = await opened();
    all.link.send('last', false);
    all.link.close(1000, '');
    expect(postsUp(all.server)).toMatchObject([{ texts: ['last'], keepalive: true }]);
    await all.clock.runAll();
    all.server.last.answer(202);
    await all.clock.runAll();
    expect(all.told).toEqual(['opened', 'closed 1000  -']);
    expect(postsUp(all.server)).toHaveLength(1);
    expectNothingLeft(all);
  });

  test('sends what waits and the end in one POST, and then lets the stream go', async () => {
    const all = await opened();
    all.link.send('acknowledge', true);
    all.link.close(4101, 'too much waits & more');
    all.link.send('never', false);
    await all.clock.runAll();
    expect(all.server.last).toMatchObject({
      url: 'http://bus.test/hexbus/sse?close=4101&reason=too+much+waits+%26+more',
      texts: ['acknowledge'],
      keepalive: true,
    });
    expect(all.told).toEqual(['opened']);
    all.server.last.answer(202);
    await all.clock.runAll();
    expect(all.told).toEqual(['opened', 'closed 4101 too much waits & more -']);
    expectNothingLeft(all);
  });

  test('waits for the POST that is under way, and goes with the last of what waits', async () => {
    const all = await opened(3);
    for (const text of ['a', 'bbb', 'ccc']) all.link.send(text, false);
    await all.clock.runAll();
    all.link.close(1000, '');
    for (let count = 0; count < 3; count++) {
      all.server.last.answer(202);
      await all.clock.runAll();
    }
    expect(postsUp(all.server).map(({ texts, url }) => [...texts, url.slice(27)])).toEqual([
      ['a', ''],
      ['bbb', ''],
      ['ccc', 'close=1000&reason='],
    ]);
    expect(all.told).toEqual(['opened', 'closed 1000  -']);
    expectNothingLeft(all);
  });

  test('keeps the query of the address', async () => {
    const { server, link, clock } = await opening(['hello'], 'http://bus.test/sse?ticket=t');
    server.last.stream().open();
    await clock.runAll();
    link.close(1000, '');
    await clock.runAll();
    expect(server.last.url).toBe('http://bus.test/sse?ticket=t&close=1000&reason=');
  });

  test('before there is a stream, only leaves', async () => {
    const all = await opening();
    all.link.close(4005, 'no welcome in time');
    expect(all.told).toEqual(['opened']);
    await all.clock.runAll();
    expect(all.told).toEqual(['opened', 'closed 4005 no welcome in time -']);
    expect(all.server.posts).toHaveLength(1);
    expectNothingLeft(all);
  });

  test.each<[string, (all: Opening) => Promise<void> | void]>([
    ['never answers', () => undefined],
    ['does not know the link any more', ({ server }) => server.last.answer(409)],
    [
      'answers nothing well',
      async ({ server, clock }) => {
        for (let count = 0; count < 5; count++) {
          server.last.answer(503);
          await clock.advance(1_000);
        }
      },
    ],
  ])('ends in time with a server that %s', async (_, answer) => {
    const all = await opened();
    all.link.close(1000, '');
    await all.clock.runAll();
    await answer(all);
    await all.clock.advance(10_000);
    expect(all.told).toEqual(['opened', 'closed 1000  -']);
    expectNothingLeft(all);
  });

  test('by both sides at once is told once', async () => {
    const all = await opened();
    all.link.close(1000, '');
    all.stream.close(1012, 'restart');
    await all.clock.advance(20_000);
    all.link.close(1000, '');
    await all.clock.runAll();
    expect(all.told).toEqual(['opened', 'closed 1012 restart -']);
    expectNothingLeft(all);
  });
});
