import { createHash } from 'node:crypto';
import type { Filter, LocateQuery, StoredMessage } from '@hexbus/core';
import { createMemoryHistory } from '@hexbus/store-memory';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createHistoryOf, type Opened, open, temporaryDirectory } from './support.ts';

// What only shows with many rows: windows, scans that give up, the topics that are not cached, marks that are merged.
const directory = temporaryDirectory();
afterAll(directory.remove);

/** Numbers from 0 up to but not including `below` that look random and repeat from run to run. */
function pseudoRandom(seed: string): (below: number) => number {
  let count = 0;
  return (below) => createHash('sha1').update(`${seed} ${count++}`).digest().readUInt32BE(0) % below;
}

const filters: Filter[] = [
  ['busy'],
  ['many.7'],
  ['rare.here'],
  ['late.here'],
  ['nothing.here'],
  ['>'],
  ['many.*'],
  ['rare.>'],
  ['late.>'],
  ['none.>'],
  ['busy', 'many.7', 'rare.here', 'nothing.here'],
  ['wait.here', 'rare.>'],
  ['wait.here', 'many.8'],
];

const starts: LocateQuery['from'][] = [
  { earliest: true },
  ...[0, 1, 5, 300, 5_001, 7_500, 14_000, 1_000_000].map((last) => ({ last })),
  ...[0, 1_000, 15_000, 29_999, 99_999].map((since) => ({ since })),
];

async function everything(history: Opened, filter: Filter, state: 'live' | 'dead', limit: number) {
  const found: StoredMessage[] = [];
  let reads = 0;
  for (let after = 0; ; reads++) {
    const page = await history.page([...filter], { range: { after }, limit, state });
    found.push(...page.messages);
    if (page.through >= page.position) return { found, reads };
    expect(page.through).toBeGreaterThan(after);
    after = page.through;
  }
}

async function everythingBackwards(history: Opened, filter: Filter, limit: number): Promise<StoredMessage[]> {
  const found: StoredMessage[] = [];
  for (let before = Number.MAX_SAFE_INTEGER; ; ) {
    const page = await history.page([...filter], { range: { before }, limit });
    found.unshift(...page.messages);
    if (page.through === 0) return found;
    expect(page.through).toBeLessThan(before);
    before = page.through;
  }
}

describe('30,000 messages', () => {
  let now = 0;
  const clock = { now: () => now };
  const retention = [
    { kind: 'until-handled', pattern: 'wait.>', maxCount: 1000, maxAgeMs: Infinity, overflow: 'drop-oldest' },
    { kind: 'limits', pattern: 'short.>', maxCount: 3, maxAgeMs: 4000 },
    { kind: 'limits', pattern: '>', maxCount: Infinity, maxAgeMs: 25_000 },
  ] as const;
  let memory: Opened;
  let sqlite: Opened;

  beforeAll(async () => {
    const random = pseudoRandom('large');
    memory = await open(createMemoryHistory({ clock }), { retention });
    sqlite = await open(createHistoryOf(directory.file('large.db'), { durability: 'os', clock }), {
      retention,
    });
    for (let position = 0; position < 30_000; ) {
      const append = Array.from({ length: 1 + random(300) }, (_, index) => {
        const kind = random(100);
        const at = position + index;
        let topic = 'busy';
        if (at % 7000 === 6999) topic = 'rare.here';
        else if (at > 29_000 && kind < 5) topic = 'late.here';
        else if (kind < 30) topic = `many.${random(3000)}`;
        else if (kind < 40) topic = `short.${random(500)}`;
        else if (kind < 50) topic = 'wait.here';
        return { topic, id: `m-${at}`, body: JSON.stringify(at), deduplicate: kind < 20 };
      });
      position += append.length;
      now = position;
      const settle = Array.from({ length: random(5) }, () => ({
        outcome: random(2) === 0 ? ('handled' as const) : ('dead' as const),
        topic: 'wait.here',
        position: Math.max(1, position - random(3000)),
        reason: 'unlucky',
      }));
      const batch = { append, settle };
      const [expected, result] = [await memory.write(batch), await sqlite.write(batch)];
      expect({ ...result, epoch: '' }).toEqual({ ...expected, epoch: '' });
    }
  });

  test.each(filters.map((filter) => ({ filter })))('read alike: $filter', async ({ filter }) => {
    for (const limit of [99, 1000, 1_000_000]) {
      const expected = (await everything(memory, filter, 'live', limit)).found;
      expect((await everything(sqlite, filter, 'live', limit)).found).toEqual(expected);
      expect(await everythingBackwards(sqlite, filter, limit)).toEqual(expected);
      expect(await everythingBackwards(memory, filter, limit)).toEqual(expected);
    }
    const dead = (await everything(memory, filter, 'dead', 7)).found;
    expect((await everything(sqlite, filter, 'dead', 7)).found).toEqual(dead);
    for (const after of [0, 10_000, 20_000, 29_000]) {
      const sorted = async (history: Opened) =>
        (await history.page([...filter], { range: { after } })).trimmed.toSorted((a, b) =>
          a.topic < b.topic ? -1 : 1,
        );
      expect(await sorted(sqlite)).toEqual(await sorted(memory));
    }
  });

  test.each(filters.map((filter) => ({ filter })))('start alike: $filter', async ({ filter }) => {
    for (const from of starts) {
      const located = async ({ store, head }: Opened) => store.locate({ epoch: head.epoch, filter, from });
      const { start, position } = await located(memory);
      expect({ from, ...(await located(sqlite)) }).toMatchObject({ from, start, position });
    }
  });

  test.each(['busy', 'many.7', 'short.7', 'wait.here', 'nothing.here'])('summed up alike: %s', async (topic) => {
    expect(await sqlite.store.summarize(topic)).toEqual(await memory.store.summarize(topic));
  });

  test('a search for something rare gives up now and then', async () => {
    for (const history of [memory, sqlite]) {
      const { reads } = await everything(history, ['none.>'], 'live', 100);
      expect(reads).toBeGreaterThanOrEqual(2);
      expect(reads).toBeLessThanOrEqual(6);
    }
  });

  test('a page ends once its texts exceed maxBytes', async () => {
    for (const history of [memory, sqlite]) {
      const page = await history.page(['busy'], { maxBytes: 100 });
      expect(page.messages.length).toBeGreaterThan(3);
      expect(page.messages.length).toBeLessThan(15);
      expect(page.through).toBe(page.messages.at(-1)?.position);
    }
  });
});

describe('25,000 topics', () => {
  const retention = [{ kind: 'limits', pattern: '>', maxCount: 2, maxAgeMs: 10 }] as const;

  test('are counted right when most of them are not cached, and leave 10,000 marks at most', async () => {
    let now = 0;
    const file = directory.file('topics.db');
    const make = () => createHistoryOf(file, { durability: 'os', clock: { now: () => now } });
    let history = await open(make(), { retention });
    const names = Array.from({ length: 25_000 }, (_, index) => `t.${index}`);
    const ids = (start: number) =>
      names.slice(start, start + 5000).map((topic) => ({ topic, id: 'x', body: '1', deduplicate: false }));
    for (let round = 0; round < 3; round++) {
      for (let start = 0; start < names.length; start += 5000) await history.write({ append: ids(start) });
    }
    expect(await history.store.summarize('t.0')).toMatchObject({ count: 2, first: 25_001, last: 50_001 });
    expect(await history.store.summarize('t.24999')).toMatchObject({ count: 2, first: 50_000, last: 75_000 });
    const { trimmed } = await history.page(['>'], { limit: 1 });
    expect(trimmed).toHaveLength(25_000);

    await history.store.close();
    history = await open(make(), { retention });
    now = 100;
    await history.write();
    const marks = (await history.page(['>'])).trimmed;
    expect(marks.length).toBeLessThanOrEqual(10_001);
    expect(marks).toContainEqual({ topic: '>', through: expect.any(Number) });
    const merged = marks.find(({ topic }) => topic === '>')?.through ?? 0;
    expect((await history.page(['t.0'])).trimmed).toEqual([{ topic: '>', through: merged }]);
    expect((await history.page(['t.24999'])).trimmed).toEqual([{ topic: 't.24999', through: 75_000 }]);

    await history.append('t.0', 'again');
    expect((await history.page(['t.0'])).trimmed).toEqual([{ topic: 't.0', through: merged }]);
    await history.store.close();
    history = await open(make(), { retention });
    expect((await history.page(['t.1'])).trimmed).toEqual([{ topic: '>', through: merged }]);
    await history.store.close();
  });
});
