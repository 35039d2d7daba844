import type { NewMessage } from '../../ports/history-store.ts';

/** What a message takes beside its texts, as if it were text: 900,000 of one character that waited for a history held 514 MB. */
const overhead = 400;

/** What a message takes in memory, in UTF-16 units. */
export function memoryLengthOf({ topic, id, body, attributes }: NewMessage | Omit<NewMessage, 'deduplicate'>): number {
  return topic.length + id.length + body.length + (attributes?.length ?? 0) + overhead;
}
