import { type CancelTimer, type Clock, systemClock } from '@hexbus/core';

export interface VirtualClockOptions {
  /** What `now()` says at first. Default 1,000,000,000,000 (in September 2001). */
  readonly startAt?: number;
  /** `manual` (default): turns run when the test says so. `real`: they run by themselves, and only time stands still. */
  readonly turns?: 'manual' | 'real';
}

/** A clock that only the test moves. Turns run in the order in which they were asked for; timers by due time, then by age. */
export interface VirtualClock extends Clock {
  /** How many tasks wait for the next turn, and how many timers are set. Both 0 means nothing was left behind. */
  readonly pendingTurns: number;
  readonly pendingTimers: number;
  /** Sets the time by `ms`, also backwards, and runs nothing; timers that came due run at the next `advance`. */
  jump(ms: number): void;
  /** One turn: runs what was queued before this call, promises not included. Returns how many tasks it ran. */
  runTurn(): number;
  /** Runs turns, and the promises between them, until none waits. Rejects after 100,000 turns. */
  runAll(): Promise<void>;
  /** Lets `ms` pass: runs each timer at its due time, and before and after each of them what `runAll` would. */
  advance(ms: number): Promise<void>;
}

interface Timer {
  readonly due: number;
  readonly callback: () => void;
}

const maxTurns = 100_000;

export function createVirtualClock(options: VirtualClockOptions = {}): VirtualClock {
  let now = options.startAt ?? 1_000_000_000_000;
  let advancing = false;
  const turns: (() => void)[] = [];
  // A set keeps the order in which timers were made, so the first of the smallest due time is the right one.
  const timers = new Set<Timer>();

  function earliest(until: number): Timer | undefined {
    let found: Timer | undefined;
    for (const timer of timers) {
      if (timer.due <= until && (found === undefined || timer.due < found.due)) found = timer;
    }
    return found;
  }

  function runTurn(): number {
    const count = turns.length;
    for (let ran = 0; ran < count; ran++) turns.shift()?.();
    return count;
  }

  async function runAll(): Promise<void> {
    await promisesSettled();
    for (let turn = 0; turns.length > 0; turn++) {
      if (turn === maxTurns) throw new Error(`virtual clock: still busy after ${maxTurns} turns`);
      runTurn();
      await promisesSettled();
    }
  }

  return {
    now: () => now,
    setTimer(callback, delayMs): CancelTimer {
      const timer: Timer = { due: now + Math.max(0, delayMs), callback };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    nextTurn(callback) {
      turns.push(callback);
      if (options.turns === 'real') systemClock.nextTurn(() => turns.shift()?.());
    },
    get pendingTurns() {
      return turns.length;
    },
    get pendingTimers() {
      return timers.size;
    },
    jump(ms) {
      now += ms;
    },
    runTurn,
    runAll,
    async advance(ms) {
      if (advancing) throw new Error('virtual clock: advance was called while another advance ran; await the first');
      advancing = true;
      try {
        const until = now + ms;
        await runAll();
        for (let timer = earliest(until); timer !== undefined; timer = earliest(until)) {
          now = Math.max(now, timer.due);
          timers.delete(timer);
          timer.callback();
          await runAll();
        }
        now = Math.max(now, until);
      } finally {
        advancing = false;
      }
    },
  };
}

/** A real macrotask: by then every promise callback that could run has run, however long the chain. */
function promisesSettled(): Promise<void> {
  return new Promise((resolve) => systemClock.nextTurn(resolve));
}
