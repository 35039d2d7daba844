import type { HistoryStore, Message, WriteResult } from '@hexbus/core';
import {
  createEventLog,
  createHistoryProbe,
  createSeededRandomness,
  createVirtualClock,
  type HistoryContext,
  type HistoryProbe,
  historyStoreSuite,
} from '@hexbus/testkit';
import { describe, expect, it } from 'vitest';
import { MinimalHistory } from './minimal-history.ts';

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

describe('event log', () => {
  it('notes handlers and observers in one order, and hands lines out once', () => {
    const log = createEventLog();
    const message: Message = { id: 'a', topic: 'order.created', body: { n: 1 }, time: 0, position: 3 };
    log.handler('ann')(message);
    log.observer('published')({ topic: 'order.created', id: 'a', position: 3, duplicate: false });
    expect(log.take()).toEqual(['ann: order.created#3 {"n":1}', 'published: order.created#3 duplicate=false']);
    expect(log.handler('ben', () => 7)({ id: 'b', topic: 'mouse.moved', type: 'Moved', body: null, time: 0 })).toBe(7);
    log.observer('gap')({ from: 0, to: 3, topics: ['a'], why: undefined });
    log.observer('failed')({ error: new Error('boom'), position: 4 });
    log.note('end');
    const rest = [
      'ben: mouse.moved Moved null',
      'gap: from=0 to=3 topics=["a"]',
      'failed: position=4 error=boom',
      'end',
    ];
    expect(log.take()).toEqual(rest);
    expect(log.take()).toEqual([]);
    expect(log.lines).toHaveLength(6);
  });
});

describe('history probe', () => {
  const options = { retention: [], deduplication: { maxIds: 1, maxAgeMs: 1 } };
  const empty = { append: [], settle: [], commitCursors: [], deleteCursors: [] };
  const open = async (): Promise<{ probe: HistoryProbe; write: () => Promise<WriteResult> }> => {
    const probe = createHistoryProbe(new MinimalHistory(createVirtualClock(), createSeededRandomness(1)));
    const { epoch } = await probe.store.open(options);
    const append = [{ topic: 'a', id: 'a', body: '1', deduplicate: false }];
    return { probe, write: () => probe.store.write({ epoch, ...empty, append }) };
  };

  it('fails a call before or after it took effect, once', async () => {
    const { probe, write } = await open();
    probe.failNext('write', new Error('first'));
    probe.failNext('write', new Error('second'), 'after');
    await expect(write()).rejects.toThrow('first');
    await expect(write()).rejects.toThrow('second');
    expect((await write()).before).toBe(1);
    await probe.store.close();
    expect(probe.calls).toEqual(['open', 'write', 'write', 'write', 'close']);
  });

  it('holds an answer until it is released', async () => {
    const { probe, write } = await open();
    const release = probe.holdNext('write');
    let answered = false;
    const held = write().then(() => {
      answered = true;
    });
    expect((await write()).before).toBe(1);
    expect(answered).toBe(false);
    release();
    await held;
  });

  it('keeps the contract itself', async () => {
    const runs: (() => Promise<void>)[] = [];
    const runner = {
      describe: (_: string, define: () => void) => define(),
      it: (_: string, run: () => Promise<void>) => void runs.push(run),
    };
    const create = ({ clock, randomness }: HistoryContext): HistoryStore =>
      createHistoryProbe(new MinimalHistory(clock, randomness)).store;
    historyStoreSuite(runner, { name: 'probe', create, property: { runs: 50 } });
    for (const run of runs) await run();
    expect(runs.length).toBeGreaterThan(70);
  });
});
