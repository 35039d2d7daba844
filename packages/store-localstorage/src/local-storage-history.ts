import {
  type Clock,
  type Head,
  HexbusError,
  type HistoryPage,
  type HistoryStore,
  type LifecycleState,
  type Located,
  type LocateQuery,
  type NamedCursor,
  type OpenHistoryOptions,
  type Randomness,
  type ReadQuery,
  shorten,
  systemClock,
  systemRandomness,
  type TopicSummary,
  type WriteBatch,
  type WriteResult,
} from '@hexbus/core';
import { peekHead } from './contents.ts';
import { closedError, inUseError, storageError } from './errors.ts';
import { headItem } from './items.ts';
import { LeaseTabLocks } from './lease-locks.ts';
import type { MessageLog } from './message-log.ts';
import { type CorruptItem, Namespace, prefixOf } from './namespace.ts';
import { type OpeningSettings, type OpenPlace, openLog, openPlace } from './opening.ts';
import { locate, readPage } from './reader.ts';
import { type WebLocks, WebTabLocks } from './tab-locks.ts';
import type { WebStorage } from './web-storage.ts';

export interface LocalStorageHistoryOptions {
  /** Default the page's `localStorage`. */
  readonly storage?: WebStorage;
  /** Tells histories in one storage apart. Default `localStorageHistoryDefaults.name`. */
  readonly name?: string;
  /** A namespace of a chosen name: refused while another page has it open, and adopted by none. Default one for each tab, which a reload finds again. */
  readonly tab?: string;
  /** Where the tab's namespace is remembered across reloads. Default the page's `sessionStorage`, if it has one. Not used with `tab`. */
  readonly session?: WebStorage;
  /** Default `navigator.locks`; null, or where there is none: leases in the storage. */
  readonly locks?: WebLocks | null;
  /** How long a reloaded page waits for its former self to let go of the tab's namespace. Default `localStorageHistoryDefaults.reloadWaitMs`. */
  readonly reloadWaitMs?: number;
  /** How long the last writes of a closed tab may be on their way. Default `localStorageHistoryDefaults.settleMs`. */
  readonly settleMs?: number;
  /** Without Web Locks: after how long a page that shows no sign of life counts as gone. Default `localStorageHistoryDefaults.leaseMs`. */
  readonly leaseMs?: number;
  /** Told of each item that is damaged, missing, or not the history's. What it throws is ignored. */
  readonly onCorrupt?: (item: CorruptItem) => void;
  /** Gives messages their time. Default `systemClock`. */
  readonly clock?: Pick<Clock, 'now' | 'setTimer'>;
  /** Names epochs and tabs; only `id` is used. Default `systemRandomness`. */
  readonly randomness?: Pick<Randomness, 'id'>;
}

/** A lease outlasts the minute in which a browser runs timers of a hidden page once. */
export const localStorageHistoryDefaults: {
  readonly name: string;
  readonly reloadWaitMs: number;
  readonly settleMs: number;
  readonly leaseMs: number;
} = { name: 'hexbus', reloadWaitMs: 1_000, settleMs: 50, leaseMs: 300_000 };

/**
 * A history in a Web Storage, that outlives the page. Each tab has its own, found again after a reload. A tab that has none yet goes on with that of the closed tab
 * which got a message last. Of other closed tabs it adopts what waits in its held topics, and what died there: behind its own messages, in their order, at new positions,
 * with their ids and, unless that would make time fall, their times; not what it has already under that topic and id, or remembers. Their streams, named cursors and
 * remembered ids end with them. Throws `HEXBUS_CONFIG` for options that do not fit.
 */
export function createLocalStorageHistory(options: LocalStorageHistoryOptions = {}): HistoryStore {
  return new LocalStorageHistory(options);
}

/** What exists once the history is open. */
interface Opened extends OpenPlace {
  readonly settings: OpeningSettings;
  readonly options: OpenHistoryOptions;
  log: MessageLog;
}

class LocalStorageHistory implements HistoryStore {
  readonly name = 'localStorage';
  readonly capabilities = { durable: true };
  readonly #options: LocalStorageHistoryOptions;
  readonly #clock: Pick<Clock, 'now' | 'setTimer'>;
  readonly #randomness: Pick<Randomness, 'id'>;
  #state: LifecycleState = 'idle';
  #opening: Promise<Opened> | undefined;
  #opened: Opened | undefined;
  #closing: Promise<void> | undefined;
  /** Ends an opening that waits. */
  readonly #closed = new AbortController();

  constructor(options: LocalStorageHistoryOptions) {
    checkText('name', options.name);
    checkText('tab', options.tab);
    for (const field of ['reloadWaitMs', 'settleMs', 'leaseMs'] as const) checkDuration(field, options[field]);
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#randomness = options.randomness ?? systemRandomness;
  }

  async open(options: OpenHistoryOptions): Promise<Head> {
    if (this.#state === 'closed') throw closedError();
    if (this.#state !== 'idle') {
      throw new HexbusError('HEXBUS_CONFIG', 'this localStorage history is open already; give each bus its own');
    }
    this.#state = 'opening';
    this.#opening = this.#open(options);
    const { log } = await this.#opening;
    return log.head;
  }

  async write(batch: WriteBatch): Promise<WriteResult> {
    return this.#withLog((log) => {
      const { epoch, position } = log.head;
      if (batch.epoch === epoch) return { epoch, applied: true, ...log.apply(batch, this.#clock.now()) };
      return { epoch, applied: false, before: position, head: position, appended: [], settled: [], dropped: [] };
    });
  }

  async read(query: ReadQuery): Promise<HistoryPage> {
    return this.#withLog((log) =>
      query.epoch === log.epoch
        ? readPage(log, query)
        : { ...log.head, messages: [], through: 0, trimmed: [], reasons: [] },
    );
  }

  async locate(query: LocateQuery): Promise<Located> {
    return this.#withLog((log) =>
      query.epoch === log.epoch ? locate(log, query) : { ...log.head, start: 0, trimmed: [] },
    );
  }

  async loadCursor(name: string): Promise<NamedCursor | undefined> {
    return this.#withLog((log) => {
      const cursor = log.cursors.get(name);
      return cursor === undefined ? undefined : { ...cursor, filter: [...cursor.filter] };
    });
  }

  async summarize(name: string): Promise<TopicSummary> {
    return this.#withLog((log) => {
      const topic = log.topic(name);
      return {
        count: topic?.live.length ?? 0,
        dead: topic?.dead.length ?? 0,
        first: topic?.live[0]?.message.position,
        last: topic?.live.at(-1)?.message.position,
      };
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#state = 'closed';
    this.#closed.abort(closedError());
    await this.#opening?.catch(() => undefined);
    await this.#opened?.hold.release();
    this.#opened = undefined;
  }

  async #open(options: OpenHistoryOptions): Promise<Opened> {
    try {
      // Until the promise of this call is settled, the history counts as not open.
      await undefined;
      const signal = AbortSignal.any([this.#closed.signal, ...(options.signal === undefined ? [] : [options.signal])]);
      signal.throwIfAborted();
      const settings = this.#settings();
      const opened = {
        ...(await openPlace(settings, { ...options, signal })),
        settings,
        options: { ...options, newEpoch: false },
      };
      this.#opened = opened;
      if (this.#state !== 'opening') throw closedError();
      this.#state = 'open';
      return opened;
    } catch (error) {
      this.#state = 'closed';
      throw options.signal?.aborted === true ? error : storageError(error);
    }
  }

  /** What the page has is looked up only now, and may be refused to it. */
  #settings(): OpeningSettings {
    const { name, reloadWaitMs, settleMs, leaseMs } = { ...localStorageHistoryDefaults, ...this.#options };
    const storage = this.#options.storage ?? storageOfPage('localStorage');
    const owner = this.#randomness.id();
    const clock = this.#clock;
    const report = (item: CorruptItem): void => {
      try {
        this.#options.onCorrupt?.(item);
      } catch {
        // Whoever listens has no say in whether the history opens.
      }
    };
    const namespaceOf = (tab: string): Namespace => new Namespace(storage, name, tab, report);
    const { tab, locks = globalThis.navigator?.locks as WebLocks | undefined } = this.#options;
    return {
      storage,
      name,
      tab,
      session: tab === undefined ? (this.#options.session ?? sessionOfPage()) : undefined,
      locks: locks
        ? new WebTabLocks(locks, prefixOf(name), clock)
        : new LeaseTabLocks({ clock, leaseMs, owner, namespaceOf }),
      clock,
      randomness: this.#randomness,
      owner,
      reloadWaitMs,
      settleMs,
      report,
    };
  }

  #withLog<Result>(work: (log: MessageLog) => Result): Result {
    if (this.#state === 'closed') throw closedError();
    if (this.#state !== 'open' || this.#opened === undefined) {
      throw new HexbusError('HEXBUS_NOT_OPEN', 'this localStorage history is not open; await open() first');
    }
    try {
      if (!this.#opened.log.isCurrent) this.#readAgain(this.#opened);
      return work(this.#opened.log);
    } catch (error) {
      throw storageError(error);
    }
  }

  /** A write failed, somebody cleared the storage, or took the namespace for that of a page that has gone. */
  #readAgain(opened: Opened): void {
    const { namespace, settings, options } = opened;
    const head = peekHead(namespace);
    if (head !== undefined && head.owner !== settings.owner) throw inUseError(namespace.tab);
    if (namespace.raw(headItem) === undefined) namespace.tell(headItem, 'the storage was cleared');
    opened.log = openLog(settings, namespace, options);
  }
}

function storageOfPage(which: 'localStorage' | 'sessionStorage'): WebStorage {
  let cause: unknown;
  try {
    const storage = globalThis[which] as WebStorage | undefined;
    if (storage !== undefined) return storage;
  } catch (error) {
    cause = error;
  }
  throw new HexbusError('HEXBUS_UNSUPPORTED', `this page has no ${which}, or must not use it; pass another storage`, {
    cause,
  });
}

function sessionOfPage(): WebStorage | undefined {
  try {
    return storageOfPage('sessionStorage');
  } catch {
    return undefined;
  }
}

function checkText(field: 'name' | 'tab', value: unknown): void {
  // Keys hold it encoded, which half of a character cannot be.
  if (value === undefined || (typeof value === 'string' && value !== '' && !/\p{Cs}/u.test(value))) return;
  throw configError(field, value, 'a text that is not empty, and without half of a surrogate pair');
}

function checkDuration(field: string, value: unknown): void {
  if (value === undefined || (typeof value === 'number' && value >= 0 && value < Infinity)) return;
  throw configError(field, value, 'a number of milliseconds');
}

function configError(field: string, value: unknown, use: string): HexbusError {
  return new HexbusError('HEXBUS_CONFIG', `createLocalStorageHistory: ${field} is ${shorten(value)}; use ${use}`);
}
