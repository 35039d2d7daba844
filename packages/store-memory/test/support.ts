import { createHash } from 'node:crypto';
import type {
  HistoryStore,
  NewMessage,
  OpenHistoryOptions,
  RetentionPolicies,
  WriteBatch,
  WriteResult,
} from '@hexbus/core';
import { createMemoryHistory, type MemoryHistoryOptions } from '@hexbus/store-memory';

export const streams: RetentionPolicies = [
  { kind: 'until-handled', pattern: 'wait.>', maxCount: 1_000_000, maxAgeMs: Infinity, overflow: 'reject' },
  { kind: 'limits', pattern: '>', maxCount: Infinity, maxAgeMs: Infinity },
];

export function message(topic: string, id: string, body = '1'): NewMessage {
  return { topic, id, body, deduplicate: false };
}

/** An open memory history with shorter calls. */
export class Opened {
  readonly store: HistoryStore;
  readonly #epoch: string;

  constructor(store: HistoryStore, epoch: string) {
    this.store = store;
    this.#epoch = epoch;
  }

  write(batch: Partial<WriteBatch>): Promise<WriteResult> {
    return this.store.write({
      epoch: this.#epoch,
      append: [],
      settle: [],
      commitCursors: [],
      deleteCursors: [],
      ...batch,
    });
  }

  /** Appends one message and says what came of it: its position, or why it was refused. */
  async append(topic: string, id: string, body?: string): Promise<number | string> {
    const { appended } = await this.write({ append: [message(topic, id, body)] });
    const [result] = appended;
    return result?.status === 'refused' ? result.reason : (result?.position ?? 'nothing');
  }

  async page(filter: string[], after = 0) {
    return this.store.read({
      epoch: this.#epoch,
      filter,
      range: { after },
      limit: 1_000_000,
      maxBytes: Infinity,
      state: 'live',
    });
  }

  async positions(...filter: string[]): Promise<number[]> {
    return (await this.page(filter)).messages.map(({ position }) => position);
  }
}

export async function open(
  options: MemoryHistoryOptions = {},
  opening: Partial<OpenHistoryOptions> = {},
): Promise<Opened> {
  const store = createMemoryHistory(options);
  const deduplication = { maxIds: 1000, maxAgeMs: 60_000 };
  const { epoch } = await store.open({ retention: streams, deduplication, ...opening });
  return new Opened(store, epoch);
}

/** Numbers from 0 up to but not including `below` that look random and repeat from run to run. */
export function pseudoRandom(seed: string): (below: number) => number {
  let count = 0;
  return (below) => createHash('sha1').update(`${seed} ${count++}`).digest().readUInt32BE(0) % below;
}
