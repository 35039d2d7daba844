import type { CancelTimer, Clock } from '../../clock.ts';
import type { Carrier } from '../../ports/transport.ts';
import type { GatewayLimits } from '../api.ts';
import { TokenBucket } from './token-bucket.ts';

/** Reads from one client, or not. What is not read waits in the network, and in the client. */
export class InboundGate {
  readonly #carrier: Carrier;
  readonly #clock: Clock;
  readonly #bucket: TokenBucket;
  /** It sends too fast. */
  #isTooFast = false;
  /** It does not take what it is sent. */
  #isOutboxFull = false;
  #cancelTimer: CancelTimer | undefined;
  #owedFrames = 0;
  #owedBytes = 0;

  constructor(carrier: Carrier, limits: GatewayLimits, clock: Clock) {
    this.#carrier = carrier;
    this.#clock = clock;
    this.#bucket = new TokenBucket(limits, clock);
  }

  get isShut(): boolean {
    return this.#isTooFast || this.#isOutboxFull;
  }

  /** The client does not take what it is sent, or takes it again. */
  setOutboxFull(isFull: boolean): void {
    this.#set(this.#isTooFast, isFull);
  }

  /** The client sent something that counts as so many frames. Shuts the gate until its rate allows for it. */
  charge(frames: number, bytes: number): void {
    this.#owedFrames += frames;
    this.#owedBytes += bytes;
    if (!this.#isTooFast) this.#pay();
  }

  /** Opens for good, so that the carrier can see its client close. */
  end(): void {
    this.#cancelTimer?.();
    this.#set(false, false);
  }

  #set(isTooFast: boolean, isOutboxFull: boolean): void {
    const wasShut = this.isShut;
    this.#isTooFast = isTooFast;
    this.#isOutboxFull = isOutboxFull;
    if (this.isShut === wasShut) return;
    if (wasShut) this.#carrier.resume();
    else this.#carrier.pause();
  }

  #pay(): void {
    const waitMs = this.#bucket.take(this.#owedFrames, this.#owedBytes);
    this.#set(waitMs > 0, this.#isOutboxFull);
    if (waitMs > 0) {
      this.#cancelTimer = this.#clock.setTimer(() => this.#pay(), waitMs);
      return;
    }
    this.#owedFrames = 0;
    this.#owedBytes = 0;
  }
}
