export type {
  BridgeObserverEvents,
  BridgeResult,
  MessageBridge,
  MessageBridgeOptions,
  MessageRoute,
  MessageSource,
  SourceHandler,
  SourceMessage,
} from './bridge/api.ts';
export { createMessageBridge } from './bridge/message-bridge.ts';
export type {
  Bus,
  DeadLetter,
  From,
  Handler,
  HandlerContext,
  Listener,
  Page,
  PublishOptions,
  ReadOptions,
  Receipt,
  SubscribeOptions,
  Subscription,
  SubscriptionStart,
  SubscriptionState,
  TopicStats,
} from './bus/api.ts';
export { createBus } from './bus/bus.ts';
export type { Gap, Reset } from './bus/log/losses.ts';
export type { MessageReference, ObserverEvents, SubscriptionReference } from './bus/observers.ts';
export type {
  BusOptions,
  RetainLimits,
  RetainUntilHandled,
  SchemaIssue,
  SchemaResult,
  StandardSchema,
  TopicPolicy,
} from './bus/options.ts';
export { busDefaults } from './bus/options.ts';
export type { EventMap, FilterEntry, MessageFor, TopicOf } from './bus/topics.ts';
export type { CancelTimer, Clock, Randomness } from './clock.ts';
export { systemClock, systemRandomness } from './clock.ts';
export type { Cursor, CursorParts } from './cursor.ts';
export { formatCursor, parseCursor } from './cursor.ts';
export type { ErrorCode, HexbusErrorOptions } from './errors.ts';
export { errorCodes, HexbusError, isHexbusError, shorten } from './errors.ts';
export type { LifecycleState } from './lifecycle.ts';
export type { Message, MessageHeaders, StoredMessage } from './message.ts';
export { assertPattern, assertTopic, isPattern, matchesPattern, patternsOverlap } from './pattern.ts';
export type {
  AppendResult,
  DroppedMessage,
  Filter,
  Head,
  HeldPolicy,
  HistoryPage,
  HistoryStore,
  LimitsPolicy,
  Located,
  LocateQuery,
  NamedCursor,
  NewMessage,
  OpenHistoryOptions,
  ReadQuery,
  RetentionPolicies,
  RetentionPolicy,
  Settlement,
  TopicSummary,
  TrimMark,
  WriteBatch,
  WriteResult,
} from './ports/history-store.ts';
export type { RetentionLookup, TopicMatcher } from './retention.ts';
export { createRetentionLookup, createTopicMatcher } from './retention.ts';
