import { type Broker, createGateway, createMemoryBroker, createMemoryRegistry } from '@hexbus/core/gateway';
import { createMemoryTransport, createVirtualClock } from '@hexbus/testkit';
import { describe, expect, it } from 'vitest';
import { type NodeCallHandlers, NodeCalls } from '../../src/gateway/nodes/node-calls.ts';
import { Relays } from '../../src/gateway/nodes/relays.ts';
import { deferred } from '../support/deferred.ts';
import { createStreamTransport } from './support/stream-transport.ts';
import { useGateways, type World } from './support/use-gateways.ts';
import { withMethod } from './support/with-method.ts';

const gateways = useGateways();
const soon = { timeoutMs: 1_000 };

/** Two gateways that share a broker, or what is made of it. */
async function cluster(brokerOf: (broker: Broker) => Broker = (broker) => broker): Promise<readonly [World, World]> {
  const on = await gateways.buses.open();
  const shared = {
    on,
    registry: createMemoryRegistry({ clock: on.clock }),
    broker: brokerOf(createMemoryBroker({ clock: on.clock })),
  };
  return [await gateways.open(shared), await gateways.open(shared)];
}

/** Lets time pass until a promise has settled, and tells how much. */
async function settledAfter<Value>(world: World, promise: Promise<Value>): Promise<readonly [Value, number]> {
  const begun = world.clock.now();
  let isOver = false;
  const over = promise.finally(() => {
    isOver = true;
  });
  await world.clock.runAll();
  while (!isOver) await world.clock.advance(100);
  return [await over, world.clock.now() - begun];
}

describe('what a transport relays to another node', () => {
  it('reaches the transport of its name there, and brings back its answer', async () => {
    const [one, two] = await cluster();
    const texts = ['', 'a "text"\n', '\u2028é'];
    two.streams.host.onRelayed(async (text) => `heard ${text}`);
    const { node } = two.streams.host;
    expect(node).toBe(two.gateway.node);
    const answers = await Promise.all(texts.map((text) => one.streams.host.relay(node, text, soon)));
    expect(answers).toEqual(texts.map((text) => `heard ${text}`));
  });

  it('may come from the node itself', async () => {
    const [one] = await cluster();
    one.streams.host.onRelayed(async (text) => text);
    expect(await one.streams.host.relay(one.gateway.node, 'a', soon)).toBe('a');
  });

  it('is answered by whoever answers last', async () => {
    const [one, two] = await cluster();
    two.streams.host.onRelayed(async () => 'first');
    two.streams.host.onRelayed(async () => 'second');
    expect(await one.streams.host.relay(two.gateway.node, 'a', soon)).toBe('second');
  });

  it('is for the transport in the same place among those of its name', async () => {
    const { bus, clock } = await gateways.buses.open();
    const broker = createMemoryBroker({ clock });
    const nodes = [1, 2].map((node) => {
      const streams = [createStreamTransport(), createStreamTransport()] as const;
      // What else a node has makes no difference.
      const others = node === 1 ? [] : [createMemoryTransport()];
      return { streams, gateway: createGateway(bus, { transports: [...others, ...streams], broker, clock }) };
    });
    for (const { gateway } of nodes) await gateway.open();
    const [one, two] = nodes as [(typeof nodes)[0], (typeof nodes)[0]];
    for (const [place, { host }] of one.streams.entries()) host.onRelayed(async (text) => `${place} heard ${text}`);
    const answers = two.streams.map(({ host }) => host.relay(one.gateway.node, 'a', soon));
    expect(await Promise.all(answers)).toEqual(['0 heard a', '1 heard a']);
    for (const { gateway } of nodes) await gateway.close();
  });

  it('is for the transport of that name alone', async () => {
    const calls = new NodeCalls(createMemoryBroker(), 'here', {} as NodeCallHandlers);
    const relays = new Relays({ calls, clock: createVirtualClock() });
    relays.onRelayed('sse', async () => 'heard');
    expect(await relays.answer('sse', 'a')).toBe('heard');
    await expect(relays.answer('ws', 'a')).rejects.toThrow('ws');
  });

  it.each<readonly [string, (two: World) => void]>([
    ['nobody answers there', () => undefined],
    ['who answers rejects', (two) => two.streams.host.onRelayed(() => Promise.reject(new Error('no')))],
    [
      'who answers throws',
      (two) =>
        two.streams.host.onRelayed(() => {
          throw new Error('no');
        }),
    ],
    ['the answer is no text', (two) => two.streams.host.onRelayed((async () => 7) as never)],
  ])('has no answer at once where %s', async (_, prepare) => {
    const [one, two] = await cluster();
    prepare(two);
    expect(await settledAfter(one, one.streams.host.relay(two.gateway.node, 'a', soon))).toEqual([undefined, 0]);
  });

  it('has no answer at once from a node that is not there, or has closed', async () => {
    const [one, two] = await cluster();
    two.streams.host.onRelayed(async () => 'here');
    expect(await one.streams.host.relay('nowhere', 'a', soon)).toBeUndefined();
    await two.close();
    expect(await one.streams.host.relay(two.gateway.node, 'a', soon)).toBeUndefined();
  });

  it('has no answer when the node closes meanwhile', async () => {
    const [one, two] = await cluster();
    two.streams.host.onRelayed(() => new Promise(() => undefined));
    const relayed = one.streams.host.relay(two.gateway.node, 'a', { timeoutMs: Number.POSITIVE_INFINITY });
    await two.close();
    expect(await relayed).toBeUndefined();
  });

  it('has no answer when none comes in its time, and leaves no timer', async () => {
    const [one, two] = await cluster();
    const answer = deferred<string>();
    two.streams.host.onRelayed(() => answer.promise);
    const before = one.clock.pendingTimers;
    expect(await settledAfter(one, one.streams.host.relay(two.gateway.node, 'a', soon))).toEqual([undefined, 1_000]);
    answer.resolve('late');
    await one.clock.runAll();
    expect(one.clock.pendingTimers).toBe(before);
  });

  it.each<readonly [string, unknown, unknown[]]>([
    ['rejects', () => Promise.reject('broken'), [{ error: 'broken' }]],
    ['answers what is no JSON', async () => ({ status: 'answered', text: '{' }), []],
  ])('has no answer where the broker %s', async (_, request, errors) => {
    const [one, two] = await cluster((broker) => withMethod(broker, 'request', request));
    two.streams.host.onRelayed(async () => 'here');
    expect(await settledAfter(one, one.streams.host.relay(two.gateway.node, 'a', soon))).toEqual([undefined, 0]);
    expect(one.observed('error')).toMatchObject(errors);
  });

  it('is not waited for longer where the broker hangs, neither in its time nor when the gateway closes', async () => {
    const [one, two] = await cluster((broker) => withMethod(broker, 'request', () => new Promise(() => undefined)));
    const { relay } = one.streams.host;
    expect(await settledAfter(one, relay(two.gateway.node, 'a', soon))).toEqual([undefined, 1_000]);
    const endless = [1, 2].map(() => relay(two.gateway.node, 'a', { timeoutMs: Number.POSITIVE_INFINITY }));
    await one.close();
    expect(await Promise.all(endless)).toEqual([undefined, undefined]);
    expect(await relay(two.gateway.node, 'a', soon)).toBeUndefined();
  });
});
