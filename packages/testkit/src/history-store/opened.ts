import type {
  Filter,
  Head,
  HistoryPage,
  HistoryStore,
  Located,
  LocateQuery,
  NewMessage,
  ReadQuery,
  Settlement,
  StoredMessage,
  WriteBatch,
  WriteResult,
} from '@hexbus/core';
import { check } from '../support/check.ts';

export const emptyBatch: Omit<WriteBatch, 'epoch'> = { append: [], settle: [], commitCursors: [], deleteCursors: [] };

/** A message whose body is its id, unless told otherwise. */
export function message(topic: string, id: string, parts: Partial<NewMessage> = {}): NewMessage {
  return { topic, id, body: JSON.stringify(id), deduplicate: false, ...parts };
}

/** An open history with the calls of the port in shorter forms. What it passes on is frozen, so that no store may change it. */
export class OpenedHistory {
  readonly store: HistoryStore;
  /** What `open` answered. */
  readonly opened: Head;

  constructor(store: HistoryStore, opened: Head) {
    this.store = store;
    this.opened = opened;
  }

  get epoch(): string {
    return this.opened.epoch;
  }

  write(batch: Partial<WriteBatch> = {}): Promise<WriteResult> {
    return this.store.write(freezeDeep({ epoch: this.epoch, ...emptyBatch, ...batch }));
  }

  append(...messages: NewMessage[]): Promise<WriteResult> {
    return this.write({ append: messages });
  }

  /** Appends one message per id, in one batch, and returns their positions. */
  async put(topic: string, ...ids: string[]): Promise<number[]> {
    const { appended } = await this.append(...ids.map((id) => message(topic, id)));
    return ids.map((id, index) => {
      const result = appended[index];
      check(result?.status === 'appended', `${id} should have been appended, but was ${result?.status}`);
      return result.position;
    });
  }

  /** Settles positions of one topic in one batch, and returns what the history says of each. */
  async settle(outcome: Settlement['outcome'], topic: string, ...positions: number[]): Promise<readonly boolean[]> {
    const settle = positions.map((position) => settlement(outcome, topic, position));
    return (await this.write({ settle })).settled;
  }

  read(filter: Filter, query: Partial<ReadQuery> = {}): Promise<HistoryPage> {
    const rest = { range: { after: 0 }, limit: 1000, maxBytes: 10_000_000, state: 'live' as const };
    return this.store.read(freezeDeep({ epoch: this.epoch, filter, ...rest, ...query }));
  }

  /** Everything of a filter after a position, by as many pages as the store likes to give. */
  async all(filter: Filter, state: 'live' | 'dead' = 'live', after = 0): Promise<StoredMessage[]> {
    const found: StoredMessage[] = [];
    for (let from = after; ; ) {
      const page = await this.read(filter, { range: { after: from }, state });
      found.push(...page.messages);
      if (page.through >= page.position) return found;
      check(
        page.through > from,
        `a page after ${from}, below the head ${page.position}, looked through ${page.through} only`,
      );
      from = page.through;
    }
  }

  /** The ids of everything of a filter. */
  async ids(filter: Filter, state: 'live' | 'dead' = 'live', after = 0): Promise<string[]> {
    return (await this.all(filter, state, after)).map(({ id }) => id);
  }

  locate(filter: Filter, from: LocateQuery['from']): Promise<Located> {
    return this.store.locate(freezeDeep({ epoch: this.epoch, filter, from }));
  }

  /** The ids of what follows a located start. */
  async idsFrom(filter: Filter, from: LocateQuery['from']): Promise<string[]> {
    return this.ids(filter, 'live', (await this.locate(filter, from)).start);
  }
}

export function settlement(outcome: Settlement['outcome'], topic: string, position: number): Settlement {
  return outcome === 'dead' ? { outcome, topic, position, reason: 'because' } : { outcome, topic, position };
}

function freezeDeep<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const entry of Object.values(value)) freezeDeep(entry);
  }
  return value;
}
