import type { Tab } from './tab.ts';

/** At most so often. */
const intervalMs = 500;

/** Tells the server how far this tab has handled what came, when that has changed. */
export class Report {
  readonly #tab: Tab;
  #handled: { readonly pulse: number | null; readonly note: number | null } = { pulse: null, note: null };
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(tab: Tab) {
    this.#tab = tab;
    // A server that was started again knows nothing of this tab.
    tab.onState(({ connected }) => {
      if (connected) this.#soon();
    });
  }

  pulse(number: number): void {
    this.#handled = { ...this.#handled, pulse: number };
    this.#soon();
  }

  note(position: number): void {
    this.#handled = { ...this.#handled, note: position };
    this.#soon();
  }

  #soon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      // Without a connection it is told at the next one.
      void this.#tab.request('report', this.#handled);
    }, intervalMs);
  }
}
