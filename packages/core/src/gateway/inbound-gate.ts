import type { CancelTimer, Clock } from '../clock.ts';
import type { Carrier } from '../ports/transport.ts';
import type { GatewayLimits } from './api.ts';
import { TokenBucket } from './token-bucket.ts';

/** Why nothing is read from a client for now: it sends too fast, or does not take what it is sent. */
export type GateReason = 'rate' | 'outbox';

/** Reads from one client, or not. What is not read waits in the network, and in the client. */
export class InboundGate {
  readonly #carrier: Carrier;
  readonly #clock: Clock;
  readonly #bucket: TokenBucket;
  readonly #reasons = new Set<GateReason>();
  #cancelTimer: CancelTimer | undefined;
  #owedFrames = 0;
  #owedBytes = 0;

  constructor(carrier: Carrier, limits: GatewayLimits, clock: Clock) {
    this.#carrier = carrier;
    this.#clock = clock;
    this.#bucket = new TokenBucket(limits, clock);
  }

  get isShut(): boolean {
    return this.#reasons.size > 0;
  }

  shut(reason: GateReason): void {
    this.#reasons.add(reason);
    if (this.#reasons.size === 1) this.#carrier.pause();
  }

  open(reason: GateReason): void {
    if (this.#reasons.delete(reason) && this.#reasons.size === 0) this.#carrier.resume();
  }

  /** The client sent something that counts as so many frames. Shuts the gate until its rate allows for it. */
  charge(frames: number, bytes: number): void {
    this.#owedFrames += frames;
    this.#owedBytes += bytes;
    if (!this.#reasons.has('rate')) this.#pay();
  }

  /** Opens for good, so that the carrier can see its client close. */
  end(): void {
    this.#cancelTimer?.();
    if (this.isShut) this.#carrier.resume();
    this.#reasons.clear();
  }

  #pay(): void {
    const waitMs = this.#bucket.take(this.#owedFrames, this.#owedBytes);
    if (waitMs === 0) {
      this.#owedFrames = 0;
      this.#owedBytes = 0;
      this.open('rate');
      return;
    }
    this.shut('rate');
    this.#cancelTimer = this.#clock.setTimer(() => this.#pay(), waitMs);
  }
}
