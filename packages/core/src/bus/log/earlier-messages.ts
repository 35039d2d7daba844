import { RetainedMessage } from '../../message.ts';
import type { Filter, Head, HistoryStore, TrimMark } from '../../ports/history-store.ts';
import { memoryLengthOf } from './memory-length.ts';

/** What the history has between two positions: everything after `after`. */
export interface EarlierMessages {
  readonly after: number;
  readonly messages: readonly RetainedMessage[];
  readonly trimmed: readonly TrimMark[];
}

/** Reads what lies after a position up to another one, of the newest at most so many UTF-16 units. Undefined: the history knows no such positions. */
export type ReadEarlier = (from: Head, through: number, maxLength: number) => Promise<EarlierMessages | undefined>;

const pageLimit = 256;
const pageBytes = 1024 * 1024;

/** Reads every topic of the filter. Rejects with what the store rejects with. */
export function createReadEarlier(history: HistoryStore, filter: Filter): ReadEarlier {
  return async ({ epoch, position }, through, maxLength) => {
    const marks = new Map<string, number>();
    let messages: RetainedMessage[] = [];
    let length = 0;
    let after = position;
    for (let at = position; at < through; ) {
      const range = { after: at };
      const page = await history.read({ epoch, filter, range, limit: pageLimit, maxBytes: pageBytes, state: 'live' });
      if (page.epoch !== epoch || page.position < through) return undefined;
      if (length > maxLength) {
        messages = [];
        length = 0;
        after = at;
      }
      for (const stored of page.messages) {
        if (stored.position > through) break;
        messages.push(new RetainedMessage(stored));
        length += memoryLengthOf(stored);
      }
      for (const mark of page.trimmed) marks.set(mark.topic, mark.through);
      at = page.through;
    }
    return { after, messages, trimmed: [...marks].map(([topic, through]) => ({ topic, through })) };
  };
}
