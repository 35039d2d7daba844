import type { Clock } from '../../clock.ts';
import type { GatewayLimits } from '../api.ts';

const leastRemembered = 10_000;

/** Of how many it is remembered that they come back no more: all that there are can be sent away at once. */
export function mostRemembered({ maxConnections, maxSessions }: GatewayLimits): number {
  return Math.max(maxConnections + maxSessions, leastRemembered);
}

/** Who was sent away, by address, and when: sessions, tickets and admissions from before that lead nowhere any more. */
export class Disconnects {
  readonly #clock: Clock;
  readonly #maxRemembered: number;
  /** The last time of each address, the longest ago first. */
  readonly #times = new Map<string, number>();
  #last = Number.NEGATIVE_INFINITY;

  /** Beyond `maxRemembered` addresses, those are forgotten that were sent away longest ago. */
  constructor(clock: Clock, maxRemembered: number) {
    this.#clock = clock;
    this.#maxRemembered = maxRemembered;
  }

  /** The present time, and later than every disconnect so far, also in one millisecond or after the clock was set back. */
  now(): number {
    return Math.max(this.#clock.now(), this.#last + 1);
  }

  /** The last ones are remembered longest. */
  add(addresses: readonly string[]): void {
    this.#last = this.now();
    for (const address of addresses) {
      this.#times.delete(address);
      this.#times.set(address, this.#last);
    }
    for (const [oldest] of this.#times) {
      if (this.#times.size <= this.#maxRemembered) return;
      this.#times.delete(oldest);
    }
  }

  /** Whether one of these addresses was sent away after what has begun then, by `now`. */
  since(began: number, addresses: readonly string[]): boolean {
    return addresses.some((address) => (this.#times.get(address) ?? Number.NaN) >= began);
  }

  clear(): void {
    this.#times.clear();
  }
}
