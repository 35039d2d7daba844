import type { CancelTimer, Clock } from '../clock.ts';
import type { GatewayTimings, Identity } from './api.ts';

export interface IdentityWatchOptions {
  readonly clock: Clock;
  readonly timings: GatewayTimings;
  readonly onExpiring: (inMs: number) => void;
  readonly onExpired: () => void;
}

/** Watches when one client's identity expires: warns before, and ends a while after, unless it is renewed. */
export class IdentityWatch {
  readonly #options: IdentityWatchOptions;
  #cancelTimer: CancelTimer | undefined;

  constructor(options: IdentityWatchOptions) {
    this.#options = options;
  }

  watch({ expiresAt }: Identity): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    if (expiresAt === undefined) return;
    const { clock, timings, onExpiring } = this.#options;
    const leftMs = Math.max(0, expiresAt - clock.now());
    const warn = (): void => {
      const inMs = Math.max(0, Math.ceil(expiresAt - clock.now()));
      onExpiring(inMs);
      this.#cancelTimer = clock.setTimer(() => this.#options.onExpired(), inMs + timings.expiryGraceMs);
    };
    this.#cancelTimer = clock.setTimer(warn, Math.max(0, leftMs - timings.expiryWarningMs));
  }

  end(): void {
    this.#cancelTimer?.();
  }
}
