import { createRetentionLookup, type RetentionPolicies } from '@hexbus/core';
import { describe, expect, test } from 'vitest';
import { Marks } from '../src/marks.ts';
import { message, type Opened, type Page, Site } from './support/site.ts';

const retention: RetentionPolicies = [
  { kind: 'until-handled', pattern: 'wait.>', maxCount: 10, maxAgeMs: Number.POSITIVE_INFINITY, overflow: 'reject' },
  { kind: 'limits', pattern: '>', maxCount: Number.POSITIVE_INFINITY, maxAgeMs: 10 },
];

/** Messages go with the batch that brings them. */
const shortLived = (pattern: string): RetentionPolicies[number] => ({
  kind: 'limits',
  pattern,
  maxCount: 0,
  maxAgeMs: Number.POSITIVE_INFINITY,
});

/** A history of so many topics that have become empty. */
async function emptied(topics: number): Promise<{ site: Site; page: Page; history: Opened }> {
  const site = new Site();
  const page = site.page();
  const history = await page.open({}, { retention });
  await history.write({ append: Array.from({ length: topics }, (_, index) => message(`t.${index}`, 'x')) });
  site.now += 100;
  await history.write({});
  return { site, page, history };
}

const marksOf = async (history: Opened, topic: string) => (await history.page(topic)).trimmed;

describe('marks of empty topics', () => {
  test('are kept for 1,000 topics', async () => {
    const { history } = await emptied(1000);
    expect(await marksOf(history, '>')).toHaveLength(1000);
  });

  test('are merged where there is no room for more, without keeping what waits from being handled', async () => {
    const { site, page, history } = await emptied(1000);
    await history.put('wait.a', 'a', 'b');
    await history.put('t.last', 'x');
    page.storage.quota = page.storage.used;
    site.now += 100;
    const [first] = (await history.page('wait.a')).messages;
    expect(await history.settle('handled', 'wait.a', first?.position ?? 0)).toEqual([true]);
    page.die();
    const next = site.page(page);
    next.storage.quota = page.storage.used;
    const opened = await next.open({}, { retention });
    expect((await marksOf(opened, '>')).length).toBeLessThanOrEqual(1001);
    expect(await opened.settle('handled', 'wait.a', (first?.position ?? 0) + 1)).toEqual([true]);
  });

  test('that find no room, also when their messages have gone, keep nothing that waits from being handled', async () => {
    const site = new Site();
    const page = site.page();
    const history = await page.open({}, { retention });
    await history.put('wait.a', 'a', 'b');
    // What is remembered of such a message takes nearly as much room as the message did.
    const append = Array.from({ length: 500 }, (_, index) =>
      message(`t.${index}`, 'x', { body: '1', deduplicate: true }),
    );
    await history.write({ append });
    page.storage.quota = page.storage.used;
    site.now += 100;
    await history.write({});
    expect(await history.settle('handled', 'wait.a', 1)).toEqual([true]);
    page.die();
    const next = site.page(page);
    next.storage.quota = page.storage.used;
    const opened = await next.open({}, { retention });
    expect(await opened.ids('wait.a')).toEqual(['b']);
    expect(await opened.settle('handled', 'wait.a', 2)).toEqual([true]);
    next.storage.quota = Number.POSITIVE_INFINITY;
    await opened.put('wait.a', 'c');
    expect(await opened.ids('t.>')).toEqual([]);
    expect(await marksOf(opened, 't.>')).toHaveLength(500);
  });

  test('become one mark per policy for the lowest of more, also for the next page', async () => {
    const { site, page } = await emptied(1001);
    page.die();
    const next = await site.page(page).open({}, { retention });
    const all = await marksOf(next, '>');
    // As many as fit into what one commit tells.
    const merged = all.find(({ topic }) => topic === '>')?.through ?? 0;
    expect(merged).toBeGreaterThan(7);
    expect(all).toHaveLength(1001 - merged + 1);
    expect(await marksOf(next, 't.7')).toEqual([{ topic: '>', through: merged }]);
    expect(await marksOf(next, 't.900')).toEqual([{ topic: 't.900', through: 901 }]);
    expect(await marksOf(next, '@user.7')).toEqual([]);
    expect(site.keys.filter((key) => key.includes('/t/'))).toHaveLength(all.length);
  });

  test('are looked at once each, however many commits it takes to merge them', () => {
    const topics = Array.from({ length: 5_000 }, (_, index) => `t.${index}`);
    const kept = new Map(topics.map((topic, index) => [topic, index + 1]));
    const looks: string[] = [];
    const withMessages = { has: (topic: string): boolean => looks.push(topic) === 0 };
    const marks = new Marks(createRetentionLookup(retention), kept, withMessages, (topic, through) =>
      through === undefined ? kept.delete(topic) : kept.set(topic, through),
    );
    const commits = [...marks.merge({ room: 2_000 })];
    expect(commits.length).toBeGreaterThan(50);
    expect(looks).toEqual(topics);
    expect(kept.size).toBeLessThanOrEqual(1_001);
    expect(kept.get('>')).toBe(5_000 - (kept.size - 1));
  });

  test('stay merged under the pattern of their own policy, also where a wider pattern matches that one as it is written', async () => {
    const history = await new Site().page().open({}, { retention: ['x.*', 'x.>', 'y.>'].map(shortLived) });
    for (const topic of ['x.a', 'y']) {
      const append = Array.from({ length: 1100 }, (_, index) => message(`${topic}.${index}`, 'x'));
      await history.write({ append });
    }
    expect(await marksOf(history, 'x.a.1')).toEqual([{ topic: 'x.>', through: expect.any(Number) }]);
  });

  test('are inherited by a topic that appears anew, which then speaks for itself', async () => {
    const { history } = await emptied(1001);
    const [merged] = await marksOf(history, 't.7');
    expect(merged?.topic).toBe('>');
    await history.put('t.7', 'again');
    expect(await marksOf(history, 't.7')).toEqual([{ topic: 't.7', through: merged?.through }]);
  });
});
