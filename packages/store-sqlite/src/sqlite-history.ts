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
import { Connection, type SqliteDurability } from './connection.ts';
import type { SqliteDatabase } from './driver.ts';
import { HeadRow } from './head-row.ts';
import { Locator } from './locator.ts';
import { Reader } from './reader.ts';
import { Topics } from './topics.ts';
import { Writer } from './writer.ts';

/** Exactly one of `file` and `database` is given. */
export interface SqliteHistoryOptions {
  /** The path of the file, made when it is not there. Opened with node:sqlite, so on Node 22.13 or newer. */
  readonly file?: string;
  /** An open connection of node:sqlite or better-sqlite3 to a file. The history sets its pragmas and uses it alone until `close`, which leaves it open. */
  readonly database?: SqliteDatabase;
  /** Default `sqliteHistoryDefaults.durability`. */
  readonly durability?: SqliteDurability;
  /** Gives messages their time; only `now` is used. Default `systemClock`. */
  readonly clock?: Pick<Clock, 'now'>;
  /** Gives the history its epoch; only `id` is used. Default `systemRandomness`. */
  readonly randomness?: Pick<Randomness, 'id'>;
}

/** Every default of a SQLite history, but for the clock and the randomness of the system. */
export const sqliteHistoryDefaults: { readonly durability: SqliteDurability } = { durability: 'commit' };

/**
 * A history in a SQLite file, for one bus at a time. Each batch is one transaction, carried out within the call, so the promise of a call is
 * settled at the next microtask. Throws `HEXBUS_CONFIG` for options that do not fit.
 */
export function createSqliteHistory(options: SqliteHistoryOptions): HistoryStore {
  return new SqliteHistory(options);
}

/** What the history knows in memory. It is made anew from the file whenever a transaction failed. */
interface Parts {
  readonly head: HeadRow;
  readonly writer: Writer;
  readonly reader: Reader;
  readonly locator: Locator;
}

interface Opened {
  readonly connection: Connection;
  readonly options: OpenHistoryOptions;
  parts: Parts | undefined;
}

class SqliteHistory implements HistoryStore {
  readonly name = 'sqlite';
  readonly capabilities = { durable: true };
  readonly #place: string | SqliteDatabase;
  readonly #isRelaxed: boolean;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #randomness: Pick<Randomness, 'id'>;
  #state: LifecycleState = 'idle';
  #opened: Opened | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: SqliteHistoryOptions) {
    this.#place = placeOf(options);
    this.#isRelaxed = isRelaxed(options);
    this.#clock = options.clock ?? systemClock;
    this.#randomness = options.randomness ?? systemRandomness;
  }

  async open(options: OpenHistoryOptions): Promise<Head> {
    if (this.#state === 'closed') throw closedError();
    if (this.#state !== 'idle') {
      throw new HexbusError('HEXBUS_CONFIG', 'this SQLite history is already open; give each bus a history of its own');
    }
    this.#state = 'opening';
    // Until the promise of this call is settled, the history counts as not open.
    await undefined;
    if (this.#state !== 'opening') throw closedError();
    this.#state = 'closed';
    options.signal?.throwIfAborted();
    const opened = this.#openFile(options);
    this.#opened = opened;
    this.#state = 'open';
    return opened.parts.head.value;
  }

  async write(batch: WriteBatch): Promise<WriteResult> {
    const { opened, parts } = this.#whenOpen();
    const { connection } = opened;
    const { head, writer } = parts;
    const { epoch, position: before } = head.value;
    if (batch.epoch !== epoch) {
      return { epoch, applied: false, before, head: before, appended: [], settled: [], dropped: [] };
    }
    if (this.#isRelaxed) connection.write(() => head.reserve(batch.append.length));
    const result = connection.transaction(
      () => writer.apply(batch, this.#clock.now()),
      () => {
        opened.parts = undefined;
      },
    );
    return { epoch, applied: true, before, head: head.position, ...result };
  }

  async read(query: ReadQuery): Promise<HistoryPage> {
    return this.#reading(({ reader, head }) =>
      query.epoch === head.value.epoch
        ? reader.read(query, head.value)
        : { ...head.value, messages: [], through: 0, trimmed: [], reasons: [] },
    );
  }

  async locate(query: LocateQuery): Promise<Located> {
    return this.#reading(({ locator, head }) =>
      query.epoch === head.value.epoch ? locator.locate(query, head.value) : { ...head.value, start: 0, trimmed: [] },
    );
  }

  async loadCursor(name: string): Promise<NamedCursor | undefined> {
    return this.#reading(({ reader }) => reader.loadCursor(name));
  }

  async summarize(topic: string): Promise<TopicSummary> {
    return this.#reading(({ reader }) => reader.summarize(topic));
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#state = 'closed';
    if (this.#opened === undefined) return;
    const { connection, parts } = this.#opened;
    this.#opened = undefined;
    if (this.#isRelaxed && parts !== undefined) connection.tryTo(() => parts.head.release());
    connection.close();
  }

  #openFile(options: OpenHistoryOptions): Opened & { readonly parts: Parts } {
    const connection = Connection.open(this.#place);
    try {
      connection.prepare(options, () => this.#randomness.id());
      if (this.#isRelaxed) connection.relax();
      return { connection, options, parts: connection.read(() => loadParts(connection, options)) };
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  #reading<T>(work: (parts: Parts) => T): T {
    const { opened, parts } = this.#whenOpen();
    return opened.connection.read(() => work(parts));
  }

  #whenOpen(): { readonly opened: Opened; readonly parts: Parts } {
    const opened = this.#opened;
    if (opened === undefined) {
      if (this.#state === 'closed') throw closedError();
      throw new HexbusError('HEXBUS_NOT_OPEN', 'this SQLite history is not open; await open() first');
    }
    opened.parts ??= opened.connection.read(() => loadParts(opened.connection, opened.options));
    return { opened, parts: opened.parts };
  }
}

function loadParts({ database }: Connection, options: OpenHistoryOptions): Parts {
  const retention = createRetentionLookup(options.retention);
  const head = new HeadRow(database);
  const topics = new Topics(database, retention);
  return {
    head,
    writer: new Writer(database, head, topics, retention, options),
    reader: new Reader(database, topics, retention),
    locator: new Locator(database, topics, retention),
  };
}

function closedError(): HexbusError {
  return new HexbusError('HEXBUS_CLOSED', 'this SQLite history is closed; create a new one');
}

function placeOf({ file, database }: SqliteHistoryOptions): string | SqliteDatabase {
  if ((file === undefined) === (database === undefined)) {
    throw new HexbusError('HEXBUS_CONFIG', 'createSqliteHistory: give either file or database');
  }
  if (database !== undefined) {
    if (typeof database.exec === 'function' && typeof database.prepare === 'function') return database;
    throw new HexbusError(
      'HEXBUS_CONFIG',
      'createSqliteHistory: database is no connection; pass a DatabaseSync of node:sqlite or a Database of better-sqlite3',
    );
  }
  if (typeof file === 'string' && file !== '' && file !== ':memory:') return file;
  throw new HexbusError(
    'HEXBUS_CONFIG',
    `createSqliteHistory: file is ${shorten(file)}; use the path of a file, or createMemoryHistory for a history in memory`,
  );
}

function isRelaxed({ durability = sqliteHistoryDefaults.durability }: SqliteHistoryOptions): boolean {
  if (durability === 'commit' || durability === 'os') return durability === 'os';
  throw new HexbusError(
    'HEXBUS_CONFIG',
    `createSqliteHistory: durability is ${shorten(durability)}; use 'commit' or 'os'`,
  );
}
