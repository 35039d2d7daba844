import { HexbusError } from '@hexbus/core';
import { describe, expect, it } from 'vitest';
import { useGateways } from './support/use-gateways.ts';

const gateways = useGateways();

describe('PUBLISH of a client', () => {
  it('is published as its user, and answered with the receipt', async () => {
    const { connect, bus, clock } = await gateways.open();
    const client = await connect({}, 'ann');
    client.send(18, 1, 'order.a', 'Created', { n: 1 }, { id: 'mine', sender: 'bob', headers: { forged: 'yes' } });
    await clock.runAll();
    expect(client.frames()).toMatchObject([
      {
        kind: 'reply',
        id: 1,
        reply: { ok: true, body: { id: 'mine', topic: 'order.a', position: 1, duplicate: false } },
      },
    ]);
    const [message] = (await bus.read('order.a')).messages;
    expect(message).toMatchObject({ id: 'mine', type: 'Created', body: { n: 1 }, sender: 'ann' });
    expect(message?.headers).toBeUndefined();
  });

  it('of nobody in particular has no sender', async () => {
    const { connect, bus, clock } = await gateways.open();
    const client = await connect();
    client.send(18, 1, 'order.a', null, 1);
    await clock.runAll();
    expect((await bus.read('order.a')).messages[0]?.sender).toBeUndefined();
  });

  it('reaches clients that follow the topic, itself too, also where nothing is retained', async () => {
    const { connect, clock } = await gateways.open();
    const ann = await connect(
      {
        subs: [
          [1, 'live'],
          [2, 'order.a'],
        ],
      },
      'ann',
    );
    const bob = await connect({ subs: [[1, '*']] }, 'bob');
    ann.lines();
    bob.lines();
    ann.send(18, 3, 'live', null, 'hi');
    await clock.runAll();
    expect(ann.lines()).toContain('live "hi"');
    expect(bob.lines()).toEqual(['live "hi"']);
  });

  it('of an id that was there gets the first receipt', async () => {
    const { connect, bus, clock } = await gateways.open();
    const client = await connect();
    client.send(18, 1, 'order.a', null, 'first', { id: 'same' });
    client.send(18, 2, 'order.a', null, 'second', { id: 'same' });
    await clock.runAll();
    expect(client.frames()).toMatchObject([
      { reply: { body: { position: 1, duplicate: false } } },
      { reply: { body: { position: 1, duplicate: true } } },
    ]);
    expect((await bus.read('order.a')).messages).toHaveLength(1);
  });

  it.each([
    ['order.*', 1],
    ['order.>', 1],
    ['order..a', 1],
    ['order a', 1],
    ['order.a', 'x'.repeat(3_000)],
  ])('that the bus refuses (%s) is invalid', async (topic, body) => {
    const world = await gateways.open({ bus: { maxBodyBytes: 1_000 } });
    const client = await world.connect();
    client.send(18, 1, topic, null, body);
    await world.clock.runAll();
    expect(client.lines()).toEqual(['ERROR 1 invalid']);
    expect(world.gateway.connections.count).toBe(1);
  });

  it('to a held topic that is full is overloaded, and may be tried again', async () => {
    const { connect, clock } = await gateways.open({
      topics: { 'job.a': { retain: { until: 'handled', maxCount: 1 } } },
    });
    const client = await connect();
    client.send(18, 1, 'job.a', null, 1);
    client.send(18, 2, 'job.a', null, 2);
    await clock.runAll();
    const [, second] = client.frames();
    expect(second).toMatchObject({ reply: { ok: false, error: { code: 'overloaded', retryable: true } } });
  });

  it('48: that the history fails to keep tells nothing of why', async () => {
    const world = await gateways.open();
    const client = await world.connect();
    world.probe.failNext('write', new Error('disk /var/lib full'));
    client.send(18, 1, 'order.a', null, 1);
    await world.clock.runAll();
    const [frame] = client.frames();
    expect(frame).toMatchObject({
      reply: { ok: false, error: { code: 'timeout', message: 'nobody knows whether it was kept' } },
    });
    world.takeErrors();
  });

  it('of which nobody knows whether the history kept it is answered with timeout, and kept once if it is sent again', async () => {
    const world = await gateways.open();
    const client = await world.connect();
    world.probe.failNext('write', new HexbusError('HEXBUS_OUTCOME_UNKNOWN', 'disk /var/lib'), 'after');
    client.send(18, 1, 'order.a', null, 1, { id: 'mine' });
    await world.clock.runAll();
    client.send(18, 2, 'order.a', null, 1, { id: 'mine' });
    await world.clock.runAll();
    expect(client.frames()).toMatchObject([
      {
        reply: { ok: false, error: { code: 'timeout', message: 'nobody knows whether it was kept', retryable: true } },
      },
      { reply: { ok: true, body: { position: 1, duplicate: true } } },
    ]);
    world.takeErrors();
  });

  it('whose client is gone before authorize answers is not published', async () => {
    let allow = (_: boolean): void => {};
    const world = await gateways.open({
      authorize: () =>
        new Promise((resolve) => {
          allow = resolve;
        }),
    });
    const client = await world.connect();
    client.send(18, 1, 'order.a', null, 1);
    await world.clock.runAll();
    client.link.reset();
    await world.clock.runAll();
    allow(true);
    await world.clock.runAll();
    expect((await world.bus.read('order.a')).messages).toEqual([]);
  });

  it('P8: keeps the order of its calls, whichever authorize answers first', async () => {
    const answers: ((isAllowed: boolean) => void)[] = [];
    const world = await gateways.open({ authorize: () => new Promise((resolve) => answers.push(resolve)) });
    const client = await world.connect();
    for (const [id, body] of ['first', 'refused', 'third'].entries()) client.send(18, id + 1, 'order.a', null, body);
    await world.clock.runAll();
    expect(answers).toHaveLength(3);
    for (const [index, answer] of [...answers.entries()].reverse()) {
      expect((await world.bus.read('order.a')).messages).toEqual([]);
      answer(index !== 1);
      await world.clock.runAll();
    }
    expect((await world.bus.read('order.a')).messages.map(({ body }) => body)).toEqual(['first', 'third']);
  });

  it('P8: does not overtake one of whom authorize has not answered yet, where it answers at once', async () => {
    let answer = (_: boolean): void => {};
    const world = await gateways.open({
      authorize: ({ topic }) =>
        topic !== 'order.slow' ||
        new Promise((resolve) => {
          answer = resolve;
        }),
    });
    const client = await world.connect();
    client.send(18, 1, 'order.slow', null, 'first');
    client.send(18, 2, 'order.fast', null, 'second');
    await world.clock.runAll();
    expect((await world.bus.read('order.>')).messages).toEqual([]);
    answer(true);
    await world.clock.runAll();
    expect((await world.bus.read('order.>')).messages.map(({ body }) => body)).toEqual(['first', 'second']);
  });
});
