import type { CancelTimer, Clock } from '@hexbus/core';
import type { Scheduler } from 'fast-check';
import { microtasks } from '../support/microtasks.ts';

/** The one order in which everything happens in a run. What comes next is picked by fast-check among all that could. */
export class Schedule {
  readonly #scheduler: Scheduler;
  readonly #interruptions: { readonly after: number; readonly run: () => void }[] = [];
  #steps = 0;
  #isMidway = false;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  /** How many steps were made. Doubles as the time of everything the checks compare. */
  get steps(): number {
    return this.#steps;
  }

  /** Something is under way in this step: what has happened may not be told yet. */
  get isMidway(): boolean {
    return this.#isMidway;
  }

  get pending(): number {
    return this.#scheduler.count() + this.#interruptions.length;
  }

  /** Resolves once it is picked. */
  async step(label: string): Promise<void> {
    await this.#scheduler.schedule(Promise.resolve(), label);
    this.#interrupt();
  }

  /** Runs in the middle of the next step, whatever that is: so many microtasks after its beginning. */
  interrupt(after: number, run: () => void): void {
    this.#interruptions.push({ after, run });
  }

  /** Resolves in the middle of this step, so many microtasks from now. */
  async midway(after: number): Promise<void> {
    await microtasks(after);
    this.#isMidway = true;
  }

  /** Makes one step, and all that follows from it without another. */
  async next(): Promise<void> {
    this.#steps += 1;
    this.#isMidway = false;
    if (this.#scheduler.count() > 0) await this.#scheduler.waitNext(1);
    else this.#interrupt();
    await promisesSettled();
  }

  #interrupt(): void {
    for (const { after, run } of this.#interruptions.splice(0)) void this.midway(after).then(run);
  }
}

/** A real macrotask: by then every promise callback that could run has run, however long the chain. */
export function promisesSettled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

interface Timer {
  readonly due: number;
  readonly recurs: boolean;
  readonly run: () => void;
}

/** How often the buses of a run enforce limits of age. The timer that does it is the only one without an end. */
export const trimIntervalMs = 5_000;

/** Time that only the run moves. A timer that came due runs in a step of its own, in whatever order they are picked, as on a slow machine. */
export class SimulatedTime {
  readonly #schedule: Schedule;
  readonly #timers = new Set<Timer>();
  #now = 1_000_000;

  constructor(schedule: Schedule) {
    this.#schedule = schedule;
  }

  get now(): number {
    return this.#now;
  }

  /** How many timers are set, without those that recur. */
  get waiting(): number {
    return [...this.#timers].filter((timer) => !timer.recurs).length;
  }

  /** The clock of one life of the program. When that is over, nothing it has asked for runs any more. */
  clockFor(isAlive: () => boolean): Clock {
    return {
      now: () => this.#now,
      nextTurn: (callback) => {
        void this.#schedule.step('turn').then(() => isAlive() && callback());
      },
      setTimer: (callback, delayMs): CancelTimer => {
        let cancelled = false;
        const run = (): void => void (!cancelled && isAlive() && callback());
        const timer: Timer = { due: this.#now + delayMs, recurs: delayMs === trimIntervalMs, run };
        this.#timers.add(timer);
        return () => {
          cancelled = true;
          this.#timers.delete(timer);
        };
      },
    };
  }

  /** Lets time pass. */
  advance(ms: number): void {
    this.#now += ms;
    for (const timer of this.#timers) {
      if (timer.due > this.#now) continue;
      this.#timers.delete(timer);
      void this.#schedule.step('timer').then(timer.run);
    }
  }

  /** Lets time pass until the first timer is due that does not recur. Returns whether there was one. */
  advanceToTimer(): boolean {
    const due = Math.min(...[...this.#timers].filter((timer) => !timer.recurs).map((timer) => timer.due));
    if (due === Number.POSITIVE_INFINITY) return false;
    this.advance(Math.max(0, due - this.#now));
    return true;
  }

  /** A life is over. */
  forgetTimers(): void {
    this.#timers.clear();
  }
}
