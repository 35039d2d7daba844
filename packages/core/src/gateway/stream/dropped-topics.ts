import { maxNamedTopics } from './named-topics.ts';

/** What was not sent to one client since it was last told. */
export class DroppedTopics {
  readonly #topics = new Set<string>();

  /** Undefined: too many to be named, so that a client is only told that something was dropped. */
  get named(): readonly string[] | undefined {
    return this.#topics.size > maxNamedTopics ? undefined : [...this.#topics];
  }

  add(topic: string): void {
    if (this.#topics.size <= maxNamedTopics) this.#topics.add(topic);
  }
}
