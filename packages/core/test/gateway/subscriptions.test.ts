import type { WireFrom } from '@hexbus/core/gateway';
import { describe, expect, it } from 'vitest';
import { deferred } from '../support/deferred.ts';
import { nothingLeft, useGateways } from './support/use-gateways.ts';

const gateways = useGateways();

describe('SUB of a retained topic', () => {
  it.each<[string, WireFrom | undefined, string, readonly string[]]>([
    ['without a start', undefined, 'RESULT 1 3 of 3', []],
    ['from now', 'now', 'RESULT 1 3 of 3', []],
    ['from the earliest', 'earliest', 'RESULT 1 0 of 3', ['[1] order.a#1 1', '[1] order.a#3 3']],
    ['from the last one', { last: 1 }, 'RESULT 1 2 of 3', ['[1] order.a#3 3']],
    ['from the last none', { last: 0 }, 'RESULT 1 3 of 3', []],
    ['from more than there are', { last: 100 }, 'RESULT 1 0 of 3', ['[1] order.a#1 1', '[1] order.a#3 3']],
    ['since a time', { since: 1_000_000_000_500 }, 'RESULT 1 2 of 3', ['[1] order.a#3 3']],
    ['since a time to come', { since: 2_000_000_000_000 }, 'RESULT 1 3 of 3', []],
  ])('begins %s', async (_, from, answer, replayed) => {
    const { connect, publish, clock } = await gateways.open();
    await publish('order.a', 1);
    await publish('order.b', 2);
    await clock.advance(1_000);
    await publish('order.a', 3);
    const client = await connect();
    client.subscribe(1, 'order.a', from);
    await clock.runAll();
    await publish('order.a', 4);
    await publish('order.b', 5);
    const lines = client.lines();
    expect(lines[0]).toBe(answer);
    // When it has caught up, it is told so, as nothing else may come.
    expect(lines.slice(1, -1)).toEqual(replayed.length === 0 ? [] : [...replayed, 'PING']);
    expect(lines.at(-1)).toBe('order.a#4 4');
  });

  it('begins after a cursor', async () => {
    const { connect, publish, clock, bus } = await gateways.open();
    await publish('order.a', 1);
    const after = bus.cursor as string;
    await publish('order.a', 2);
    const client = await connect();
    client.subscribe(1, 'order.a', { after });
    client.subscribe(2, 'order.a', { after: 'nonsense' });
    client.subscribe(3, 'order.a', { after: 'elsewhere.1' });
    await clock.runAll();
    const lines = client.lines();
    expect(lines).toContain('RESULT 1 1 of 2');
    expect(lines).toContain('ERROR 2 invalid');
    expect(lines).toContain('GAP reset [3]');
    expect(lines.filter((line) => line.startsWith('[1]'))).toEqual(['[1] order.a#2 2']);
    expect(lines.filter((line) => line.startsWith('[3]'))).toEqual(['[3] order.a#1 1', '[3] order.a#2 2']);
    expect(lines.indexOf('GAP reset [3]')).toBeLessThan(lines.indexOf('[3] order.a#1 1'));
  });

  it('is answered in the stream, with a token that covers it', async () => {
    const { connect, publish, clock, bus } = await gateways.open();
    await publish('order.a', 1);
    const client = await connect();
    client.subscribe(1, 'order.*', 'earliest');
    await clock.runAll();
    const [first, ...others] = client.frames();
    const epoch = bus.cursor?.split('.')[0];
    expect(first).toEqual({
      kind: 'reply',
      id: 1,
      reply: { ok: true, body: { start: `${epoch}.0`, head: `${epoch}.1`, token: `${epoch}.1~1:0` } },
    });
    // With nothing more to come, the last frame tells that all have caught up.
    expect(others).toMatchObject([
      { kind: 'event-for', subs: [1], cursor: `${epoch}.1` },
      { kind: 'ping', token: `${epoch}.1` },
    ]);
    await publish('order.b', 2);
    expect(client.frames()).toMatchObject([{ kind: 'event', cursor: `${epoch}.2` }]);
  });

  it('is fed in frames of its own only until it has caught up', async () => {
    const { connect, publish, clock } = await gateways.open();
    const bodies = Array.from({ length: 300 }, (_, index) => index + 1);
    await publish('order.a', ...bodies);
    const client = await connect({ subs: [[1, 'order.>']] });
    client.subscribe(2, 'order.a', 'earliest');
    await clock.runAll();
    await publish('order.a', 301);
    const lines = client.lines();
    expect(lines.filter((line) => line.startsWith('[2]'))).toEqual(bodies.map((body) => `[2] order.a#${body} ${body}`));
    expect(lines.at(-1)).toBe('order.a#301 301');
  });

  it('keeps every subscription in order while one catches up and others are published', async () => {
    const { connect, bus, clock, publish } = await gateways.open();
    const count = 200;
    for (let body = 1; body <= count; body++) await bus.publish(body % 2 ? 'order.a' : 'order.b', body);
    const client = await connect({ subs: [[1, 'order.b']] });
    client.subscribe(2, 'order.*', 'earliest');
    for (let body = count + 1; body <= count + 50; body++) void bus.publish(body % 2 ? 'order.a' : 'order.b', body);
    await clock.runAll();
    await publish('order.b', count + 51);
    const seen = new Map<number, number[]>([
      [1, []],
      [2, []],
    ]);
    for (const frame of client.frames()) {
      if (frame.kind !== 'event' && frame.kind !== 'event-for') continue;
      const subs = frame.kind === 'event-for' ? frame.subs : frame.message.topic === 'order.b' ? [1, 2] : [2];
      for (const sub of subs) seen.get(sub)?.push(frame.message.position ?? 0);
    }
    const all = Array.from({ length: count + 51 }, (_, index) => index + 1);
    expect(seen.get(2)).toEqual(all);
    expect(seen.get(1)).toEqual(all.filter((body) => body > count && (body % 2 === 0 || body === count + 51)));
  });

  it('is refused when the history fails, and may be asked for again', async () => {
    const { connect, publish, clock, probe, observed } = await gateways.open();
    await publish('order.a', 1);
    const client = await connect();
    probe.failNext('locate', new Error('/var/lib/secret is gone'));
    client.subscribe(1, 'order.a', 'earliest');
    await clock.runAll();
    expect(client.frames()).toMatchObject([
      { kind: 'reply', id: 1, reply: { ok: false, error: { code: 'remote-error', message: 'the server failed' } } },
    ]);
    expect(observed('error')).toMatchObject([{ error: { message: '/var/lib/secret is gone' } }]);
    client.subscribe(1, 'order.a', 'earliest');
    await clock.runAll();
    expect(client.lines()).toEqual(['RESULT 1 0 of 1', '[1] order.a#1 1', 'PING']);
  });

  it('is one frame however many subscriptions match', async () => {
    const { connect, publish } = await gateways.open();
    const client = await connect({
      subs: [
        [1, 'order.a'],
        [2, 'order.*'],
        [3, '>'],
        [4, 'order.a'],
      ],
    });
    client.lines();
    await publish('order.a', 1);
    expect(client.lines()).toEqual(['order.a#1 1']);
  });
});

describe('SUB of a topic that is not retained', () => {
  it('gets what is published and emitted, without cursors', async () => {
    const { connect, publish, bus, clock } = await gateways.open();
    const client = await connect({ subs: [[1, 'chat.a']] });
    await publish('chat.a', 1);
    bus.emit('chat.a', { x: 2 });
    bus.emit('chat.b', 3);
    await clock.runAll();
    expect(client.frames()).toMatchObject([
      { kind: 'reply', id: 1, reply: { ok: true, body: {} } },
      { kind: 'event', message: { topic: 'chat.a', body: 1 } },
      { kind: 'event', message: { topic: 'chat.a', body: { x: 2 } } },
    ]);
  });

  it.each<[string, WireFrom]>([
    ['the earliest', 'earliest'],
    ['the last', { last: 1 }],
    ['a time', { since: 0 }],
    ['a cursor', { after: 'e.1' }],
  ])('has no past to begin with: %s', async (_, from) => {
    const { connect, clock, left } = await gateways.open();
    const client = await connect();
    client.subscribe(1, 'chat.a', from);
    await clock.runAll();
    expect(client.lines()).toEqual(['ERROR 1 invalid']);
    expect((await left()).receivers).toBe(3);
  });

  it('goes on where a token covers it, though what was missed is gone', async () => {
    const { connect, publish } = await gateways.open();
    const first = await connect({ subs: [[1, 'chat.a']] });
    first.link.reset();
    await publish('chat.a', 1);
    const second = await connect({ resume: first.resume, subs: [[1, 'chat.a', 'covered']] });
    await publish('chat.a', 2);
    expect(second.lines()).toEqual(['RESULT 1 {}', 'chat.a 2']);
  });

  it('is one frame however many subscriptions match, also when listeners publish in between', async () => {
    const { connect, bus, clock } = await gateways.open();
    const client = await connect({ subs: [[1, 'chat.a']] });
    bus.on('chat.a', () => bus.emit('chat.b', 'in between'));
    client.subscribe(2, 'chat.*');
    await clock.runAll();
    client.lines();
    bus.emit('chat.a', 1);
    await clock.runAll();
    expect(client.lines().toSorted()).toEqual(['chat.a 1', 'chat.b "in between"']);
  });

  it('tells of a body that JSON cannot carry, and lives on', async () => {
    const { connect, bus, clock, observed } = await gateways.open();
    const client = await connect({ subs: [[1, 'chat.a']] });
    client.lines();
    bus.emit('chat.a', 1n);
    bus.emit('chat.a', 2);
    await clock.runAll();
    expect(client.lines()).toEqual(['chat.a 2']);
    expect(observed('error')).toMatchObject([{ error: { code: 'HEXBUS_INVALID_BODY' } }]);
  });
});

describe('SUB of a pattern', () => {
  it('gets retained and other topics, and no held ones', async () => {
    const { connect, publish } = await gateways.open({
      topics: { 'x.kept': { retain: { maxCount: 9 } }, 'x.held': { retain: 'until-handled' } },
    });
    const client = await connect({ subs: [[1, 'x.*']] });
    client.lines();
    await publish('x.kept', 1);
    await publish('x.held', 2);
    await publish('x.live', 3);
    expect(client.lines()).toEqual(['x.kept#1 1', 'x.live 3']);
  });

  it('begins in the past with what is retained', async () => {
    const { connect, publish } = await gateways.open({ topics: { 'x.kept': { retain: { maxCount: 9 } } } });
    await publish('x.kept', 1);
    await publish('x.live', 2);
    const client = await connect({ subs: [[1, 'x.>', 'earliest']] });
    await publish('x.live', 3);
    expect(client.lines()).toEqual(['RESULT 1 0 of 1', '[1] x.kept#1 1', 'PING', 'x.live 3']);
  });

  it('is asked for once as a pattern', async () => {
    const asked: string[] = [];
    const { connect, publish } = await gateways.open({
      authorize: ({ action, topic }) => {
        asked.push(`${action} ${topic}`);
        return action === 'subscribe';
      },
    });
    const client = await connect({
      subs: [
        [1, 'order.*'],
        [2, 'order.a'],
      ],
    });
    await publish('order.a', 1);
    await publish('order.b', 2);
    expect(asked).toEqual(['subscribe-pattern order.*', 'subscribe order.a']);
    expect(client.lines()).toEqual(['ERROR 1 forbidden', 'RESULT 2 0 of 0', 'order.a#1 1']);
  });

  it.each(['a..b', '.', 'a.>.b', 'a b', '>.a', 'a.**'])('%s is invalid', async (topic) => {
    const { connect, clock } = await gateways.open();
    const client = await connect();
    client.subscribe(1, topic);
    await clock.runAll();
    expect(client.lines()).toEqual(['ERROR 1 invalid']);
  });
});

describe('UNSUB', () => {
  it.each(['order.a', 'chat.a'])('ends %s at once, and its id is free again', async (topic) => {
    const { connect, publish, clock, left } = await gateways.open();
    const client = await connect({ subs: [[1, topic]] });
    client.unsubscribe(1);
    await clock.runAll();
    client.lines();
    await publish(topic, 1);
    expect(client.lines()).toEqual([]);
    client.subscribe(1, topic);
    await clock.runAll();
    await publish(topic, 2);
    expect(client.lines().at(-1)).toContain('2');
    client.link.close(1000);
    await clock.runAll();
    expect(await left()).toEqual(nothingLeft);
  });

  it('ends a subscription whose start is still being looked for', async () => {
    const { connect, publish, clock, probe } = await gateways.open();
    await publish('order.a', 1);
    const client = await connect();
    const release = probe.holdNext('locate');
    client.subscribe(1, 'order.a', 'earliest');
    client.unsubscribe(1);
    client.subscribe(1, 'order.b');
    await clock.runAll();
    release();
    await clock.runAll();
    await publish('order.a', 2);
    await publish('order.b', 3);
    expect(client.lines()).toEqual(['RESULT 1 1 of 1', 'order.b#3 3']);
  });

  it('ends a subscription that `authorize` still thinks about', async () => {
    const answer = deferred<boolean>();
    const { connect, publish, clock } = await gateways.open({ authorize: () => answer.promise });
    const client = await connect({ subs: [[1, 'order.a']] });
    client.unsubscribe(1);
    await clock.runAll();
    answer.resolve(true);
    await publish('order.a', 1);
    expect(client.lines()).toEqual([]);
  });
});
