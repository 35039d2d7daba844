import type {
  Clock,
  Head,
  HistoryStore,
  NewMessage,
  OpenHistoryOptions,
  RetentionPolicies,
  Settlement,
  WriteBatch,
  WriteResult,
} from '@hexbus/core';
import {
  type CorruptItem,
  createLocalStorageHistory,
  type LocalStorageHistoryOptions,
} from '@hexbus/store-localstorage';
import { createSeededRandomness } from '@hexbus/testkit';
import { FakeLocks, LockTable } from './fake-locks.ts';
import { FakeStorage } from './fake-storage.ts';

export const policies: RetentionPolicies = [
  { kind: 'until-handled', pattern: 'wait.>', maxCount: 1000, maxAgeMs: Number.POSITIVE_INFINITY, overflow: 'reject' },
  { kind: 'until-handled', pattern: 'few', maxCount: 2, maxAgeMs: Number.POSITIVE_INFINITY, overflow: 'drop-oldest' },
  { kind: 'limits', pattern: 'log.>', maxCount: 3, maxAgeMs: Number.POSITIVE_INFINITY },
  { kind: 'limits', pattern: '>', maxCount: Number.POSITIVE_INFINITY, maxAgeMs: Number.POSITIVE_INFINITY },
];

export function message(topic: string, id: string, parts: Partial<NewMessage> = {}): NewMessage {
  return { topic, id, body: JSON.stringify(id), deduplicate: false, ...parts };
}

/** An open history of a page, with shorter calls. */
export class Opened {
  readonly store: HistoryStore;
  readonly head: Head;

  constructor(store: HistoryStore, head: Head) {
    this.store = store;
    this.head = head;
  }

  write(batch: Partial<WriteBatch>): Promise<WriteResult> {
    const { epoch } = this.head;
    return this.store.write({ epoch, append: [], settle: [], commitCursors: [], deleteCursors: [], ...batch });
  }

  /** Appends one message per id, in one batch, and says what came of each: its position, or why not. */
  async put(topic: string, ...ids: string[]): Promise<(number | string)[]> {
    const { appended } = await this.write({ append: ids.map((id) => message(topic, id, { deduplicate: true })) });
    return appended.map((result) => (result.status === 'appended' ? result.position : result.status));
  }

  async settle(outcome: Settlement['outcome'], topic: string, ...positions: number[]): Promise<readonly boolean[]> {
    const settle = positions.map((position) =>
      outcome === 'dead' ? { outcome, topic, position, reason: 'bad' } : { outcome, topic, position },
    );
    return (await this.write({ settle })).settled;
  }

  async page(topic: string, state: 'live' | 'dead' = 'live') {
    const { epoch } = this.head;
    return this.store.read({ epoch, filter: [topic], range: { after: 0 }, limit: 10_000, maxBytes: Infinity, state });
  }

  async ids(topic: string, state: 'live' | 'dead' = 'live'): Promise<string[]> {
    return (await this.page(topic, state)).messages.map(({ id }) => id);
  }

  /** All that can be known of some topics and names. */
  async contents(topics: readonly string[], names: readonly string[]): Promise<unknown> {
    const pages = topics.flatMap((topic) => [this.page(topic), this.page(topic, 'dead')]);
    const read = (await Promise.all(pages)).map(({ messages, reasons, trimmed }) => ({ messages, reasons, trimmed }));
    return [read, await Promise.all(names.map((name) => this.store.loadCursor(name)))];
  }
}

/** One page: what it changes it changes in the site's storage, unless its own view of it refuses. */
export class Page {
  readonly storage: FakeStorage;
  readonly locks: FakeLocks;
  readonly session: FakeStorage;
  readonly corrupt: CorruptItem[] = [];
  readonly #site: Site;

  constructor(site: Site, session: FakeStorage) {
    this.#site = site;
    this.storage = new FakeStorage(site.items);
    this.locks = new FakeLocks(site.table);
    this.session = session;
  }

  create(options: LocalStorageHistoryOptions = {}): HistoryStore {
    const { storage, locks, session } = this;
    const { clock, randomness } = this.#site;
    const onCorrupt = (item: CorruptItem) => void this.corrupt.push(item);
    return createLocalStorageHistory({ storage, locks, session, clock, randomness, onCorrupt, ...options });
  }

  async open(options: LocalStorageHistoryOptions = {}, opening: Partial<OpenHistoryOptions> = {}): Promise<Opened> {
    const store = this.create(options);
    const deduplication = { maxIds: 1000, maxAgeMs: 60_000 };
    return new Opened(store, await store.open({ retention: policies, deduplication, ...opening }));
  }

  /** The page ends without a word: tab closed, or crashed. */
  die(): void {
    this.storage.beforeChange = () => {
      throw new Error('a page that has gone changes nothing');
    };
    this.locks.die();
  }
}

/** An origin: one storage, one table of locks, and the pages that come and go. */
export class Site {
  readonly items = new Map<string, string>();
  readonly table = new LockTable();
  readonly randomness = createSeededRandomness(1);
  now = 1_000_000;
  /** Timers are due at once, in a later turn. */
  clock: Pick<Clock, 'now' | 'setTimer'> = {
    now: () => this.now,
    setTimer: (callback) => {
      const timer = setImmediate(callback);
      return () => clearImmediate(timer);
    },
  };

  /** A page in a new tab, or in the tab of an earlier one. */
  page(earlier?: Page): Page {
    return new Page(this, earlier?.session ?? new FakeStorage());
  }

  /** The keys, without the values. */
  get keys(): string[] {
    return [...this.items.keys()].sort();
  }
}
