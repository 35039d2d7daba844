export type { SqliteDurability } from './connection.ts';
export type { SqliteDatabase, SqliteStatement, SqliteValue } from './driver.ts';
export { createSqliteHistory, type SqliteHistoryOptions } from './sqlite-history.ts';
