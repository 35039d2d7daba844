import type { TopicTable } from '../../bus/topic-table.ts';
import { createTopicMatcher, type TopicMatcher } from '../../retention.ts';

/** Matchers of single topics and patterns, shared by all connections that follow the same, since each remembers its answers. */
export class Matchers {
  readonly #topics: TopicTable;
  readonly #shared = new Map<string, { readonly matcher: TopicMatcher; users: number }>();

  constructor(topics: TopicTable) {
    this.#topics = topics;
  }

  /** Each `take` is to be answered by one `release`. */
  take(entry: string): TopicMatcher {
    let shared = this.#shared.get(entry);
    if (shared === undefined) {
      shared = { matcher: createTopicMatcher([entry], this.#topics), users: 0 };
      this.#shared.set(entry, shared);
    }
    shared.users += 1;
    return shared.matcher;
  }

  release(entry: string): void {
    const shared = this.#shared.get(entry);
    if (shared === undefined) return;
    shared.users -= 1;
    if (shared.users === 0) this.#shared.delete(entry);
  }
}
