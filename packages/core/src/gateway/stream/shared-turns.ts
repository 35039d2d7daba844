import type { Clock } from '../../clock.ts';

/** When so much of a turn is over, nothing more begins in it. */
const maxTurnMs = 5;

/**
 * What reads the history for the clients of a gateway, a page at a time, shares the turns: so much runs in one as there is time for, in the order in
 * which it was asked for, and the rest in the next ones, however many ask. A history that answers in a later turn holds up nobody.
 */
export class SharedTurns {
  readonly #clock: Pick<Clock, 'now' | 'nextTurn'>;
  readonly #waiting: (() => Promise<void>)[] = [];
  /** Rises when a turn is over. */
  #turn = 0;
  /** The time of its beginning. Undefined in a turn of which nothing was used yet. */
  #began: number | undefined;

  constructor(clock: Pick<Clock, 'now' | 'nextTurn'>) {
    this.#clock = clock;
  }

  /** Settles as the work does, which begins at once where nobody waits and this turn has time for it. */
  run<Result>(work: () => Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      const begin = (): Promise<void> => work().then(resolve, reject);
      if (this.#waiting.length === 0 && this.#hasTime()) void begin();
      else this.#waiting.push(begin);
    });
  }

  #hasTime(): boolean {
    if (this.#began === undefined) {
      this.#began = this.#clock.now();
      this.#clock.nextTurn(() => this.#end());
    }
    return this.#clock.now() - this.#began < maxTurnMs;
  }

  #end(): void {
    this.#turn += 1;
    this.#began = undefined;
    if (this.#waiting.length > 0) void this.#beginWaiting();
  }

  /** One after the other, so that also what each does with its answer counts. */
  async #beginWaiting(): Promise<void> {
    const turn = this.#turn;
    while (turn === this.#turn && this.#hasTime()) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      await next();
    }
  }
}
