import {
  createRetentionLookup,
  createTopicMatcher,
  formatCursor,
  type HeldPolicy,
  type LimitsPolicy,
  parseCursor,
  systemClock,
  systemRandomness,
} from '@hexbus/core';
import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { thrownBy } from './support/buses.ts';

describe('a cursor', () => {
  test('is taken apart into what it was made of', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/), fc.maxSafeNat(), (epoch, position) => {
        expect(parseCursor(formatCursor(epoch, position))).toEqual({ epoch, position });
      }),
    );
  });

  test.each<unknown>([
    '',
    'e',
    'e.',
    '.1',
    'e.1.2',
    'e.-1',
    'e.+1',
    'e.01',
    'e.1e3',
    'e.1 ',
    ' e.1',
    'e.١',
    'e.9007199254740992',
    `${'e'.repeat(65)}.1`,
    'ep och.1',
    'e\n.1',
    'e.1\n',
    undefined,
    null,
    7,
    {},
    ['e.1'],
  ])('is refused when it is %j', (cursor) => {
    expect(thrownBy(() => parseCursor(cursor))).toMatchObject({ name: 'HexbusError', code: 'HEXBUS_INVALID_CURSOR' });
  });

  test('that is refused is shown shortened', () => {
    const error = thrownBy(() => parseCursor('x'.repeat(10_000))) as Error;
    expect(error.message.length).toBeLessThan(250);
  });
});

const limits = (pattern: string): LimitsPolicy => ({ kind: 'limits', pattern, maxCount: 1, maxAgeMs: Infinity });
const held = (pattern: string): HeldPolicy => ({
  kind: 'until-handled',
  pattern,
  maxCount: 1,
  maxAgeMs: Infinity,
  overflow: 'reject',
});

describe('a retention lookup', () => {
  test('finds the topic by its own name, else by the first pattern', () => {
    const policies = [limits('a.>'), held('a.*'), held('a.b'), limits('c')];
    const lookup = createRetentionLookup(policies);
    expect(['a.b', 'a.c', 'a.c.d', 'c', 'd', 'a'].map((topic) => policies.indexOf(lookup.policyOf(topic)!))).toEqual([
      2, 0, 0, 3, -1, -1,
    ]);
    expect(['a.b', 'a.c', 'c', 'd'].map(lookup.isHeld)).toEqual([true, false, false, false]);
  });
});

describe('a topic matcher', () => {
  const retention = createRetentionLookup([held('job.>'), limits('>')]);

  test('of one name knows that name only', () => {
    const matcher = createTopicMatcher(['a'], retention);
    expect([matcher.only, matcher.matches('a'), matcher.matches('b')]).toEqual(['a', true, false]);
  });

  test('of patterns passes held topics by, but not those that it names', () => {
    const matcher = createTopicMatcher(['>', 'job.a'], retention);
    expect(matcher.only).toBeUndefined();
    expect(['x.y', 'job.a', 'job.b', '@x'].map((topic) => matcher.matches(topic))).toEqual([true, true, false, false]);
  });

  test('answers the same after it has seen more topics than it remembers', () => {
    const matcher = createTopicMatcher(['a.*', 'b'], retention);
    for (let n = 0; n < 25_000; n++) expect(matcher.matches(`a.${n}`)).toBe(true);
    expect(['a.1', 'a.b.c', 'b', 'c'].map((topic) => matcher.matches(topic))).toEqual([true, false, true, false]);
  });
});

describe('the system clock', () => {
  afterEach(() => {
    vi.restoreAllMocks();
    vi.unstubAllGlobals();
  });

  test('tells the time of the machine', () => {
    const before = Date.now();
    const now = systemClock.now();
    expect(now).toBeGreaterThanOrEqual(before);
    expect(now).toBeLessThanOrEqual(Date.now());
  });

  test('runs a timer once, unless it was cancelled; cancelling late or again does nothing', async () => {
    const ran: string[] = [];
    const cancel = systemClock.setTimer(() => ran.push('cancelled'), 0);
    cancel();
    cancel();
    await new Promise<void>((resolve) => {
      const late = systemClock.setTimer(
        () => {
          ran.push('ran');
          late();
          resolve();
        },
        0,
        true,
      );
    });
    expect(ran).toEqual(['ran']);
  });

  test('lets the process end while a timer waits, unless the timer is to keep it alive', () => {
    const timers: NodeJS.Timeout[] = [];
    const setTimeout = globalThis.setTimeout;
    vi.stubGlobal('setTimeout', (callback: () => void, delay: number) => {
      const timer = setTimeout(callback, delay);
      timers.push(timer);
      return timer;
    });
    const cancels = [systemClock.setTimer(() => {}, 1000), systemClock.setTimer(() => {}, 1000, true)];
    expect(timers.map((timer) => timer.hasRef())).toEqual([false, true]);
    for (const cancel of cancels) cancel();
  });

  test('takes a delay beyond what the platform can wait for the longest one, not for none', () => {
    const delays: number[] = [];
    vi.stubGlobal('setTimeout', (_: () => void, delay: number) => delays.push(delay));
    systemClock.setTimer(() => {}, 1e12);
    systemClock.setTimer(() => {}, Infinity);
    expect(delays).toEqual([2 ** 31 - 1, 2 ** 31 - 1]);
  });

  test('waits longer than the platform can, for as long as it takes', () => {
    vi.useFakeTimers();
    try {
      const day = 86_400_000;
      const begun = Date.now();
      const ran: string[] = [];
      const at = (days: number): (() => void) => {
        return () => ran.push(`${days}: ${(Date.now() - begun) / day}`);
      };
      for (const days of [10, 30, 90]) systemClock.setTimer(at(days), days * day);
      systemClock.setTimer(at(Infinity), Infinity);
      const cancel = systemClock.setTimer(at(60), 60 * day);
      vi.advanceTimersByTime(50 * day);
      cancel();
      vi.advanceTimersByTime(150 * day);
      expect(ran).toEqual(['10: 10', '30: 30', '90: 90']);
    } finally {
      vi.useRealTimers();
    }
  });

  test.each([
    ['setImmediate', []],
    ['a message channel, in a browser', ['setImmediate']],
    ['a timer, where there is neither', ['setImmediate', 'MessageChannel']],
  ])('runs the next turn by %s: after the microtasks, in order', async (_, missing) => {
    for (const name of missing) vi.stubGlobal(name, undefined);
    const log: string[] = [];
    await new Promise<void>((resolve) => {
      systemClock.nextTurn(() => log.push('first turn'));
      systemClock.nextTurn(() => {
        log.push('second turn');
        resolve();
      });
      void Promise.resolve()
        .then(() => log.push('microtask'))
        .then(() => log.push('microtask of it'));
    });
    expect(log).toEqual(['microtask', 'microtask of it', 'first turn', 'second turn']);
  });
});

test('the randomness of the system gives 32 hexadecimal digits, never the same, and fractions below 1', () => {
  const ids = Array.from({ length: 1000 }, () => systemRandomness.id());
  expect(new Set(ids).size).toBe(1000);
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{32}$/);
  for (let n = 0; n < 1000; n++) {
    const fraction = systemRandomness.fraction();
    expect(fraction).toBeGreaterThanOrEqual(0);
    expect(fraction).toBeLessThan(1);
  }
});
