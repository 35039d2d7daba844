import type { Tab } from './tab.ts';

/** At most so often. */
const intervalMs = 500;

/** Tells the server the last pulse that this tab has handled, when there is another one. */
export class Report {
  readonly #tab: Tab;
  #number: number | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(tab: Tab) {
    this.#tab = tab;
    // A server that was started again knows nothing of this tab.
    tab.onState(({ connected }) => {
      if (connected) this.#soon();
    });
  }

  handled(number: number): void {
    this.#number = number;
    this.#soon();
  }

  #soon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      // Without a connection it is told at the next one.
      if (this.#number !== undefined) void this.#tab.request('report', { pulse: this.#number });
    }, intervalMs);
  }
}
