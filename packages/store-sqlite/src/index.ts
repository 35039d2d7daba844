export type { SqliteDurability } from './connection.ts';
export type { SqliteDatabase, SqliteStatement, SqliteValue } from './driver.ts';
export { createSqliteHistory, type SqliteHistoryOptions, sqliteHistoryDefaults } from './sqlite-history.ts';
