import type { StoredMessage } from '@hexbus/core';
import type { TopicLog } from './topic-log.ts';

/** A message in its place, and what has become of it. */
export interface Entry {
  readonly position: number;
  readonly time: number;
  readonly topic: TopicLog;
  /** Undefined once the message was removed; the entry itself goes at the next compaction. */
  message: StoredMessage | undefined;
  /** Why the message died; undefined unless it is dead. */
  reason: string | undefined;
}

/** What bounds of size count: the length of a message's own texts. */
export function sizeOf(message: StoredMessage): number {
  return message.body.length + message.id.length + (message.type?.length ?? 0) + (message.attributes?.length ?? 0);
}
