/** How many topics are named before a client is only told that something was dropped. */
const maxNamed = 16;

/** What was not sent to one client since it was last told: it is told of it when there is room. */
export class DroppedTopics {
  readonly #tell: (topics: readonly string[] | undefined) => void;
  #topics: Set<string> | undefined;

  constructor(tell: (topics: readonly string[] | undefined) => void) {
    this.#tell = tell;
  }

  add(topic: string): void {
    this.#topics ??= new Set();
    if (this.#topics.size <= maxNamed) this.#topics.add(topic);
  }

  /** There is room to tell. */
  flush(): void {
    const topics = this.#topics;
    if (topics === undefined) return;
    this.#topics = undefined;
    this.#tell(topics.size > maxNamed ? undefined : [...topics]);
  }
}
