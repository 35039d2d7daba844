import {
  type Clock,
  createRetentionLookup,
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
import { type Bounds, MessageLog } from './message-log.ts';
import { Reader } from './reader.ts';
import { RememberedIds } from './remembered-ids.ts';
import { Topics } from './topics.ts';

export interface MemoryHistoryOptions {
  /** How many messages are kept over all topics, or `Infinity`. Default `memoryHistoryDefaults.maxMessages`. */
  readonly maxMessages?: number;
  /** How much text is kept over all topics (bodies, ids, types, attributes), in UTF-16 units, or `Infinity`. Default `memoryHistoryDefaults.maxBytes`. */
  readonly maxBytes?: number;
  /** Gives messages their time; only `now` is used. Default `systemClock`. */
  readonly clock?: Pick<Clock, 'now'>;
  /** Gives the history its epoch; only `id` is used. Default `systemRandomness`. */
  readonly randomness?: Pick<Randomness, 'id'>;
}

/** The bounds of a memory history that is given none: 100,000 messages and 64 MiB of text. */
export const memoryHistoryDefaults: Bounds = { maxMessages: 100_000, maxBytes: 64 * 1024 * 1024 };

/**
 * A history that lives as long as the object. Past its bounds the oldest messages of streams are trimmed, over all topics; held messages never
 * are, so an append that finds only these is refused (`history-full`). Every call takes effect at once and resolves on a microtask.
 * Throws `HEXBUS_CONFIG` for a bound that is no count.
 */
export function createMemoryHistory(options: MemoryHistoryOptions = {}): HistoryStore {
  return new MemoryHistory(options);
}

/** What exists once the history is open. */
interface Opened {
  readonly epoch: string;
  readonly topics: Topics;
  readonly log: MessageLog;
  readonly reader: Reader;
  readonly cursors: Map<string, NamedCursor>;
}

class MemoryHistory implements HistoryStore {
  readonly name = 'memory';
  readonly capabilities = { durable: false };
  readonly #bounds: Bounds;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #randomness: Pick<Randomness, 'id'>;
  #state: LifecycleState = 'idle';
  #opened: Opened | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: MemoryHistoryOptions) {
    this.#bounds = {
      maxMessages: boundOf('maxMessages', options.maxMessages),
      maxBytes: boundOf('maxBytes', options.maxBytes),
    };
    this.#clock = options.clock ?? systemClock;
    this.#randomness = options.randomness ?? systemRandomness;
  }

  async open(options: OpenHistoryOptions): Promise<Head> {
    if (this.#state === 'closed') throw closedError();
    if (this.#state !== 'idle') {
      throw new HexbusError('HEXBUS_CONFIG', 'this memory history is already open; give each bus a history of its own');
    }
    this.#state = 'opening';
    // Until the promise of this call is settled, the history counts as not open.
    await undefined;
    if (this.#state !== 'opening') throw closedError();
    this.#state = 'closed';
    options.signal?.throwIfAborted();
    const retention = createRetentionLookup(options.retention);
    const topics = new Topics(retention);
    const maxAges = new Set(options.retention.map((policy) => policy.maxAgeMs).filter(Number.isFinite));
    const log = new MessageLog(topics, new RememberedIds(options.deduplication), this.#bounds, maxAges);
    const reader = new Reader(log, topics, retention);
    const epoch = this.#randomness.id();
    this.#opened = { epoch, topics, log, reader, cursors: new Map() };
    this.#state = 'open';
    return { epoch, position: 0 };
  }

  async write(batch: WriteBatch): Promise<WriteResult> {
    const { epoch, log, cursors } = this.#whenOpen();
    const before = log.head;
    if (batch.epoch !== epoch) {
      return { epoch, applied: false, before, head: before, appended: [], settled: [], dropped: [] };
    }
    const now = log.timeOf(this.#clock.now());
    const settled = batch.settle.map((settlement) => log.settle(settlement));
    const appended = batch.append.map((message) => log.append(message, now));
    for (const cursor of batch.commitCursors) cursors.set(cursor.name, copyOf(cursor));
    for (const name of batch.deleteCursors) cursors.delete(name);
    const dropped = log.trim(now);
    return { epoch, applied: true, before, head: log.head, appended, settled, dropped };
  }

  async read(query: ReadQuery): Promise<HistoryPage> {
    const { epoch, log, reader } = this.#whenOpen();
    const head = { epoch, position: log.head };
    if (query.epoch !== epoch) return { ...head, messages: [], through: 0, trimmed: [], reasons: [] };
    return reader.read(query, head);
  }

  async locate(query: LocateQuery): Promise<Located> {
    const { epoch, log, reader } = this.#whenOpen();
    const head = { epoch, position: log.head };
    if (query.epoch !== epoch) return { ...head, start: 0, trimmed: [] };
    return reader.locate(query, head);
  }

  async loadCursor(name: string): Promise<NamedCursor | undefined> {
    const cursor = this.#whenOpen().cursors.get(name);
    return cursor === undefined ? undefined : copyOf(cursor);
  }

  async summarize(topic: string): Promise<TopicSummary> {
    const log = this.#whenOpen().topics.get(topic);
    return {
      count: log?.live.length ?? 0,
      dead: log?.dead.length ?? 0,
      first: log?.live.first?.position,
      last: log?.live.last?.position,
    };
  }

  close(): Promise<void> {
    this.#state = 'closed';
    this.#opened = undefined;
    this.#closing ??= Promise.resolve();
    return this.#closing;
  }

  #whenOpen(): Opened {
    if (this.#opened !== undefined) return this.#opened;
    if (this.#state === 'closed') throw closedError();
    throw new HexbusError('HEXBUS_NOT_OPEN', 'this memory history is not open; await open() first');
  }
}

function closedError(): HexbusError {
  return new HexbusError('HEXBUS_CLOSED', 'this memory history is closed; create a new one');
}

function copyOf({ name, epoch, position, filter }: NamedCursor): NamedCursor {
  return { name, epoch, position, filter: [...filter] };
}

function boundOf(field: keyof Bounds, value: number = memoryHistoryDefaults[field]): number {
  if (value === Infinity || (Number.isSafeInteger(value) && value > 0)) return value;
  throw new HexbusError(
    'HEXBUS_CONFIG',
    `createMemoryHistory: ${field} is ${shorten(value)}; use a whole number above 0, or Infinity`,
  );
}
