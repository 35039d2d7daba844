/** The highest `count` of the positions that are added, in any order. */
export class Newest {
  readonly #count: number;
  #found: number[] = [];
  #floor = 0;

  constructor(count: number) {
    this.#count = count;
  }

  /** What is not above this is not among them. */
  get floor(): number {
    return this.#floor;
  }

  /** Undefined without any. */
  get oldest(): number | undefined {
    this.#cut();
    return this.#found.at(-1);
  }

  add(position: number): void {
    this.#found.push(position);
    // Not sooner, so that whatever is added is sorted a few times at the most.
    if (this.#found.length >= 2 * this.#count) this.#cut();
  }

  #cut(): void {
    this.#found.sort((one, other) => other - one);
    if (this.#found.length < this.#count) return;
    this.#found.length = this.#count;
    this.#floor = this.#found.at(-1) ?? 0;
  }
}
