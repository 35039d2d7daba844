export {
  createLocalStorageHistory,
  type LocalStorageHistoryOptions,
  localStorageHistoryDefaults,
} from './local-storage-history.ts';
export type { CorruptItem } from './namespace.ts';
export type { WebLocks } from './tab-locks.ts';
export type { WebStorage } from './web-storage.ts';
