import { HexbusError, shorten } from '../errors.ts';
import { assertPattern, isPattern } from '../pattern.ts';
import { createTopicMatcher } from '../retention.ts';
import type { Handler, SubscribeOptions, Subscription } from './api.ts';
import { assertChoice, assertField, assertFunction, assertSignal, isObject } from './checks.ts';
import { HandlerRunner } from './delivery/handler-runner.ts';
import { HeldLane } from './delivery/held-lane.ts';
import type { LaneHandling } from './delivery/lane.ts';
import { Pump } from './delivery/pump.ts';
import { Reports } from './delivery/reports.ts';
import { parseFrom } from './delivery/start.ts';
import { BusSubscription, type RetainedPart, type SubscriptionHost } from './delivery/subscription.ts';
import { assertName, type DurableName, type NamedCursors } from './log/named-cursors.ts';
import type { RetainedSide } from './log/retained-side.ts';
import type { Observers } from './observers.ts';
import { type BusSettings, busDefaults, resolveHandling } from './options.ts';
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
  readonly #options: SubscriptionsOptions;
  readonly #all = new Set<BusSubscription>();

  constructor(options: SubscriptionsOptions) {
    this.#options = options;
  }

  /** Those that have not ended at this moment. */
  get all(): readonly BusSubscription[] {
    return [...this.#all];
  }

  /** Whether a call of some handler is running. */
  get busy(): boolean {
    for (const subscription of this.#all) if (subscription.busy) return true;
    return false;
  }

  /** Throws a `HexbusError` for what can be seen to be wrong at once; what only the history can tell makes the subscription fail. */
  subscribe(entries: string | readonly string[], handler: Handler, options: SubscribeOptions): BusSubscription {
    const filter = normalizeFilter(entries);
    const { onFailure, onFilterChange, signal } = options;
    assertFunction('handler', handler);
    assertSignal(signal);
    if (onFailure !== undefined) assertChoice('onFailure', onFailure, 'skip', 'stop');
    if (onFilterChange !== undefined) assertChoice('onFilterChange', onFilterChange, 'keep-cursor', 'restart');
    const { observers, settings } = this.#options;
    const reports = new Reports(
      options,
      observers,
      options.name === undefined ? { filter } : { filter, name: options.name },
    );
    const runner = new HandlerRunner({
      handler,
      handling: resolveHandling(options, settings.handling),
      clock: settings.clock,
      reports,
    });
    const handling = { runner, reports };
    const held = filter.find((entry) => !isPattern(entry) && this.#options.topics.isHeld(entry));
    const retained =
      held === undefined
        ? this.#streamPart(filter, options, handling)
        : this.#heldPart(held, filter, options, handling);
    const subscription = new BusSubscription(this, filter, handler, handling, retained);
    this.#all.add(subscription);
    if (held === undefined) this.#options.topics.add(filter, subscription);
    endOnAbort(subscription, signal);
    const side = this.#options.side();
    if (side !== undefined) subscription.begin(side);
    return subscription;
  }

  detach(subscription: BusSubscription): void {
    this.#options.topics.remove(subscription.filter, subscription);
  }

  ended(subscription: BusSubscription): void {
    this.#all.delete(subscription);
  }

  #heldPart(held: string, filter: readonly string[], options: SubscribeOptions, handling: LaneHandling): RetainedPart {
    checkHeldSubscription(held, filter, options);
    return {
      durable: undefined,
      makeLane: (side) => new HeldLane(side.heldQueue(held), handling),
    };
  }

  /** Undefined where nothing of the filter is in the history. */
  #streamPart(filter: readonly string[], options: SubscribeOptions, handling: LaneHandling): RetainedPart | undefined {
    const { from = busDefaults.from } = options;
    const start = parseFrom(from);
    if (!filter.some((entry) => this.#mayBeRetained(entry))) {
      if (start === 'now' && options.name === undefined) return undefined;
      throw new HexbusError(
        'HEXBUS_NOT_RETAINED',
        `${shorten(filter.join(' '))} keeps no history; give it a retain policy, or leave out from and name`,
      );
    }
    const durable = options.name === undefined ? undefined : this.#claim(options.name, filter);
    const matcher = createTopicMatcher(filter, this.#options.topics);
    return {
      durable,
      makeLane: (side, fail) => new Pump({ ...handling, side, filter, matcher, start, durable, options, fail }),
    };
  }

  #claim(name: string, filter: readonly string[]): DurableName {
    assertName(name);
    return this.#options.names.claim(name, filter);
  }

  /** Whether some message of a filter's entry can be in the history. */
  #mayBeRetained(entry: string): boolean {
    const { topics, settings } = this.#options;
    const isHeld = settings.topics.some(
      ({ pattern, retention }) => pattern === entry && isObject(retention) && retention.kind === 'until-handled',
    );
    assertField(!isHeld, 'filter', entry, 'subscribe to each held topic by its own name');
    return topics.mayKeep(entry);
  }
}

function checkHeldSubscription(held: string, filter: readonly string[], options: SubscribeOptions): void {
  const topic = `the held topic ${shorten(held)}`;
  assertField(filter.length === 1, 'filter', filter, `subscribe to ${topic} by itself`);
  for (const field of ['from', 'name', 'onFailure', 'onFilterChange'] as const) {
    const value = options[field];
    assertField(value === undefined, field, value, `leave it out for ${topic}`);
  }
}

/** A filter as it is kept: checked, sorted, without repeats. */
export function normalizeFilter(entries: string | readonly string[]): readonly string[] {
  const list = typeof entries === 'string' ? [entries] : entries;
  const valid = Array.isArray(list) && list.length > 0;
  assertField(valid, 'filter', entries, 'pass topics or patterns');
  for (const entry of list) assertPattern(entry);
  return [...new Set<string>(list)].sort();
}

function endOnAbort(subscription: Subscription, signal: AbortSignal | undefined): void {
  if (signal === undefined) return;
  const end = (): void => subscription.unsubscribe();
  if (signal.aborted) end();
  signal.addEventListener('abort', end, { once: true });
  void subscription.done.then(() => signal.removeEventListener('abort', end));
}
