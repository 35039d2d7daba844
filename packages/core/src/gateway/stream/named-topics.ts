import { patternsOverlap } from '../../pattern.ts';
import type { Filter } from '../../ports/history-store.ts';

/** How many topics are named to a client, whatever it follows. */
export const maxNamedTopics = 16;

/** The topics of a loss, or what the client follows them by, where they are many and that is less. */
export function namedTopics(topics: readonly string[], followed: readonly { readonly entries: Filter }[]): Filter {
  if (topics.length <= maxNamedTopics) return topics;
  const entries = [...new Set(followed.flatMap((one) => one.entries))];
  const concerned = entries.filter((entry) => topics.some((topic) => patternsOverlap(topic, entry)));
  return concerned.length < topics.length ? concerned : topics;
}
