import type { Clock } from '../../clock.ts';
import type { GatewayLimits } from '../api.ts';

const leastRemembered = 10_000;

/** Of how many it is remembered that they come back no more: all that there are can be sent away at once. */
export function mostRemembered({ maxConnections, maxSessions }: GatewayLimits): number {
  return Math.max(maxConnections + maxSessions, leastRemembered);
}

/** A point in the order of one gateway's disconnects. Of another gateway's only the time means something. */
export interface Moment {
  /** Milliseconds since 1970. */
  readonly time: number;
  /** How many disconnects there had been. */
  readonly count: number;
}

/** Who was sent away, by address, and when: sessions, tickets and admissions from before that lead nowhere any more. */
export class Disconnects {
  readonly #clock: Clock;
  readonly #maxRemembered: number;
  /** The last one of each address, the longest ago first. */
  readonly #moments = new Map<string, Moment>();
  #last: Moment = { time: Number.NEGATIVE_INFINITY, count: 0 };

  /** Beyond `maxRemembered` addresses, those are forgotten that were sent away longest ago. */
  constructor(clock: Clock, maxRemembered: number) {
    this.#clock = clock;
    this.#maxRemembered = maxRemembered;
  }

  /** The present: later than every disconnect so far, also in one millisecond or after the clock was set back. */
  now(): Moment {
    const { time, count } = this.#last;
    return { time: Math.max(this.#clock.now(), time), count };
  }

  /** The last ones are remembered longest. */
  add(addresses: readonly string[]): void {
    const { time, count } = this.now();
    this.#last = { time, count: count + 1 };
    for (const address of addresses) {
      this.#moments.delete(address);
      this.#moments.set(address, this.#last);
    }
    for (const [oldest] of this.#moments) {
      if (this.#moments.size <= this.#maxRemembered) return;
      this.#moments.delete(oldest);
    }
  }

  /** Whether one of these addresses was sent away after what has begun then, by `now`. */
  since(began: Moment, addresses: readonly string[]): boolean {
    return addresses.some((address) => {
      const gone = this.#moments.get(address);
      return gone !== undefined && isBefore(began, gone);
    });
  }

  clear(): void {
    this.#moments.clear();
  }
}

function isBefore(one: Moment, other: Moment): boolean {
  return one.time < other.time || (one.time === other.time && one.count < other.count);
}
