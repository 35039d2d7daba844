import type { Pulse } from './pulse.ts';

/** A tab whose reports stop has fallen behind by what came since. */
const freshMs = 1_500;

interface Report {
  /** The last pulse that the tab had handled, and the last that there was. */
  readonly handled: number;
  readonly newest: number;
  readonly at: number;
}

/** What tabs tell of themselves: how far they have handled the pulses. */
export class Reports {
  readonly #pulse: Pulse;
  readonly #last = new Map<string, Report>();

  constructor(pulse: Pulse) {
    this.#pulse = pulse;
  }

  take(session: string, handled: number): void {
    this.#last.set(session, { handled, newest: this.#pulse.number, at: Date.now() });
  }

  /** How many pulses a tab has not handled; undefined until it has told. */
  behind(session: string): number | undefined {
    const last = this.#last.get(session);
    if (last === undefined) return undefined;
    const newest = Date.now() - last.at < freshMs ? last.newest : this.#pulse.number;
    return Math.max(0, newest - last.handled);
  }

  forget(session: string): void {
    this.#last.delete(session);
  }
}
