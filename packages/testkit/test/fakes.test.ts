import { createSeededRandomness, createVirtualClock } from '@hexbus/testkit';
import { describe, expect, it } from 'vitest';

describe('virtual clock', () => {
  it('stands still until it is moved, and can be set back', () => {
    const clock = createVirtualClock({ startAt: 100 });
    expect(clock.now()).toBe(100);
    clock.jump(-30);
    expect(clock.now()).toBe(70);
  });

  it('runs timers at their due time, equal ones in the order in which they were set', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const log: string[] = [];
    clock.setTimer(() => log.push(`b at ${clock.now()}`), 20);
    clock.setTimer(() => log.push(`a at ${clock.now()}`), 10);
    clock.setTimer(() => log.push(`c at ${clock.now()}`), 20);
    clock.setTimer(() => log.push('late'), 31);
    await clock.advance(30);
    expect(log).toEqual(['a at 10', 'b at 20', 'c at 20']);
    expect(clock.now()).toBe(30);
    expect(clock.pendingTimers).toBe(1);
  });

  it('gives a timer that a promise sets after a timer its own due time', async () => {
    const clock = createVirtualClock({ startAt: 0 });
    const log: number[] = [];
    const retry = async (): Promise<void> => {
      log.push(clock.now());
      await Promise.resolve().then(() => {});
      clock.setTimer(() => void retry(), 10);
    };
    clock.setTimer(() => void retry(), 10);
    await clock.advance(35);
    expect(log).toEqual([10, 20, 30]);
  });

  it('cancels', async () => {
    const clock = createVirtualClock();
    const cancel = clock.setTimer(() => expect.unreachable(), 1);
    cancel();
    cancel();
    await clock.advance(5);
    expect(clock.pendingTimers).toBe(0);
  });

  it('runs one turn at a time: what a turn asks for comes in the next one', async () => {
    const clock = createVirtualClock();
    const log: string[] = [];
    clock.nextTurn(() => {
      log.push('first');
      clock.nextTurn(() => log.push('third'));
    });
    clock.nextTurn(() => log.push('second'));
    expect(clock.runTurn()).toBe(2);
    expect(log).toEqual(['first', 'second']);
    expect(clock.pendingTurns).toBe(1);
    await clock.runAll();
    expect(log).toEqual(['first', 'second', 'third']);
    expect(clock.runTurn()).toBe(0);
  });

  it('runs promises between turns, however long their chains', async () => {
    const clock = createVirtualClock();
    let reached = false;
    clock.nextTurn(() => {
      void (async () => {
        for (let hop = 0; hop < 50; hop++) await undefined;
        clock.nextTurn(() => {
          reached = true;
        });
      })();
    });
    await clock.runAll();
    expect(reached).toBe(true);
  });

  it('lets turns run by themselves when asked to', async () => {
    const clock = createVirtualClock({ turns: 'real' });
    await new Promise<void>((resolve) => clock.nextTurn(resolve));
    expect(clock.pendingTurns).toBe(0);
  });

  it('refuses two advances at once', async () => {
    const clock = createVirtualClock();
    const first = clock.advance(1);
    await expect(clock.advance(1)).rejects.toThrow('await the first');
    await first;
  });
});

describe('seeded randomness', () => {
  it('repeats for a seed and differs between seeds', () => {
    const ids = (seed: number): string[] => {
      const randomness = createSeededRandomness(seed);
      return Array.from({ length: 200 }, () => randomness.id());
    };
    expect(ids(1)).toEqual(ids(1));
    expect(ids(1)).not.toEqual(ids(2));
    expect(new Set(ids(1)).size).toBe(200);
    for (const id of ids(3)) expect(id).toMatch(/^[0-9a-f]{32}$/);
  });

  it('draws fractions from 0 up to but not including 1', () => {
    const randomness = createSeededRandomness(7);
    const fractions = Array.from({ length: 1000 }, () => randomness.fraction());
    expect(Math.min(...fractions)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...fractions)).toBeLessThan(1);
    expect(fractions.reduce((sum, fraction) => sum + fraction, 0) / 1000).toBeCloseTo(0.5, 1);
  });
});
