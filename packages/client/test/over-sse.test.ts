import { expect, test } from 'vitest';
import { createBench, event, framesOf, subscribed, welcome } from './support/bench.ts';
import type { FakePeer } from './support/fake-peer.ts';

const middle = { id: () => '', fraction: () => 0.5 };

/** A client over SSE that was welcomed. */
async function connected(): Promise<ReturnType<typeof createBench> & { readonly peer: FakePeer }> {
  const bench = createBench({ transport: 'sse', randomness: middle });
  bench.client.subscribe('a', () => undefined);
  void bench.client.open();
  await bench.settle();
  const [peer] = bench.network.peers as [FakePeer];
  peer.accept();
  peer.say(welcome(), subscribed(1, 0));
  await bench.settle();
  return { ...bench, peer };
}

test('HELLO opens the stream, and the welcome is the answer', async () => {
  const { client, peer } = await connected();
  expect(peer.protocols).toEqual(['hexbus.v1.json']);
  expect(peer.sent).toEqual([[1, { v: 1, subs: [[1, 'a']], caps: [] }]]);
  expect(client).toMatchObject({ state: 'open', connected: true });
  await client.close();
  expect(peer.closedWith).toEqual({ code: 1000, reason: '' });
});

test('acknowledgements wait for company, at most five seconds longer than over WebSocket', async () => {
  const { client, clock, peer } = await connected();
  peer.say(event(1, 'a'));
  await clock.advance(5_999);
  expect(framesOf(peer, 6)).toEqual([]);
  await clock.advance(1);
  expect(framesOf(peer, 6)).toEqual([[6, 'e.1']]);
  peer.say(event(2, 'a'));
  await clock.advance(1_000);
  peer.say([14, 'e.2']);
  await clock.advance(0);
  expect(peer.take().slice(-2)).toEqual([[6, 'e.2'], [15]]);
  await client.close();
});

test('what was handled last is acknowledged at close', async () => {
  const { client, peer, settle } = await connected();
  peer.say(event(1, 'a'));
  await settle();
  await client.close();
  expect(framesOf(peer, 6)).toEqual([[6, 'e.1']]);
});

test('a server that asks to be left alone is, and then for a random time longer', async () => {
  const bench = createBench({ transport: 'sse', randomness: middle, fetch: async () => refusal });
  const refusal = new Response(null, { status: 503, headers: { 'retry-after': '7' } });
  const pauses: unknown[] = [];
  bench.client.observe('state', ({ code, retryMs }) => pauses.push([code, retryMs]));
  const opened = bench.client.open();
  await bench.settle();
  expect(pauses.slice(1)).toEqual([[1013, 7_500]]);
  await bench.client.close();
  await expect(opened).rejects.toMatchObject({ code: 'HEXBUS_CLOSED' });
});

test('a server that is silent for too long is left, and told so', async () => {
  const { client, clock, peer, network } = await connected();
  await clock.advance(55_000);
  expect(peer.closedWith?.code).toBe(4000);
  await clock.advance(1_000);
  expect(network.peers).toHaveLength(2);
  await client.close();
  expect(clock).toMatchObject({ pendingTimers: 0, pendingTurns: 0 });
});

test('a client that closes in the turn in which it publishes says both without another', async () => {
  const { client, clock, peer } = await connected();
  const published = expect(client.publish('a', 'last')).rejects.toMatchObject({ code: 'HEXBUS_OUTCOME_UNKNOWN' });
  void client.close();
  await expect.poll(() => peer.closedWith).toEqual({ code: 1000, reason: '' });
  expect(framesOf(peer, 18)).toEqual([[18, 2, 'a', null, 'last', {}]]);
  await published;
  await clock.runAll();
  expect(clock).toMatchObject({ pendingTimers: 0, pendingTurns: 0 });
});
