export { createMemoryHistory, type MemoryHistoryOptions, memoryHistoryDefaults } from './memory-history.ts';
export type { Bounds } from './message-log.ts';
