import type { ClientLimits } from './options.ts';

/** Counts what waits for handlers, over all of them. */
export class Backlog {
  readonly #limits: ClientLimits;
  readonly #emptied: () => void;
  #count = 0;
  #size = 0;

  constructor(limits: ClientLimits, emptied: () => void) {
    this.#limits = limits;
    this.#emptied = emptied;
  }

  get full(): boolean {
    const { maxQueuedMessages, maxQueuedBytes } = this.#limits;
    // One message may be larger than the bound: it would be no smaller when it came again.
    return this.#count > 1 && (this.#count > maxQueuedMessages || this.#size > maxQueuedBytes);
  }

  add(size: number): void {
    this.#count += 1;
    this.#size += size;
  }

  remove(size: number): void {
    this.#count -= 1;
    this.#size -= size;
    if (this.#count === 0) this.#emptied();
  }
}
