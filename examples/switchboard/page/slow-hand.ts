const restMs = 1_000;

/** Lets a handler take its time, as one with much to do would. */
export class SlowHand {
  #slow = false;
  #goOn = (): void => undefined;

  set slow(slow: boolean) {
    this.#slow = slow;
    if (!slow) this.#goOn();
  }

  /** Resolves after a while when slow, else at once. */
  rest(): Promise<void> | undefined {
    if (!this.#slow) return undefined;
    return new Promise((resolve) => {
      this.#goOn = resolve;
      setTimeout(resolve, restMs);
    });
  }
}
