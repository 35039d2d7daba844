import { HexbusError } from '@hexbus/core';

/** What the history binds to statements. */
export type SqliteValue = string | number | null;

/** The part of a prepared statement that the history uses. Rows are objects by column name. */
export interface SqliteStatement {
  run(...values: SqliteValue[]): { readonly changes: number | bigint };
  get(...values: SqliteValue[]): unknown;
  all(...values: SqliteValue[]): unknown[];
  /** node:sqlite: rows as arrays. */
  setReturnArrays?(enabled: boolean): unknown;
  /** better-sqlite3: rows as arrays. */
  raw?(enabled: boolean): unknown;
}

/** The part of a database connection that the history uses: a `DatabaseSync` of node:sqlite fits, and a `Database` of better-sqlite3. */
export interface SqliteDatabase {
  exec(sql: string): unknown;
  prepare(sql: string): SqliteStatement;
  close(): unknown;
}

/** Opens a file with node:sqlite, which is loaded only now. Throws `HEXBUS_UNSUPPORTED` where this Node has none. */
export function openWithNode(file: string): SqliteDatabase {
  const module = process.getBuiltinModule('node:sqlite') as typeof import('node:sqlite') | undefined;
  if (module === undefined) {
    throw new HexbusError(
      'HEXBUS_UNSUPPORTED',
      `this Node (${process.version}) has no node:sqlite; use Node 22.13 or newer, or pass createSqliteHistory a database of better-sqlite3, on Node 20 of its version 12`,
    );
  }
  return new module.DatabaseSync(file);
}

/** Prepares a query whose rows come as arrays of their columns: where the driver makes them itself, at about half the cost of objects. */
export function prepareArrays(database: SqliteDatabase, sql: string): (...values: SqliteValue[]) => unknown[] {
  const statement = database.prepare(sql);
  if (statement.setReturnArrays !== undefined) statement.setReturnArrays(true);
  else if (statement.raw !== undefined) statement.raw(true);
  else return (...values) => (statement.all(...values) as object[]).map((row) => Object.values(row));
  return (...values) => statement.all(...values);
}

/** The path of a connection's file, symbolic links resolved; empty for a database in memory. */
export function fileOf(database: SqliteDatabase): string {
  const rows = database.prepare('PRAGMA database_list').all() as { name: string; file: string | null }[];
  return rows.find(({ name }) => name === 'main')?.file ?? '';
}
