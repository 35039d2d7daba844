import type { Clock } from '../../clock.ts';
import type { GatewayLimits } from '../api.ts';

type Limits = Pick<GatewayLimits, 'maxFramesPerSecond' | 'maxFrameBurst' | 'maxBytesPerSecond' | 'maxByteBurst'>;

/**
 * How much one client may send: frames and bytes, each by an average and a burst. Counts in thousandths, of which a rate per second gives whole ones
 * each millisecond: so no rounding adds up.
 */
export class TokenBucket {
  readonly #limits: Limits;
  readonly #clock: Clock;
  #frames: number;
  #bytes: number;
  #filledAt: number;

  constructor(limits: Limits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
    this.#frames = limits.maxFrameBurst * 1000;
    this.#bytes = limits.maxByteBurst * 1000;
    this.#filledAt = clock.now();
  }

  /**
   * Takes both, or neither: then the milliseconds after which both are there. What exceeds a burst is there when the bucket is full, and owed
   * afterwards, so that nothing waits for ever.
   */
  take(frames: number, bytes: number): number {
    const { maxFramesPerSecond, maxFrameBurst, maxBytesPerSecond, maxByteBurst } = this.#limits;
    this.#fill();
    const waitMs = Math.max(
      waitMsFor(frames, this.#frames, maxFramesPerSecond, maxFrameBurst),
      waitMsFor(bytes, this.#bytes, maxBytesPerSecond, maxByteBurst),
    );
    if (waitMs > 0) return waitMs;
    this.#frames -= frames * 1000;
    this.#bytes -= bytes * 1000;
    return 0;
  }

  #fill(): void {
    const { maxFramesPerSecond, maxFrameBurst, maxBytesPerSecond, maxByteBurst } = this.#limits;
    const now = this.#clock.now();
    const passedMs = now - this.#filledAt;
    this.#filledAt = now;
    // A clock that stepped back gives nothing for that step, and goes on giving after it.
    if (passedMs <= 0) return;
    this.#frames = Math.min(maxFrameBurst * 1000, this.#frames + passedMs * maxFramesPerSecond);
    this.#bytes = Math.min(maxByteBurst * 1000, this.#bytes + passedMs * maxBytesPerSecond);
  }
}

/** When an amount is there of what is `left` in thousandths, of which as many come each millisecond as `perSecond`. */
function waitMsFor(amount: number, left: number, perSecond: number, burst: number): number {
  const missing = Math.min(amount, burst) * 1000 - left;
  return missing <= 0 ? 0 : Math.max(1, Math.ceil(missing / perSecond));
}
