import { describe, expect, test } from 'vitest';
import { introduction } from '../src/introduction.ts';
import { comeBack, createBench, framesOf, session, subscribed, welcome } from './support/bench.ts';

const bytesOf = (text: string): number => Buffer.byteLength(text);

describe('a HELLO for which there is no room in one frame', () => {
  test.each([
    ['few', 3, 'a'],
    ['many', 3_000, 'a'],
    ['long', 300, 'é'.repeat(128)],
    ['quoted', 3_000, '"'.repeat(40)],
  ])('says the rest behind WELCOME, nothing twice and in order: %s', (_, count, topic) => {
    const subscriptions = Array.from(
      { length: count },
      (_, index) => ({ id: index + 1, topic, from: 'earliest' }) as const,
    );
    const resume = { session: 's', secret: 'x', token: 'e.'.padEnd(8_000, '1') };
    const [first, ...rest] = introduction({ subscriptions, capabilities: ['c'], resume, token: 't'.repeat(8_000) });
    const [, said] = JSON.parse(first) as [1, { subs: unknown[] }];
    expect(said).toMatchObject({ resume, caps: ['c'] });
    const later = rest.map((frame) => (JSON.parse(frame) as unknown[]).slice(1));
    expect([...said.subs, ...later]).toEqual(subscriptions.map(({ id, from }) => [id, topic, from]));
    expect(bytesOf(first)).toBeLessThanOrEqual(65_536);
    expect(rest.length > 0).toBe(count > 3);
  });

  test('keeps the place of every subscription, and the order of what was said meanwhile', async () => {
    const bench = createBench();
    const { client, network } = bench;
    const names = Array.from({ length: 300 }, (_, index) => `${index}.`.padEnd(255, 'x'));
    const all = names.map((name) => client.subscribe(name, () => undefined));
    const socket = await bench.welcome();
    const asked = () => framesOf(network.last, 3).map(([, id]) => id as number);
    expect(asked()).toEqual(Array.from({ length: 150 }, (_, index) => index + 151));
    for (let id = 1; id <= 300; id++) socket.say(subscribed(id, 5));
    const hello = await comeBack(bench);
    expect(hello).toMatchObject({ resume: { ...session, token: 'e.5' } });
    all[299]?.unsubscribe();
    client.subscribe('later', () => undefined);
    expect(asked()).toEqual([]);
    network.last.say(welcome({ resumed: true, token: 'e.5' }));
    const frames = network.last.take();
    expect(frames.slice(0, 1)).toEqual([[3, 151, names[150], 'covered']]);
    expect(frames.slice(-3).map(([type, id]) => [type, id])).toEqual([
      [3, 300],
      [4, 300],
      [3, 301],
    ]);
    // Until the last of them is answered the old token holds.
    for (let id = 1; id < 299; id++) network.last.say(subscribed(id, 5, 'e.7'));
    await bench.settle();
    expect(await comeBack(bench)).toMatchObject({ resume: { token: 'e.5' } });
    await client.close();
  });
});
