import type { CancelTimer, Clock } from '../../clock.ts';
import { setDeadline } from '../../deadline.ts';

/** Why a call is not waited for any more: its time is over, its `signal` was aborted, or all calls were ended. */
export type GivenUp = 'late' | 'aborted' | 'ended';

/** Calls to somebody who may never answer. Each ends once, in its time at the latest, and leaves no timer behind. */
export class OpenCalls {
  readonly #clock: Clock;
  /** What gives up each that is open. */
  readonly #open = new Set<(why: GivenUp) => void>();
  #isOver = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Settles as the call does, or with what `without` returns or throws once it is given up. After `end` nothing is called any more. */
  wait<Answer>(
    call: () => Promise<Answer>,
    { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
    without: (why: GivenUp) => Answer,
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      let cancelTimer: CancelTimer | undefined;
      const forget = (): void => {
        cancelTimer?.();
        signal?.removeEventListener('abort', abort);
        this.#open.delete(giveUp);
      };
      const giveUp = (why: GivenUp): void => {
        forget();
        try {
          resolve(without(why));
        } catch (error) {
          reject(error);
        }
      };
      const abort = (): void => giveUp('aborted');
      if (this.#isOver) return giveUp('ended');
      if (signal?.aborted === true) return abort();
      this.#open.add(giveUp);
      signal?.addEventListener('abort', abort);
      cancelTimer = setDeadline(this.#clock, () => giveUp('late'), timeoutMs);
      // What throws at once has failed like what rejects.
      new Promise<Answer>((answer) => answer(call())).finally(forget).then(resolve, reject);
    });
  }

  /** Gives up all that are open, and what is asked later at once. */
  end(): void {
    this.#isOver = true;
    for (const giveUp of this.#open) giveUp('ended');
  }
}
