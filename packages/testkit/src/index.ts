export { createSeededRandomness } from './fakes/seeded-randomness.ts';
export type { VirtualClock, VirtualClockOptions } from './fakes/virtual-clock.ts';
export { createVirtualClock } from './fakes/virtual-clock.ts';
export type { HistoryContext, HistoryStoreAdapter } from './history-store/adapter.ts';
export { historyStoreRules, historyStoreSuite } from './history-store/suite.ts';
export type { RuleText, TestRunner } from './support/rule.ts';
