import { describe, expect, it } from 'vitest';
import { deferred } from '../support/deferred.ts';
import { useGateways } from './support/use-gateways.ts';

const gateways = useGateways();

describe('revoke', () => {
  it('ends what is refused now, of whom it names, and tells the client', async () => {
    const allowed = new Set(['order.a', 'order.b', 'order.*']);
    const { connect, gateway, publish } = await gateways.open({ authorize: ({ topic }) => allowed.has(topic) });
    const subs = [
      [1, 'order.a'],
      [2, 'order.b'],
      [3, 'order.*'],
    ] as const;
    const ann = await connect({ subs }, 'ann');
    const bob = await connect({ subs }, 'bob');
    ann.lines();
    bob.lines();
    allowed.delete('order.a');
    allowed.delete('order.*');
    expect(await gateway.revoke({ user: 'ann' }, 'order.a')).toBe(2);
    await publish('order.a', 1);
    await publish('order.b', 2);
    expect(ann.lines().toSorted()).toEqual(['ERROR 1 forbidden', 'ERROR 3 forbidden', 'order.b#2 2']);
    expect(bob.lines()).toEqual(['order.a#1 1', 'order.b#2 2']);
    expect(await gateway.revoke({ all: true })).toBe(2);
  });

  it('reaches a subscription whose start is still being looked for', async () => {
    let allowed = true;
    const { connect, gateway, publish, clock, probe } = await gateways.open({ authorize: () => allowed });
    await publish('order.a', 1);
    const release = probe.holdNext('locate');
    const client = await connect({ subs: [[1, 'order.a', 'earliest']] });
    allowed = false;
    await gateway.revoke({ all: true });
    release();
    await clock.runAll();
    await publish('order.a', 2);
    expect(client.lines()).toEqual(['ERROR 1 forbidden']);
  });

  it('is not overtaken by an answer from before', async () => {
    const answers = [deferred<boolean>(), deferred<boolean>()];
    let asked = 0;
    const { connect, gateway, publish, clock } = await gateways.open({
      authorize: () => answers[asked++]?.promise ?? false,
    });
    const client = await connect({ subs: [[1, 'order.a']] });
    expect(await gateway.revoke({ all: true })).toBe(0);
    answers[0]?.resolve(true);
    await clock.runAll();
    await publish('order.a', 1);
    answers[1]?.resolve(false);
    await clock.runAll();
    expect(client.lines()).toEqual(['ERROR 1 forbidden']);
  });
});
