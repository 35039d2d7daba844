import type { CancelTimer, Clock } from '../clock.ts';
import type { GatewayTimings } from './api.ts';

export interface HeartbeatOptions {
  readonly clock: Clock;
  readonly timings: GatewayTimings;
  /** Nothing is read from the client at present, so its silence says nothing. */
  readonly isDeaf: () => boolean;
  /** The carrier has not drained. */
  readonly isHeldBack: () => boolean;
  /** Rises whenever the carrier has drained something. */
  readonly drains: () => number;
  readonly onPing: () => void;
  /** The client sent nothing between too many pings. */
  readonly onDead: () => void;
  /** The carrier has drained nothing for too long. */
  readonly onStalled: () => void;
}

/** Watches whether one client is alive: that it sends something now and then, and takes what it is sent. */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  #missed = 0;
  #cancelPing: CancelTimer | undefined;
  #cancelStall: CancelTimer | undefined;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
  }

  start(): void {
    const { clock, timings } = this.#options;
    this.#cancelPing = clock.setTimer(() => this.#tick(), timings.pingMs);
  }

  /** The client sent something. */
  alive(): void {
    this.#missed = 0;
  }

  /** The carrier holds back what was sent: from now on it must drain. */
  watchDraining(): void {
    const { clock, timings, drains } = this.#options;
    // Over TLS a carrier holds back and drains all the time, so a running timer is left to run.
    if (this.#cancelStall !== undefined || timings.stallTimeoutMs === Number.POSITIVE_INFINITY) return;
    const before = drains();
    this.#cancelStall = clock.setTimer(() => this.#checkDraining(before), timings.stallTimeoutMs);
  }

  end(): void {
    this.#cancelPing?.();
    this.#cancelStall?.();
  }

  #checkDraining(before: number): void {
    const { isHeldBack, drains, onStalled } = this.#options;
    this.#cancelStall = undefined;
    if (!isHeldBack()) return;
    if (drains() > before) this.watchDraining();
    else onStalled();
  }

  #tick(): void {
    const { timings, isDeaf, onPing, onDead } = this.#options;
    if (isDeaf()) this.#missed = 0;
    else this.#missed += 1;
    if (this.#missed > timings.maxMissedPings) {
      onDead();
      return;
    }
    onPing();
    this.start();
  }
}
