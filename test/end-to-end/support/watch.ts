/** Lets a test wait until something has come true, as things happen. */
export class Watch {
  readonly #looks = new Set<() => void>();

  /** To be called whenever something has happened. */
  readonly changed = (): void => {
    for (const look of this.#looks) look();
  };

  until(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!holds()) return;
        this.#looks.delete(look);
        resolve();
      };
      this.#looks.add(look);
      look();
    });
  }
}

/** After everything that is due in this turn. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
