import type { TransportHost } from '@hexbus/core/gateway';
import { createVirtualClock } from '@hexbus/testkit';
import { afterEach, expect, it, vi } from 'vitest';
import { Links } from '../src/links.ts';
import { sseDefaults } from '../src/options.ts';
import { type Cluster, closeAfterEach, type Guest, openSse } from './support/host.ts';
import { postOn } from './support/posts.ts';
import { opened, RawClient } from './support/raw-client.ts';

closeAfterEach();

/** A busy machine takes its time; the default is a second. */
const inTheEnd = { timeout: 60_000 };

/** Nodes that reach each other, until a line is cut. */
class Nodes {
  readonly #answers = new Map<string, (text: string) => Promise<string>>();
  readonly relayed: string[] = [];
  readonly texts: string[] = [];

  join(node: string): Cluster {
    return {
      node,
      onRelayed: (answer) => void this.#answers.set(node, answer),
      relay: async (to, text) => {
        this.relayed.push(to);
        this.texts.push(text);
        return this.#answers
          .get(to)?.(text)
          .catch(() => undefined);
      },
    };
  }

  cut(node: string): void {
    this.#answers.delete(node);
  }

  say(node: string, text: string): void {
    this.#answers.set(node, async () => text);
  }
}

/** A client of one node, whose POSTs reach another. */
async function astray() {
  const nodes = new Nodes();
  const here = await openSse({}, undefined, nodes.join('node_1-X'));
  const there = await openSse({}, undefined, nodes.join('b'));
  const arriving = here.nextGuest();
  const client = await opened(here.port);
  const guest: Guest = await arriving;
  return { nodes, guest, client, link: client.link, port: there.port, home: here.port };
}

afterEach(() => {
  vi.restoreAllMocks();
});

it('a POST that reaches another node is taken where its stream is: in order, once, with the same answers', async () => {
  const { nodes, guest, link, port, home } = await astray();
  expect((await postOn(port, link, 1, 'a\nü')).status).toBe(202);
  expect((await postOn(home, link, 2, 'c')).status).toBe(202);
  expect((await postOn(port, link, 2, 'c')).status).toBe(202);
  expect((await postOn(port, link, 4, 'd')).status).toBe(409);
  expect((await postOn(port, link.replace(/.{32}$/, '0'.repeat(32)), 3, 'd')).status).toBe(403);
  expect(guest.texts).toEqual(['a', 'ü', 'c']);
  expect(new Set(nodes.relayed)).toEqual(new Set(['node_1-X']));
  expect((await postOn(port, link, 3, '', '?close=4321')).status).toBe(202);
  expect(await guest.ended).toBe(4321);
  expect((await postOn(port, link, 4, 'e')).status).toBe(409);
});

it('a relay proves as much as a POST, also one that names another node', async () => {
  let answer: (text: string) => Promise<string> = async () => '';
  const onRelayed = (given: typeof answer): void => {
    answer = given;
  };
  const cluster = { ...new Nodes().join('a'), onRelayed };
  const { port, nextGuest } = await openSse({}, undefined, cluster);
  const arriving = nextGuest();
  const { link, socket } = await opened(port);
  const guest = await arriving;
  const [, id = '', secret = ''] = link.split('.');
  const relay = (node: string, brought: string) =>
    answer(JSON.stringify({ node, id, secret: brought, post: { sequence: 1, texts: ['a'] } }));
  for (const node of ['a', 'A', 'b', '*']) expect(await relay(node, '0'.repeat(32))).toBe('{"status":403}');
  expect(guest.texts).toEqual([]);
  expect(await relay('a', secret)).toBe('{"status":202}');
  expect(guest.texts).toEqual(['a']);
  socket.destroy();
});

it('what a POST must be is checked where it arrives; one that is too large ends its stream elsewhere', async () => {
  const { nodes, guest, link, port } = await astray();
  expect((await postOn(port, link, 1, Buffer.from([0xff]))).status).toBe(400);
  expect(nodes.texts.filter((text) => !text.includes('check'))).toEqual([]);
  expect((await postOn(port, link, 1, 'x'.repeat(65_537))).status).toBe(413);
  expect(await guest.ended).toBe(1009);
});

it('of a key that is not right nothing is read or relayed but the question whether it is; of one that is, that is asked once', async () => {
  const { nodes, guest, link, port } = await astray();
  const question = (key: string): string => {
    const [node, id, secret] = key.split('.');
    return JSON.stringify({ node, id, secret, check: 1 });
  };
  const forged = [link.replace(/.{32}$/, '0'.repeat(32)), link.replace(/\..{32}\./, `.${'0'.repeat(32)}.`)];
  for (const [key = '', status] of [
    [forged[0], 403],
    [forged[1], 409],
  ] as const) {
    const stranger = new RawClient(port);
    stranger.ask({
      method: 'POST',
      headers: {
        'Content-Type': 'application/x-ndjson',
        'Content-Length': '10',
        'Hexbus-Link': key,
        'Hexbus-Sequence': '1',
      },
    });
    expect((await stranger.answer()).status).toBe(status);
    stranger.socket.destroy();
  }
  expect(nodes.texts).toEqual(forged.map(question));
  nodes.texts.length = 0;
  for (const sequence of [1, 2, 3]) expect((await postOn(port, link, sequence, 'a')).status).toBe(202);
  expect(nodes.texts).toHaveLength(4);
  expect(nodes.texts[0]).toBe(question(link));
  expect(guest.texts).toEqual(['a', 'a', 'a']);
});

it('of a POST that comes to another node too early or again the body is not read; how far the last one was, that node knows', async () => {
  const { nodes, guest, link, port, home } = await astray();
  const relayed = async (at: number, sequence: number, status: number): Promise<string[]> => {
    nodes.texts.length = 0;
    const client = new RawClient(at);
    const type = { 'Content-Type': 'application/x-ndjson' };
    const headers = { ...type, 'Content-Length': '10', 'Hexbus-Link': link, 'Hexbus-Sequence': String(sequence) };
    client.ask({
      method: 'POST',
      headers,
      body: status === 202 && sequence > guest.texts.length ? '0123456789' : 'half',
    });
    expect((await client.answer()).status).toBe(status);
    client.socket.destroy();
    return nodes.texts.map((text) =>
      Object.keys(JSON.parse(text) as object)
        .slice(3)
        .join(),
    );
  };
  expect(await relayed(port, 1, 202)).toEqual(['check', 'post']);
  expect(await relayed(port, 1, 202)).toEqual([]);
  expect(await relayed(port, 2, 202)).toEqual(['post']);
  expect(await relayed(home, 3, 202)).toEqual([]);
  expect(await relayed(port, 5, 409)).toEqual(['check']);
  expect(await relayed(port, 3, 202)).toEqual(['check']);
  expect(await relayed(port, 4, 202)).toEqual(['post']);
  expect(guest.texts).toHaveLength(4);
});

it('nothing waits for another node when its client has gone', async () => {
  const silent = { node: 'a', onRelayed: () => {}, relay: () => new Promise<undefined>(() => {}) };
  const links = new Links({ ...silent, ...strict });
  const leaving = new AbortController();
  const key = { node: 'b', id: '0'.repeat(32), secret: '0'.repeat(32) };
  const asked = [links.expects(key, 1, leaving.signal), links.run(key, { tooLong: true }, leaving.signal)];
  leaving.abort();
  expect(await Promise.all([...asked, links.expects(key, 1, leaving.signal)])).toEqual([409, 409, 409]);
});

it('a node that does not answer, or not so that it can be understood, has no link any more', async () => {
  const { nodes, link, port } = await astray();
  for (const answer of ['not JSON', 'null', '7', '{}', '{"status":200}']) {
    nodes.say('node_1-X', answer);
    expect((await postOn(port, link, 1, 'a')).status).toBe(409);
  }
  nodes.cut('node_1-X');
  expect((await postOn(port, link, 1, 'a')).status).toBe(409);
});

it('a POST that waits behind a pause elsewhere is asked for again, until it is taken', async () => {
  const clock = createVirtualClock({ turns: 'real' });
  const nodes = new Nodes();
  const home = nodes.join('a');
  const links = new Links({ ...home, ...strict }, clock);
  const others = new Links({ ...nodes.join('b'), ...strict }, clock);
  let take = (_: boolean): void => {};
  const taken = new Promise<boolean>((resolve) => {
    take = resolve;
  });
  const carrier = {
    gone: new Promise(() => {}),
    receive: (texts: string[]) => (texts.length === 0 ? Promise.resolve(true) : taken),
  };
  const key = links.create();
  links.hold(key, carrier as never, []);
  const patience = new AbortController();
  const doing = others.run(key, { post: { sequence: 1, texts: ['a'] } }, patience.signal);
  for (let count = 1; count <= 3; count++) {
    await vi.waitUntil(() => clock.pendingTimers === 1, inTheEnd);
    await clock.advance(sseDefaults.relayTimeoutMs / 2);
  }
  await vi.waitUntil(() => nodes.relayed.length === 4, inTheEnd);
  const repeat = others.run(key, { post: { sequence: 1, texts: ['a'] } }, patience.signal);
  expect(await doing).toBe(503);
  take(true);
  expect(await repeat).toBe(202);
  expect(clock.pendingTimers).toBe(0);
});

/** Nobody is asked, and nothing fails. */
const strict: Pick<TransportHost, 'admit' | 'error' | 'closed'> = {
  closed: AbortSignal.abort(),
  admit: () => Promise.reject(new Error('nobody should be asked')),
  error: (cause) => {
    throw cause;
  },
};
