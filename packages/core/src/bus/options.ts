import { type Clock, type Randomness, systemClock, systemRandomness } from '../clock.ts';
import { HexbusError, shorten } from '../errors.ts';
import { assertPattern } from '../pattern.ts';
import type { HistoryStore, RetentionPolicies, RetentionPolicy } from '../ports/history-store.ts';

/** A validator by the Standard Schema specification (standardschema.dev), version 1; zod, valibot, arktype and others are some. */
export interface StandardSchema {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult | Promise<SchemaResult>;
  };
}

export type SchemaResult =
  | { readonly value: unknown; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** Limits of a retained topic; at least one. `Infinity` keeps everything. */
export interface RetainLimits {
  readonly maxCount?: number | undefined;
  readonly maxAgeMs?: number | undefined;
}

/** A held topic with bounds of its own. */
export interface RetainUntilHandled {
  readonly until: 'handled';
  readonly maxCount?: number | undefined;
  readonly maxAgeMs?: number | undefined;
  /** What happens to a publish when `maxCount` messages wait. Default `reject`. */
  readonly overflow?: 'reject' | 'drop-oldest' | undefined;
}

/** What holds for the topics under a name or pattern. A topic's own name wins, then the first pattern that matches; each field for itself. */
export interface TopicPolicy {
  readonly retain?: 'none' | 'until-handled' | RetainLimits | RetainUntilHandled | undefined;
  /** Checks each body at `publish` and `emit`; what it returns is published. It must answer at once, since waiting would reorder publishes. */
  readonly schema?: StandardSchema | undefined;
}

export interface BusOptions {
  /** Keeps the messages of retained topics. Owned by the bus from `open` to `close`. Without one nothing may be retained. */
  readonly history?: HistoryStore | undefined;
  readonly topics?: Readonly<Record<string, TopicPolicy>> | undefined;
  /** The largest body of a retained topic, as UTF-8 bytes of its JSON text. */
  readonly maxBodyBytes?: number | undefined;
  /** Publishes wait for the history in memory up to this; beyond, they are refused with `HEXBUS_OVERLOADED`. UTF-16 units of their JSON texts. */
  readonly maxPendingBytes?: number | undefined;
  /** How many of the last ids given by callers are remembered to find duplicates, and for how long. */
  readonly deduplication?: { readonly maxIds?: number | undefined; readonly maxAgeMs?: number };
  /** How often limits of age are enforced while nothing is written. */
  readonly trimIntervalMs?: number | undefined;
  /** Handler defaults of `subscribe`. */
  readonly maxTries?: number | undefined;
  readonly retryDelayMs?: number | undefined;
  readonly handleTimeoutMs?: number | undefined;
  /** How long `close` waits for running handlers. */
  readonly closeTimeoutMs?: number | undefined;
  readonly clock?: Clock | undefined;
  readonly randomness?: Randomness | undefined;
}

/** Every default of the bus. */
export const busDefaults = {
  maxBodyBytes: 262_144,
  maxBodyDepth: 64,
  maxPendingBytes: 67_108_864,
  deduplicationMaxIds: 10_000,
  deduplicationMaxAgeMs: 300_000,
  trimIntervalMs: 5_000,
  heldMaxCount: 100_000,
  maxTries: 3,
  retryDelayMs: 100,
  maxRetryDelayMs: 30_000,
  handleTimeoutMs: 60_000,
  closeTimeoutMs: 10_000,
  readLimit: 100,
} as const;

/** The options of a bus, checked and completed. */
export interface BusSettings {
  readonly history: HistoryStore | undefined;
  readonly topics: readonly TopicSettings[];
  /** What the history is told: the policies of `topics`, in their order. */
  readonly retention: RetentionPolicies;
  readonly maxBodyBytes: number;
  readonly maxPendingBytes: number;
  readonly deduplication: { readonly maxIds: number; readonly maxAgeMs: number };
  readonly trimIntervalMs: number;
  readonly closeTimeoutMs: number;
  readonly handling: HandlingSettings;
  readonly clock: Clock;
  readonly randomness: Randomness;
}

export interface TopicSettings {
  readonly pattern: string;
  /** Undefined: says nothing of it, so a less exact pattern may. */
  readonly retention: RetentionPolicy | 'none' | undefined;
  readonly schema: StandardSchema | undefined;
}

/** How a message is tried. */
export interface HandlingSettings {
  readonly maxTries: number;
  readonly retryDelayMs: number;
  readonly handleTimeoutMs: number;
}

/** Checks and completes what was passed to `createBus`, or throws `HEXBUS_CONFIG` naming the field. */
export function resolveBusOptions(options: BusOptions): BusSettings {
  const topics = Object.entries(options.topics ?? {}).map(([pattern, policy]) => resolveTopic(pattern, policy));
  const retained = topics.find(({ retention }) => typeof retention === 'object');
  if (retained !== undefined && options.history === undefined) {
    throw configError(
      `topics[${shorten(retained.pattern)}].retain`,
      'needs a history',
      'pass history: createMemoryHistory() or another',
    );
  }
  return {
    history: options.history,
    topics,
    retention: topics.flatMap(retentionOf),
    maxBodyBytes: count('maxBodyBytes', options.maxBodyBytes, busDefaults.maxBodyBytes),
    maxPendingBytes: count('maxPendingBytes', options.maxPendingBytes, busDefaults.maxPendingBytes),
    deduplication: {
      maxIds: count('deduplication.maxIds', options.deduplication?.maxIds, busDefaults.deduplicationMaxIds, 0),
      maxAgeMs: duration('deduplication.maxAgeMs', options.deduplication?.maxAgeMs, busDefaults.deduplicationMaxAgeMs),
    },
    trimIntervalMs: duration('trimIntervalMs', options.trimIntervalMs, busDefaults.trimIntervalMs, 1),
    closeTimeoutMs: duration('closeTimeoutMs', options.closeTimeoutMs, busDefaults.closeTimeoutMs),
    handling: resolveHandling(options, busDefaults),
    clock: options.clock ?? systemClock,
    randomness: options.randomness ?? systemRandomness,
  };
}

/** The handling that `options` ask for, with `defaults` for what they leave out. */
export function resolveHandling(
  options: { readonly [Field in keyof HandlingSettings]?: number | undefined },
  defaults: HandlingSettings,
): HandlingSettings {
  return {
    maxTries: count('maxTries', options.maxTries, defaults.maxTries),
    retryDelayMs: duration('retryDelayMs', options.retryDelayMs, defaults.retryDelayMs),
    handleTimeoutMs: duration('handleTimeoutMs', options.handleTimeoutMs, defaults.handleTimeoutMs),
  };
}

/** A topic that is exempt from a wider policy is never appended to, so to the history it is one without limits. */
function retentionOf({ pattern, retention }: TopicSettings): RetentionPolicies {
  if (retention === undefined) return [];
  const unlimited = { maxCount: Number.POSITIVE_INFINITY, maxAgeMs: Number.POSITIVE_INFINITY };
  return [retention === 'none' ? { kind: 'limits', pattern, ...unlimited } : retention];
}

function resolveTopic(pattern: string, policy: TopicPolicy): TopicSettings {
  assertPattern(pattern);
  const field = `topics[${shorten(pattern)}]`;
  if (typeof policy !== 'object' || policy === null)
    throw configError(field, `is ${shorten(policy)}`, "use an object such as { retain: 'until-handled' }");
  if (policy.schema !== undefined && typeof policy.schema['~standard']?.validate !== 'function') {
    throw configError(`${field}.schema`, 'is no Standard Schema validator', 'pass one such as z.object({ ... })');
  }
  return { pattern, retention: resolveRetention(pattern, `${field}.retain`, policy.retain), schema: policy.schema };
}

function resolveRetention(pattern: string, field: string, retain: TopicPolicy['retain']): TopicSettings['retention'] {
  if (retain === undefined || retain === 'none') return retain;
  const limits: RetainLimits | RetainUntilHandled = retain === 'until-handled' ? { until: 'handled' } : retain;
  if (typeof limits !== 'object' || limits === null) {
    throw configError(
      field,
      `is ${shorten(retain)}`,
      "use 'none', 'until-handled', { maxCount, maxAgeMs } or { until: 'handled', ... }",
    );
  }
  const maxAgeMs = duration(`${field}.maxAgeMs`, limits.maxAgeMs, Number.POSITIVE_INFINITY);
  if (isUntilHandled(limits)) {
    if (limits.until !== 'handled') throw configError(`${field}.until`, `is ${shorten(limits.until)}`, "use 'handled'");
    const overflow = limits.overflow ?? 'reject';
    if (overflow !== 'reject' && overflow !== 'drop-oldest') {
      throw configError(`${field}.overflow`, `is ${shorten(overflow)}`, "use 'reject' or 'drop-oldest'");
    }
    const maxCount = count(`${field}.maxCount`, limits.maxCount, busDefaults.heldMaxCount);
    return { kind: 'until-handled', pattern, maxCount, maxAgeMs, overflow };
  }
  if (limits.maxCount === undefined && limits.maxAgeMs === undefined) {
    throw configError(field, 'has no limit', 'give maxCount, maxAgeMs or both; Infinity keeps everything');
  }
  return {
    kind: 'limits',
    pattern,
    maxCount: count(`${field}.maxCount`, limits.maxCount, Number.POSITIVE_INFINITY),
    maxAgeMs,
  };
}

function isUntilHandled(limits: RetainLimits | RetainUntilHandled): limits is RetainUntilHandled {
  return 'until' in limits;
}

function count(field: string, value: number | undefined, fallback: number, least = 1): number {
  if (value === undefined) return fallback;
  if (
    typeof value === 'number' &&
    value >= least &&
    (Number.isSafeInteger(value) || value === Number.POSITIVE_INFINITY)
  )
    return value;
  throw configError(field, `is ${shorten(value)}`, `use a whole number from ${least}, or Infinity`);
}

function duration(field: string, value: number | undefined, fallback: number, least = 0): number {
  if (value === undefined) return fallback;
  if (typeof value === 'number' && value >= least) return value;
  throw configError(field, `is ${shorten(value)}`, `use milliseconds from ${least}, or Infinity`);
}

/** The error of a field of some options: what it is, and what to do. */
export function configError(field: string, what: string, instead: string): HexbusError {
  return new HexbusError('HEXBUS_CONFIG', `${field} ${what}; ${instead}`);
}
