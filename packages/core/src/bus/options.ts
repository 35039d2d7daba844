import { type Clock, type Randomness, systemClock, systemRandomness } from '../clock.ts';
import { HexbusError, shorten } from '../errors.ts';
import { assertPattern } from '../pattern.ts';
import type { HistoryStore, RetentionPolicies, RetentionPolicy } from '../ports/history-store.ts';
import { assertChoice, assertField, isObject } from './checks.ts';

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
  /** What happens to a publish when `maxCount` messages wait. Default `busDefaults.overflow`. */
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
  /** Publishes wait for the history in memory up to this; beyond, they are refused with `HEXBUS_OVERLOADED`. UTF-16 units of their texts, and 400 for each. */
  readonly maxPendingBytes?: number | undefined;
  /** How many of the last ids given by callers are remembered to find duplicates, and for how long. */
  readonly deduplication?: { readonly maxIds?: number | undefined; readonly maxAgeMs?: number };
  /** How often limits of age are enforced while nothing is written. */
  readonly trimIntervalMs?: number | undefined;
  /** Handler defaults of `subscribe`. */
  readonly maxTries?: number | undefined;
  readonly retryDelayMs?: number | undefined;
  readonly handleTimeoutMs?: number | undefined;
  /** How long `close` waits for running handlers, and then again for the history. */
  readonly closeTimeoutMs?: number | undefined;
  readonly clock?: Clock | undefined;
  readonly randomness?: Randomness | undefined;
}

/** Every default of the bus. */
export const busDefaults = {
  maxBodyBytes: 262_144,
  maxBodyDepth: 64,
  maxPendingBytes: 67_108_864,
  deduplication: { maxIds: 10_000, maxAgeMs: 300_000 },
  trimIntervalMs: 5_000,
  held: { maxCount: 100_000 },
  overflow: 'reject',
  from: 'now',
  maxTries: 3,
  retryDelayMs: 100,
  maxRetryDelayMs: 30_000,
  handleTimeoutMs: 60_000,
  onFailure: 'skip',
  closeTimeoutMs: 10_000,
  readLimit: 100,
  maxIterated: 10_000,
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
  const { history, deduplication = {} } = options;
  const isStore = history === undefined || typeof history?.open === 'function';
  assertField(isStore, 'history', history, 'pass what createMemoryHistory() or the like returns');
  assertField(isObject(deduplication), 'deduplication', deduplication, 'use { maxIds, maxAgeMs }');
  const topics = Object.entries(options.topics ?? {}).map(([pattern, policy]) => resolveTopic(pattern, policy));
  const retained = topics.find(({ retention }) => isObject(retention));
  if (retained !== undefined && history === undefined) {
    throw new HexbusError(
      'HEXBUS_CONFIG',
      `${fieldOf(retained.pattern)}.retain needs a history; pass one to createBus`,
    );
  }
  return {
    history,
    topics,
    retention: topics.flatMap(retentionOf),
    maxBodyBytes: numberOf(options, busDefaults, 'maxBodyBytes'),
    maxPendingBytes: numberOf(options, busDefaults, 'maxPendingBytes'),
    deduplication: {
      maxIds: numberOf(deduplication, busDefaults.deduplication, 'maxIds', 'deduplication.', 0),
      maxAgeMs: numberOf(deduplication, busDefaults.deduplication, 'maxAgeMs', 'deduplication.'),
    },
    trimIntervalMs: numberOf(options, busDefaults, 'trimIntervalMs', '', 1),
    closeTimeoutMs: numberOf(options, busDefaults, 'closeTimeoutMs'),
    handling: resolveHandling(options, busDefaults),
    clock: options.clock ?? systemClock,
    randomness: options.randomness ?? systemRandomness,
  };
}

/** The handling that `options` ask for, with `defaults` for what they leave out. */
export function resolveHandling(
  options: Numbers<keyof HandlingSettings>,
  defaults: HandlingSettings,
): HandlingSettings {
  return {
    maxTries: numberOf(options, defaults, 'maxTries'),
    retryDelayMs: numberOf(options, defaults, 'retryDelayMs'),
    handleTimeoutMs: numberOf(options, defaults, 'handleTimeoutMs'),
  };
}

const unlimited = { maxCount: Infinity, maxAgeMs: Infinity } as const;

/** A topic that is exempt from a wider policy is never appended to, so to the history it is one without limits. */
function retentionOf({ pattern, retention }: TopicSettings): RetentionPolicies {
  if (retention === undefined) return [];
  return [retention === 'none' ? { kind: 'limits', pattern, ...unlimited } : retention];
}

function fieldOf(pattern: string): string {
  return `topics[${shorten(pattern)}]`;
}

function resolveTopic(pattern: string, policy: TopicPolicy): TopicSettings {
  assertPattern(pattern);
  const field = fieldOf(pattern);
  assertField(isObject(policy), field, policy, "use an object such as { retain: 'until-handled' }");
  const { retain, schema } = policy;
  const valid = schema === undefined || typeof schema['~standard']?.validate === 'function';
  assertField(valid, `${field}.schema`, schema, 'pass a Standard Schema validator');
  return { pattern, retention: resolveRetention(pattern, `${field}.retain`, retain), schema };
}

function resolveRetention(pattern: string, field: string, retain: TopicPolicy['retain']): TopicSettings['retention'] {
  if (retain === undefined || retain === 'none') return retain;
  const limits: RetainLimits | RetainUntilHandled = retain === 'until-handled' ? { until: 'handled' } : retain;
  assertField(
    isObject(limits),
    field,
    retain,
    "use 'none', 'until-handled', { maxCount, maxAgeMs } or { until: 'handled' }",
  );
  const path = `${field}.`;
  const maxCount = numberOf(limits, isUntilHandled(limits) ? busDefaults.held : unlimited, 'maxCount', path);
  const maxAgeMs = numberOf(limits, unlimited, 'maxAgeMs', path);
  if (isUntilHandled(limits)) {
    const overflow = limits.overflow ?? busDefaults.overflow;
    assertChoice(`${path}until`, limits.until, 'handled');
    assertChoice(`${path}overflow`, overflow, 'reject', 'drop-oldest');
    return { kind: 'until-handled', pattern, maxCount, maxAgeMs, overflow };
  }
  const bounded = limits.maxCount !== undefined || limits.maxAgeMs !== undefined;
  assertField(bounded, field, '{}', 'give maxCount or maxAgeMs; Infinity keeps everything');
  return { kind: 'limits', pattern, maxCount, maxAgeMs };
}

function isUntilHandled(limits: RetainLimits | RetainUntilHandled): limits is RetainUntilHandled {
  return 'until' in limits;
}

type Numbers<Field extends string> = { readonly [F in Field]?: number | undefined };

/**
 * The field of `options`, or of `defaults` where it is left out: a duration where its name ends in Ms, else a whole number. Throws `HEXBUS_CONFIG`, with
 * `path` before the field's name.
 */
export function numberOf<Field extends string>(
  options: Numbers<Field>,
  defaults: Readonly<Record<Field, number>>,
  field: Field,
  path = '',
  least: number = isDuration(field) ? 0 : 1,
): number {
  const { [field]: value = defaults[field] } = options;
  const kind = isDuration(field) ? 'milliseconds' : 'a whole number';
  const valid = Number.isSafeInteger(value) || value === Infinity || (isDuration(field) && typeof value === 'number');
  assertField(valid && value >= least, path + field, value, `use ${kind} from ${least}, or Infinity`);
  return value;
}

function isDuration(field: string): boolean {
  return field.endsWith('Ms');
}
