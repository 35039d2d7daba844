import { createMemoryHistory, memoryHistoryDefaults } from '@hexbus/store-memory';
import { describe, expect, test } from 'vitest';
import { message, open } from './support.ts';

describe('maxMessages', () => {
  test('trims the oldest stream messages over all topics, and leaves marks', async () => {
    const history = await open({ maxMessages: 3 });
    for (const topic of ['a', 'b', 'a', 'b', 'c']) await history.append(topic, 'x');
    const page = await history.page(['>']);
    expect(page.messages.map(({ position }) => position)).toEqual([3, 4, 5]);
    expect(page.trimmed).toEqual([
      { topic: 'a', through: 1 },
      { topic: 'b', through: 2 },
    ]);
  });

  test('passes held messages by, and refuses what they leave no room for', async () => {
    const history = await open({ maxMessages: 3 });
    await history.append('wait.a', '1');
    await history.append('s', '2');
    await history.append('wait.a', '3');
    expect(await history.append('wait.a', '4')).toBe(4);
    expect(await history.positions('s')).toEqual([]);
    expect(await history.append('wait.a', '5')).toBe('history-full');
    expect(await history.append('s', '6')).toBe('history-full');
    expect(await history.positions('wait.a')).toEqual([1, 3, 4]);
  });

  test('counts dead messages, and has room again for each one that is settled', async () => {
    const history = await open({ maxMessages: 1 });
    await history.append('wait.a', '1');
    await history.write({ settle: [{ outcome: 'dead', topic: 'wait.a', position: 1, reason: 'bad' }] });
    expect(await history.append('s', '2')).toBe('history-full');
    const settle = [{ outcome: 'discard', topic: 'wait.a', position: 1 }] as const;
    const { appended, settled } = await history.write({ settle, append: [message('s', '3'), message('s', '4')] });
    expect(settled).toEqual([true]);
    expect(appended.map(({ status }) => status)).toEqual(['appended', 'appended']);
    expect(await history.positions('s')).toEqual([3]);
  });

  test('does not remember the id of a refused message', async () => {
    const history = await open({ maxMessages: 1 });
    await history.append('wait.a', '1');
    const append = [{ ...message('s', 'x'), deduplicate: true }];
    expect((await history.write({ append })).appended).toEqual([{ status: 'refused', reason: 'history-full' }]);
    const settle = [{ outcome: 'handled', topic: 'wait.a', position: 1 }] as const;
    expect((await history.write({ append, settle })).appended[0]?.status).toBe('appended');
  });
});

describe('maxBytes', () => {
  test('counts the texts of a message', async () => {
    const history = await open({ maxBytes: 10 });
    await history.append('s', '1', '12345');
    await history.append('s', '2', '123');
    expect(await history.positions('s')).toEqual([1, 2]);
    await history.append('s', '3', '1');
    expect(await history.positions('s')).toEqual([2, 3]);
  });

  test('refuses one message that is larger by itself', async () => {
    const history = await open({ maxBytes: 10 });
    await history.append('s', '1', '12345');
    expect(await history.append('s', '2', '1234567890')).toBe('history-full');
    expect(await history.positions('s')).toEqual([1]);
  });
});

test('a bound that is no count is refused when the history is made', () => {
  for (const value of [0, -1, 1.5, Number.NaN, '7' as unknown as number]) {
    expect(() => createMemoryHistory({ maxMessages: value })).toThrow(
      expect.objectContaining({ code: 'HEXBUS_CONFIG', message: expect.stringContaining('maxMessages') }),
    );
    expect(() => createMemoryHistory({ maxBytes: value })).toThrow(expect.objectContaining({ code: 'HEXBUS_CONFIG' }));
  }
  expect(memoryHistoryDefaults).toEqual({ maxMessages: 100_000, maxBytes: 64 * 1024 * 1024 });
});

describe('marks of empty topics', () => {
  const retention = [
    { kind: 'until-handled', pattern: 'wait.>', maxCount: 10, maxAgeMs: Infinity, overflow: 'reject' },
    { kind: 'limits', pattern: '>', maxCount: Infinity, maxAgeMs: 10 },
  ] as const;

  async function emptied(topics: number) {
    let now = 0;
    const history = await open({ clock: { now: () => now } }, { retention });
    await history.write({ append: Array.from({ length: topics }, (_, index) => message(`t.${index}`, 'x')) });
    now = 100;
    await history.write({});
    return history;
  }

  test('are kept for 10,000 topics', async () => {
    const history = await emptied(10_000);
    expect((await history.page(['>'])).trimmed).toHaveLength(10_000);
  });

  test('become one mark per policy for the lower half of more', async () => {
    const history = await emptied(10_001);
    const { trimmed } = await history.page(['>']);
    expect(trimmed).toHaveLength(5002);
    expect(trimmed.at(0)).toEqual({ topic: '>', through: 5000 });
    expect((await history.page(['t.7'])).trimmed).toEqual([{ topic: '>', through: 5000 }]);
    expect((await history.page(['t.7'], 5000)).trimmed).toEqual([]);
    expect((await history.page(['t.9000'])).trimmed).toEqual([{ topic: 't.9000', through: 9001 }]);
    expect((await history.page(['@user.7'])).trimmed).toEqual([]);
  });

  test('are inherited by a topic that appears anew', async () => {
    const history = await emptied(10_001);
    await history.append('t.7', 'again');
    expect((await history.page(['t.7'])).trimmed).toEqual([{ topic: 't.7', through: 5000 }]);
  });
});
