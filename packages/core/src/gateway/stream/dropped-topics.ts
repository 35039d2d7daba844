/** How many topics are named before a client is only told that something was dropped. */
const maxNamed = 16;

/** What was not sent to one client since it was last told. */
export class DroppedTopics {
  readonly #topics = new Set<string>();

  /** Undefined: too many to be named. */
  get named(): readonly string[] | undefined {
    return this.#topics.size > maxNamed ? undefined : [...this.#topics];
  }

  add(topic: string): void {
    if (this.#topics.size <= maxNamed) this.#topics.add(topic);
  }
}
