import type { Clock } from '@hexbus/core';
import type { Backlog } from './backlog.ts';
import { Fifo } from './fifo.ts';

/** Something to be done in its turn: a message, or a signal between messages. */
export interface Work {
  /** What it takes in memory; 0 for signals. */
  readonly size: number;
  /** It is of no use without the connection that brought it. */
  readonly perishable: boolean;
  /** Resolves with whether somebody has done it; false also when it was abandoned. Never rejects. */
  run(): Promise<boolean>;
  /** It is done with, or will never be wanted. */
  settle(): void;
}

/** Works done in a row before other parts of the program get a turn. */
const worksPerTurn = 64;

/** Does one thing at a time, in order. */
export class Pump {
  readonly #clock: Clock;
  readonly #backlog: Backlog;
  readonly #queue = new Fifo<Work>();
  #running: Promise<void> | undefined;
  #halted = false;
  #discarded = false;

  constructor(clock: Clock, backlog: Backlog) {
    this.#clock = clock;
    this.#backlog = backlog;
  }

  /** Resolves when nothing runs. */
  get idle(): Promise<void> {
    return this.#running ?? Promise.resolve();
  }

  /** Never runs anything before it returns. */
  push(work: Work): void {
    if (this.#halted) {
      if (this.#discarded) work.settle();
      return;
    }
    // Of those one comes at a time.
    if (!work.perishable) this.#backlog.add(work.size);
    this.#queue.push(work);
    this.#running ??= this.#run();
  }

  /** The connection is gone. */
  dropPerishable(): void {
    for (const work of this.#queue.takeAll()) {
      if (work.perishable) this.#remove(work);
      else this.#queue.push(work);
    }
  }

  /** Starts nothing any more; what waits is left unsettled. */
  halt(): void {
    this.#halted = true;
  }

  /** Starts nothing any more; nobody wants what waits. */
  discard(): void {
    this.#halted = true;
    this.#discarded = true;
    for (const work of this.#queue.takeAll()) this.#remove(work);
  }

  async #run(): Promise<void> {
    await undefined;
    for (let count = 1; !this.#halted; count++) {
      const work = this.#queue.shift();
      if (work === undefined) break;
      const done = await work.run();
      // Whoever has ended its handler may be about to halt this as well, so that it is kept.
      if (!done && !this.#halted) await this.#nextTurn();
      // What was left while others go on is wanted by nobody.
      if (done || this.#discarded || !this.#halted) this.#remove(work);
      if (count % worksPerTurn === 0) await this.#nextTurn();
    }
    this.#running = undefined;
  }

  #nextTurn(): Promise<void> {
    return new Promise((resolve) => this.#clock.nextTurn(resolve));
  }

  #remove(work: Work): void {
    work.settle();
    if (!work.perishable) this.#backlog.remove(work.size);
  }
}
