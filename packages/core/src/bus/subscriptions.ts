import { HexbusError, shorten } from '../errors.ts';
import { assertPattern, isPattern, patternsOverlap } from '../pattern.ts';
import type { RetentionPolicy } from '../ports/history-store.ts';
import { createRetentionLookup, createTopicMatcher, type RetentionLookup } from '../retention.ts';
import type { Handler, SubscribeOptions, Subscription } from './api.ts';
import { HandlerRunner } from './handler-runner.ts';
import { HeldLane, type LaneHandling, type RetainedLane, StreamLane } from './lanes.ts';
import type { NamedCursors } from './named-cursors.ts';
import { type MessageReference, type Observers, referenceOf, type SubscriptionReference } from './observers.ts';
import { type BusSettings, configError, resolveHandling } from './options.ts';
import type { RetainedSide } from './retained-side.ts';
import { Signals } from './signals.ts';
import { parseFrom } from './start.ts';
import { BusSubscription, type SubscriptionHost } from './subscription.ts';
import type { TopicTable } from './topic-table.ts';

export interface SubscriptionsOptions {
  readonly settings: BusSettings;
  readonly topics: TopicTable;
  readonly names: NamedCursors;
  readonly observers: Observers;
  /** The retained side, once the history is open. */
  readonly side: () => RetainedSide | undefined;
}

/** The subscriptions of a bus: checks what is asked for, decides what feeds each, and knows those that have not ended. */
export class Subscriptions implements SubscriptionHost {
  readonly observers: Observers;
  readonly #options: SubscriptionsOptions;
  readonly #retention: RetentionLookup;
  readonly #policies: readonly RetentionPolicy[];
  readonly #all = new Set<BusSubscription>();

  constructor(options: SubscriptionsOptions) {
    this.observers = options.observers;
    this.#options = options;
    this.#policies = retentionPolicies(options.settings);
    this.#retention = createRetentionLookup(this.#policies);
  }

  get all(): Iterable<BusSubscription> {
    return this.#all;
  }

  /** Whether a call of some handler is running. */
  get busy(): boolean {
    for (const subscription of this.#all) if (subscription.busy) return true;
    return false;
  }

  /** Throws a `HexbusError` for what can be seen to be wrong at once; what only the history can tell makes the subscription fail. */
  subscribe(entries: string | readonly string[], handler: Handler, options: SubscribeOptions): BusSubscription {
    const filter = normalizeFilter(entries);
    if (typeof handler !== 'function') throw configError('handler', `is ${shorten(handler)}`, 'pass a function');
    checkChoice('onFailure', options.onFailure, 'skip', 'stop');
    checkChoice('onFilterChange', options.onFilterChange, 'keep-cursor', 'restart');
    const { observers, settings } = this.#options;
    const reference: SubscriptionReference = options.name === undefined ? { filter } : { filter, name: options.name };
    const runner = new HandlerRunner({
      handler,
      handling: resolveHandling(options, settings.handling),
      clock: settings.clock,
      onRetry: (message, attempt, error) =>
        observers.tell('retried', { ...referenceOf(message), subscription: reference, attempt, error }),
    });
    const handling = { runner, signals: new Signals(options, observers, reference), subscription: reference };
    const fail = (error: unknown, message: MessageReference): void => subscription.fail(error, message);
    const lane = this.#laneFor(filter, options, handling, fail);
    const subscription: BusSubscription = new BusSubscription(this, filter, handler, handling, lane);
    this.#all.add(subscription);
    if (!(lane instanceof HeldLane)) this.#options.topics.add(filter, subscription);
    endOnAbort(subscription, options.signal);
    const side = this.#options.side();
    if (side !== undefined) subscription.begin(side, { epoch: side.tail.epoch, position: side.tail.head });
    return subscription;
  }

  /** The history was opened, with this head. */
  beginAll(side: RetainedSide): void {
    const head = { epoch: side.tail.epoch, position: side.tail.head };
    for (const subscription of [...this.#all]) subscription.begin(side, head);
  }

  failAll(error: unknown): void {
    for (const subscription of [...this.#all]) subscription.fail(error);
  }

  /** Resolves when all have ended and what they handled is committed. */
  async endAll(): Promise<void> {
    const subscriptions = [...this.#all];
    for (const subscription of subscriptions) subscription.unsubscribe();
    await Promise.all(subscriptions.map((subscription) => subscription.done));
  }

  abandonAll(): void {
    for (const subscription of this.#all) subscription.abandon();
  }

  async flush(): Promise<void> {
    await this.#options.side()?.writer.flush();
  }

  detach(subscription: BusSubscription): void {
    this.#options.topics.remove(subscription.filter, subscription);
  }

  ended(subscription: BusSubscription): void {
    this.#all.delete(subscription);
  }

  #laneFor(
    filter: readonly string[],
    options: SubscribeOptions,
    handling: LaneHandling,
    onStop: (error: unknown, message: MessageReference) => void,
  ): RetainedLane | undefined {
    const start = parseFrom(options.from);
    const held = filter.find((entry) => !isPattern(entry) && this.#retention.isHeld(entry));
    if (held !== undefined) {
      if (filter.length > 1)
        throw configError('filter', `lists the held topic ${shorten(held)} beside others`, 'subscribe to it by itself');
      if (options.from !== undefined || options.name !== undefined) {
        throw configError(
          'from and name',
          `do not apply to the held topic ${shorten(held)}`,
          'leave them out: its listeners share one queue',
        );
      }
      return new HeldLane(handling, () => (this.#options.side() as RetainedSide).heldQueue(held));
    }
    const retained = this.#policies.some(
      ({ kind, pattern }) => kind === 'limits' && filter.some((entry) => patternsOverlap(pattern, entry)),
    );
    if (!retained) {
      if (start === 'now' && options.name === undefined) return undefined;
      throw new HexbusError(
        'HEXBUS_NOT_RETAINED',
        `${shorten(filter.join(' '))} keeps no history, so from and name have no meaning; give the topic a retain policy, or leave them out`,
      );
    }
    const durable = options.name === undefined ? undefined : this.#options.names.claim(checkName(options.name), filter);
    const matcher = createTopicMatcher(filter, this.#retention);
    return new StreamLane({ ...handling, filter, matcher, start, durable, options, onStop });
  }
}

/** The retention policies of a bus, in the order in which they were given. */
export function retentionPolicies(settings: BusSettings): readonly RetentionPolicy[] {
  return settings.policies.flatMap(({ retention }) => (retention === undefined ? [] : [retention]));
}

/** A filter as it is kept: checked, sorted, without repeats. */
export function normalizeFilter(entries: string | readonly string[]): readonly string[] {
  const list = typeof entries === 'string' ? [entries] : entries;
  if (!Array.isArray(list) || list.length === 0)
    throw configError('filter', `is ${shorten(entries)}`, 'pass a topic, a pattern, or a list of them');
  for (const entry of list) assertPattern(entry);
  return [...new Set<string>(list)].sort();
}

function checkChoice(field: string, value: string | undefined, one: string, other: string): void {
  if (value === undefined || value === one || value === other) return;
  throw configError(field, `is ${shorten(value)}`, `use '${one}' or '${other}'`);
}

function checkName(name: string): string {
  if (typeof name === 'string' && name.length > 0 && name.length <= 256 && !name.startsWith('@')) return name;
  throw configError('name', `is ${shorten(name)}`, 'use 1 to 256 characters, the first not @');
}

function endOnAbort(subscription: Subscription, signal: AbortSignal | undefined): void {
  if (signal === undefined) return;
  const end = (): void => subscription.unsubscribe();
  if (signal.aborted) end();
  signal.addEventListener('abort', end, { once: true });
  void subscription.done.then(() => signal.removeEventListener('abort', end));
}
