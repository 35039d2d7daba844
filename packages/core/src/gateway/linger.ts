import type { CancelTimer, Clock } from '../clock.ts';

export interface LingerOptions {
  readonly clock: Clock;
  readonly stallTimeoutMs: number;
  /** Grows with what the carrier has taken. */
  readonly drains: () => number;
  readonly onStalled: () => void;
}

/** Closing waits behind what the client has not taken yet, as long as it takes something now and then. */
export class Linger {
  readonly #options: LingerOptions;
  #cancelTimer: CancelTimer | undefined;

  constructor(options: LingerOptions) {
    this.#options = options;
  }

  begin(): void {
    const { clock, stallTimeoutMs, drains, onStalled } = this.#options;
    if (stallTimeoutMs === Number.POSITIVE_INFINITY) return;
    const before = drains();
    this.#cancelTimer = clock.setTimer(() => {
      if (drains() > before) this.begin();
      else onStalled();
    }, stallTimeoutMs);
  }

  end(): void {
    this.#cancelTimer?.();
  }
}
