import type { Clock } from '../../clock.ts';
import type { busDefaults } from '../options.ts';

type Defaults = typeof busDefaults;

// The types hold them to the defaults of the bus, which a client does not bring along.
const firstPauseMs: Defaults['retryDelayMs'] = 100;
const longestPauseMs: Defaults['maxRetryDelayMs'] = 30_000;

/** Growing pauses between tries of something that fails for a reason outside; can be ended while it pauses. */
export class Backoff {
  readonly #clock: Clock;
  readonly #firstMs: number;
  #tries = 0;
  #ended = false;
  #endPause: (() => void) | undefined;

  constructor(clock: Clock, firstMs: number = firstPauseMs) {
    this.#clock = clock;
    this.#firstMs = firstMs;
  }

  /** The next pause is the first one again. */
  reset(): void {
    this.#tries = 0;
  }

  /** `keepAlive`: the tries are bounded, so a process that has nothing else to do waits for them. */
  pause(keepAlive = false): Promise<void> {
    if (this.#ended) return Promise.resolve();
    const delayMs = Math.min(this.#firstMs * 2 ** this.#tries, longestPauseMs);
    this.#tries += 1;
    return new Promise((resolve) => {
      const cancel = this.#clock.setTimer(resolve, delayMs, keepAlive);
      this.#endPause = () => {
        cancel();
        resolve();
      };
    });
  }

  /** Ends the pause that is under way, and makes none any more. */
  end(): void {
    this.#ended = true;
    this.#endPause?.();
  }
}
