import type { CancelTimer, Clock } from '../../clock.ts';
import type { GatewayTimings, Identity } from '../api.ts';

export interface IdentityWatchHost {
  onExpiring(inMs: number): void;
  onExpired(): void;
}

/** Watches when one client's identity expires: warns before, and ends a while after, unless it is renewed. */
export class IdentityWatch {
  readonly #clock: Clock;
  readonly #timings: GatewayTimings;
  readonly #host: IdentityWatchHost;
  #cancelTimer: CancelTimer | undefined;

  constructor(clock: Clock, timings: GatewayTimings, host: IdentityWatchHost) {
    this.#clock = clock;
    this.#timings = timings;
    this.#host = host;
  }

  watch({ expiresAt }: Identity): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    if (expiresAt === undefined) return;
    const { expiryWarningMs, expiryGraceMs } = this.#timings;
    const leftMs = Math.max(0, expiresAt - this.#clock.now());
    const warn = (): void => {
      const inMs = Math.max(0, Math.ceil(expiresAt - this.#clock.now()));
      this.#host.onExpiring(inMs);
      this.#cancelTimer = this.#clock.setTimer(() => this.#host.onExpired(), inMs + expiryGraceMs);
    };
    this.#cancelTimer = this.#clock.setTimer(warn, Math.max(0, leftMs - expiryWarningMs));
  }

  end(): void {
    this.#cancelTimer?.();
  }
}
