import type { RetentionPolicies } from '@hexbus/core';
import { describe, expect, test } from 'vitest';
import { message, type Opened, type Page, Site } from './support/site.ts';

const retention: RetentionPolicies = [
  { kind: 'until-handled', pattern: 'wait.>', maxCount: 10, maxAgeMs: Number.POSITIVE_INFINITY, overflow: 'reject' },
  { kind: 'limits', pattern: '>', maxCount: Number.POSITIVE_INFINITY, maxAgeMs: 10 },
];

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

  test('become one mark per policy for the lower half of more, also for the next page', async () => {
    const { site, page } = await emptied(1001);
    page.die();
    const next = await site.page(page).open({}, { retention });
    const all = await marksOf(next, '>');
    expect(all).toHaveLength(502);
    expect(all).toContainEqual({ topic: '>', through: 500 });
    expect(await marksOf(next, 't.7')).toEqual([{ topic: '>', through: 500 }]);
    expect(await marksOf(next, 't.900')).toEqual([{ topic: 't.900', through: 901 }]);
    expect(await marksOf(next, '@user.7')).toEqual([]);
    expect(site.keys.filter((key) => key.includes('/t/'))).toHaveLength(502);
  });

  test('are inherited by a topic that appears anew, which then speaks for itself', async () => {
    const { history } = await emptied(1001);
    await history.put('t.7', 'again');
    expect(await marksOf(history, 't.7')).toEqual([{ topic: 't.7', through: 500 }]);
  });
});
