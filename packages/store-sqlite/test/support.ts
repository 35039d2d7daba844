import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type {
  Head,
  HistoryPage,
  HistoryStore,
  OpenHistoryOptions,
  ReadQuery,
  RetentionPolicies,
  WriteBatch,
  WriteResult,
} from '@hexbus/core';
import { createSqliteHistory, type SqliteDatabase, type SqliteHistoryOptions } from '@hexbus/store-sqlite';

/** Opens a connection with one of the drivers that the history works on. */
export interface Driver {
  readonly name: string;
  open(file: string): SqliteDatabase;
}

const require = createRequire(import.meta.url);

const nodeSqlite: Driver = {
  name: 'node:sqlite',
  open: (file) => new (require('node:sqlite') as typeof import('node:sqlite')).DatabaseSync(file),
};

const betterSqlite3: Driver = {
  name: 'better-sqlite3',
  open: (file) => new (require('better-sqlite3') as typeof import('better-sqlite3'))(file),
};

/** node:sqlite as a package. It asks for Node 22, but its addon is one for all Nodes, and nothing is built at install. */
const packagedSqlite: Driver = {
  name: 'packaged node:sqlite',
  open: (file) => new (require('@photostructure/sqlite') as typeof import('@photostructure/sqlite')).DatabaseSync(file),
};

/** Whether `createSqliteHistory({ file })` works here. */
export const hasNodeSqlite: boolean = process.getBuiltinModule('node:sqlite') !== undefined;

/** What this Node can load: Node 20 has no node:sqlite, and better-sqlite3 13 ends the whole process there. */
export const drivers: readonly [Driver, ...Driver[]] = hasNodeSqlite ? [nodeSqlite, betterSqlite3] : [packagedSqlite];

/** A history on a file, by the way that is shortest on this Node. */
export function createHistoryOf(
  file: string,
  options: Pick<SqliteHistoryOptions, 'durability' | 'clock'> = {},
): HistoryStore {
  return createSqliteHistory(hasNodeSqlite ? { file, ...options } : { database: drivers[0].open(file), ...options });
}

/** The arguments by which this Node runs a program of these tests. */
export function typescriptProgram(name: string): readonly string[] {
  const flags = process.features.typescript
    ? []
    : hasNodeSqlite
      ? ['--experimental-strip-types']
      : ['--import', new URL('./run-typescript.mjs', import.meta.url).href];
  return [...flags, '--no-warnings', '--conditions=hexbus-source', fileURLToPath(new URL(name, import.meta.url))];
}

/** A new directory for the files of one test file, by the path that SQLite tells, whatever links lead there. */
export function temporaryDirectory(): { readonly path: string; file(name: string): string; remove(): void } {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'hexbus-sqlite-')));
  return { path, file: (name) => join(path, name), remove: () => rmSync(path, { recursive: true, force: true }) };
}

export const retention: RetentionPolicies = [
  { kind: 'until-handled', pattern: 'wait.>', maxCount: 1_000_000, maxAgeMs: Infinity, overflow: 'reject' },
  { kind: 'limits', pattern: '>', maxCount: Infinity, maxAgeMs: Infinity },
];

/** An open history with shorter calls. */
export class Opened {
  readonly store: HistoryStore;
  readonly head: Head;

  constructor(store: HistoryStore, head: Head) {
    this.store = store;
    this.head = head;
  }

  write(batch: Partial<WriteBatch> = {}): Promise<WriteResult> {
    const empty = { append: [], settle: [], commitCursors: [], deleteCursors: [] };
    return this.store.write({ epoch: this.head.epoch, ...empty, ...batch });
  }

  append(topic: string, ...ids: string[]): Promise<WriteResult> {
    return this.write({ append: ids.map((id) => ({ topic, id, body: '1', deduplicate: false })) });
  }

  page(filter: string[], query: Partial<ReadQuery> = {}): Promise<HistoryPage> {
    const rest = { range: { after: 0 }, limit: 1_000_000, maxBytes: Infinity, state: 'live' as const };
    return this.store.read({ epoch: this.head.epoch, filter, ...rest, ...query });
  }

  async ids(...filter: string[]): Promise<string[]> {
    return (await this.page(filter)).messages.map(({ id }) => id);
  }
}

export async function open(store: HistoryStore, options: Partial<OpenHistoryOptions> = {}): Promise<Opened> {
  const deduplication = { maxIds: 1000, maxAgeMs: 60_000 };
  return new Opened(store, await store.open({ retention, deduplication, ...options }));
}

/** A process that runs `child.ts` on a file. */
export class Child {
  readonly #process: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;
  readonly #ended: Promise<unknown>;

  constructor(mode: 'hold' | 'write', file: string, durability: 'commit' | 'os' = 'commit') {
    const args = [...typescriptProgram('./child.ts'), mode, file, durability];
    this.#process = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#ended = once(this.#process, 'exit');
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  }

  /** The next line that the process wrote; undefined once it has ended. */
  async line(): Promise<string | undefined> {
    const { value, done } = await this.#lines.next();
    return done === true ? undefined : value;
  }

  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#ended;
  }

  /** Lets the process close its history and end by itself. */
  async finish(): Promise<void> {
    this.#process.stdin.end();
    await this.#ended;
  }
}
