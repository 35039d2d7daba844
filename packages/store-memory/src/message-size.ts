import type { StoredMessage } from '@hexbus/core';

/** What bounds of size count: the length of a message's own texts. */
export function sizeOf(message: StoredMessage): number {
  return message.body.length + message.id.length + (message.type?.length ?? 0) + (message.attributes?.length ?? 0);
}
