import { describe, expect, it } from 'vitest';
import { nothingLeft, useGateways } from './support/use-gateways.ts';

const gateways = useGateways();

describe('T22: too many subscriptions', () => {
  it('are refused past the limit, and free it when they end', async () => {
    const { connect, clock, publish } = await gateways.open();
    const client = await connect();
    for (let id = 1; id <= 1_000; id++) {
      client.subscribe(id, `order.n${id}`);
      // The rate of frames is another limit.
      await clock.advance(20);
    }
    const lines = client.lines().filter((line) => line !== 'PING');
    expect(lines.filter((line) => line.startsWith('RESULT'))).toHaveLength(128);
    expect(lines.slice(128)).toEqual(Array.from({ length: 872 }, (_, index) => `ERROR ${index + 129} limit`));
    for (let turn = 0; turn < 200; turn++) {
      client.unsubscribe(turn === 0 ? 7 : 2_000);
      client.subscribe(2_000, 'order.again');
      await clock.advance(40);
    }
    client.subscribe(3_000, 'order.more');
    await clock.runAll();
    expect(client.lines().at(-1)).toBe('ERROR 3000 limit');
    await publish('order.again', 1);
    await publish('order.n7', 2);
    await publish('order.n128', 3);
    expect(client.lines()).toEqual(['order.again#1 1', 'order.n128#3 3']);
  });

  it('of the same topic are many, up to the limit, and one frame each message', async () => {
    const { connect, publish, clock, left } = await gateways.open({ limits: { maxFrameBurst: 10_000 } });
    const subs = Array.from({ length: 1_000 }, (_, index) => [index + 1, 'order.a'] as const);
    const client = await connect({ subs });
    expect(client.lines().filter((line) => line.startsWith('ERROR'))).toHaveLength(872);
    await publish('order.a', 1);
    expect(client.lines()).toEqual(['order.a#1 1']);
    for (let id = 1; id <= 128; id++) client.unsubscribe(id);
    await clock.runAll();
    await publish('order.a', 2);
    expect(client.lines()).toEqual([]);
    client.subscribe(1, 'order.a');
    await clock.runAll();
    expect(client.lines()).toEqual(['RESULT 1 2 of 2']);
    client.link.close(1000);
    await clock.runAll();
    expect(await left()).toEqual(nothingLeft);
  });

  it('count while they are being decided', async () => {
    const { connect } = await gateways.open({
      limits: { maxSubscriptions: 2 },
      authorize: async ({ topic }) => topic === 'order.b',
    });
    const client = await connect({
      subs: [
        [1, 'order.a'],
        [2, 'order.b'],
        [3, 'order.b'],
      ],
    });
    expect(client.lines()).toEqual(['ERROR 3 limit', 'ERROR 1 forbidden', 'RESULT 2 0 of 0']);
  });
});
