import type { Clock } from '../clock.ts';
import type { GatewayLimits } from './api.ts';

type Limits = Pick<GatewayLimits, 'maxFramesPerSecond' | 'maxFrameBurst' | 'maxBytesPerSecond' | 'maxByteBurst'>;

/** How much one client may send: frames and bytes, each by an average and a burst. */
export class TokenBucket {
  readonly #clock: Clock;
  readonly #frames: Level;
  readonly #bytes: Level;
  #filledAt: number;

  constructor(limits: Limits, clock: Clock) {
    this.#clock = clock;
    this.#frames = new Level(limits.maxFramesPerSecond, limits.maxFrameBurst);
    this.#bytes = new Level(limits.maxBytesPerSecond, limits.maxByteBurst);
    this.#filledAt = clock.now();
  }

  /**
   * Takes both, or neither: then the milliseconds after which both are there. What exceeds a burst is there when the bucket is full, and owed
   * afterwards, so that nothing waits for ever.
   */
  take(frames: number, bytes: number): number {
    this.#fill();
    const waitMs = Math.max(this.#frames.waitMs(frames), this.#bytes.waitMs(bytes));
    if (waitMs > 0) return waitMs;
    this.#frames.take(frames);
    this.#bytes.take(bytes);
    return 0;
  }

  #fill(): void {
    const now = this.#clock.now();
    const passedMs = now - this.#filledAt;
    this.#filledAt = now;
    // A clock that stepped back gives nothing for that step, and goes on giving after it.
    if (passedMs <= 0) return;
    this.#frames.fill(passedMs);
    this.#bytes.fill(passedMs);
  }
}

/** Counts in thousandths, of which a rate per second gives whole ones each millisecond: so no rounding adds up. */
class Level {
  readonly #perMs: number;
  readonly #burst: number;
  #left: number;

  constructor(perSecond: number, burst: number) {
    this.#perMs = perSecond;
    this.#burst = burst * 1000;
    this.#left = this.#burst;
  }

  fill(passedMs: number): void {
    this.#left = Math.min(this.#burst, this.#left + passedMs * this.#perMs);
  }

  waitMs(amount: number): number {
    const missing = Math.min(amount * 1000, this.#burst) - this.#left;
    return missing <= 0 ? 0 : Math.max(1, Math.ceil(missing / this.#perMs));
  }

  take(amount: number): void {
    this.#left -= amount * 1000;
  }
}
