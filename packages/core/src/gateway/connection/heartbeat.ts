import type { CancelTimer, Clock } from '../../clock.ts';
import { setDeadline } from '../../deadline.ts';
import type { GatewayTimings } from '../api.ts';
import type { Outbox } from './outbox.ts';

export interface HeartbeatHost {
  /** Nothing is read from the client at present, so its silence says nothing. */
  readonly isDeaf: boolean;
  readonly outbox: Pick<Outbox, 'isHeldBack' | 'drains'>;
  /** The client is to be sent a sign of life. */
  onBeat(): void;
  /** The client sent nothing between too many of these. */
  onDead(): void;
  /** The carrier has drained nothing for too long. */
  onStalled(): void;
}

/** Watches whether one client is alive: that it sends something now and then, and takes what it is sent. */
export class Heartbeat {
  readonly #clock: Clock;
  readonly #timings: GatewayTimings;
  readonly #host: HeartbeatHost;
  #missed = 0;
  #cancelPing: CancelTimer | undefined;
  #cancelStall: CancelTimer | undefined;

  constructor(clock: Clock, timings: GatewayTimings, host: HeartbeatHost) {
    this.#clock = clock;
    this.#timings = timings;
    this.#host = host;
  }

  start(): void {
    this.#cancelPing = setDeadline(this.#clock, () => this.#tick(), this.#timings.pingMs);
  }

  /** The client sent something. */
  alive(): void {
    this.#missed = 0;
  }

  /** The carrier holds back what was sent: from now on it must drain. */
  watchDraining(): void {
    const { stallTimeoutMs } = this.#timings;
    // Over TLS a carrier holds back and drains all the time, so a running timer is left to run.
    if (this.#cancelStall !== undefined || stallTimeoutMs === Number.POSITIVE_INFINITY) return;
    const before = this.#host.outbox.drains();
    this.#cancelStall = setDeadline(this.#clock, () => this.#checkDraining(before), stallTimeoutMs);
  }

  end(): void {
    this.#cancelPing?.();
    this.#cancelStall?.();
  }

  #checkDraining(before: number): void {
    const { outbox } = this.#host;
    this.#cancelStall = undefined;
    if (!outbox.isHeldBack) return;
    if (outbox.drains() > before) this.watchDraining();
    else this.#host.onStalled();
  }

  #tick(): void {
    if (this.#host.isDeaf) this.#missed = 0;
    else this.#missed += 1;
    if (this.#missed > this.#timings.maxMissedPings) {
      this.#host.onDead();
      return;
    }
    this.#host.onBeat();
    this.start();
  }
}
