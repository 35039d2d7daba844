import type { CancelTimer, Clock } from '../../clock.ts';
import { setDeadline } from '../../deadline.ts';
import type { Carrier } from '../../ports/transport.ts';
import type { Outbox } from './outbox.ts';

/** Closing waits behind what the client has not taken yet, as long as it takes something now and then. */
export class Linger {
  readonly #carrier: Carrier;
  readonly #outbox: Outbox;
  #cancelTimer: CancelTimer | undefined;

  constructor(carrier: Carrier, outbox: Outbox) {
    this.#carrier = carrier;
    this.#outbox = outbox;
  }

  begin(clock: Clock, stallTimeoutMs: number): void {
    const before = this.#outbox.drains();
    const judge = (): void => {
      if (this.#outbox.drains() > before) this.begin(clock, stallTimeoutMs);
      else this.#carrier.terminate();
    };
    this.#cancelTimer = setDeadline(clock, judge, stallTimeoutMs);
  }

  end(): void {
    this.#cancelTimer?.();
  }
}
