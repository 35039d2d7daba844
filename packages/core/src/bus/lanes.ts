import { type CursorParts, formatCursor } from '../cursor.ts';
import { HexbusError, isHexbusError } from '../errors.ts';
import type { RetainedMessage } from '../message.ts';
import type { Filter, Head } from '../ports/history-store.ts';
import type { TopicMatcher } from '../retention.ts';
import type { SubscribeOptions, SubscriptionStart } from './api.ts';
import { Backoff } from './backoff.ts';
import type { FeedStart } from './feed.ts';
import type { HandlerRunner } from './handler-runner.ts';
import type { HeldListener, HeldQueue } from './held-queue.ts';
import type { DurableName } from './named-cursors.ts';
import type { MessageReference, SubscriptionReference } from './observers.ts';
import { busDefaults } from './options.ts';
import { Pump } from './pump.ts';
import type { RetainedParts } from './retained-parts.ts';
import type { Signals } from './signals.ts';
import { resolveDurableStart, resolveStart, type StartQuery } from './start.ts';

/** What feeds a subscription from the history. Made at `subscribe`, begun once the history is open. */
export interface RetainedLane {
  readonly cursor: CursorParts | undefined;
  /** `now` is the head that the bus had acknowledged when `subscribe` was called, or when it opened. Rejects when there will be no start. */
  begin(side: RetainedParts, now: Head): Promise<SubscriptionStart>;
  push(message: RetainedMessage): void;
  doubt(): void;
  caughtUp(): Promise<void>;
  /** No further call starts. Resolves when the running one has ended and the cursor is committed. */
  end(): Promise<void>;
}

/** What both lanes hand on to what runs the handler. */
export interface LaneHandling {
  readonly runner: HandlerRunner;
  readonly signals: Signals;
  readonly subscription: SubscriptionReference;
}

export interface StreamLaneOptions extends LaneHandling {
  readonly filter: Filter;
  readonly matcher: TopicMatcher;
  readonly start: StartQuery;
  readonly durable: DurableName | undefined;
  readonly options: SubscribeOptions;
  readonly onStop: (error: unknown, message: MessageReference) => void;
}

/** A pump behind a resolved start. */
export class StreamLane implements RetainedLane {
  readonly #options: StreamLaneOptions;
  #pump: Pump | undefined;
  #backoff: Backoff | undefined;
  #beginning: Promise<SubscriptionStart> | undefined;
  #ended = false;

  constructor(options: StreamLaneOptions) {
    this.#options = options;
  }

  get cursor(): CursorParts | undefined {
    return this.#pump?.cursor;
  }

  begin(side: RetainedParts, now: Head): Promise<SubscriptionStart> {
    this.#beginning = this.#begin(side, now);
    return this.#beginning;
  }

  async #begin(side: RetainedParts, now: Head): Promise<SubscriptionStart> {
    const { filter, matcher, runner, durable, signals, subscription, onStop, options } = this.#options;
    const start = await this.#resolve(side, now);
    if (this.#ended) throw new HexbusError('HEXBUS_CLOSED', 'the subscription ended before its start was resolved');
    const onFailure = options.onFailure ?? 'skip';
    this.#pump = new Pump({ side, filter, matcher, start, runner, onFailure, durable, signals, subscription, onStop });
    return { start: formatCursor(start.epoch, start.position), head: formatCursor(side.tail.epoch, side.tail.head) };
  }

  push(message: RetainedMessage): void {
    this.#pump?.push(message);
  }

  doubt(): void {
    this.#pump?.doubt();
  }

  async caughtUp(): Promise<void> {
    await this.#pump?.caughtUp();
  }

  async end(): Promise<void> {
    this.#ended = true;
    this.#backoff?.end();
    const { durable } = this.#options;
    if (this.#pump === undefined) durable?.giveUp();
    await this.#pump?.end();
    // A start that is still being resolved may not commit a cursor for whoever takes the name next.
    await this.#beginning?.catch(() => undefined);
    durable?.release();
  }

  async #resolve(side: RetainedParts, now: Head): Promise<FeedStart> {
    const { filter, start, durable, options } = this.#options;
    this.#backoff = new Backoff(side.clock, busDefaults.retryDelayMs, busDefaults.maxRetryDelayMs);
    for (;;) {
      try {
        if (durable === undefined) return await resolveStart(side.history, filter, start, now);
        return await resolveDurableStart(side.history, durable, start, now, options.onFilterChange);
      } catch (error) {
        if (this.#ended || !isHexbusError(error) || !error.retryable) throw error;
        side.observers.error(error, { subscription: this.#options.subscription });
        await this.#backoff.pause();
      }
    }
  }
}

/** A listener of a held topic. Its queue is shared with the other listeners of the topic. */
export class HeldLane implements RetainedLane {
  readonly cursor: undefined;
  readonly #listener: HeldListener;
  readonly #queueOf: () => HeldQueue;
  #queue: HeldQueue | undefined;
  readonly #leaveWaiters = new Set<() => void>();
  #ended = false;

  /** `queueOf` gives the queue of the topic, once the history is open. */
  constructor(handling: LaneHandling, queueOf: () => HeldQueue) {
    this.#listener = handling;
    this.#queueOf = queueOf;
  }

  begin(side: RetainedParts, now: Head): Promise<SubscriptionStart> {
    if (this.#ended) return Promise.reject(new HexbusError('HEXBUS_CLOSED', 'the subscription ended before it began'));
    this.#queue = this.#queueOf();
    this.#queue.attach(this.#listener);
    return Promise.resolve({ start: formatCursor(now.epoch, 0), head: formatCursor(side.tail.epoch, side.tail.head) });
  }

  /** Messages come by the queue. */
  push(): void {}

  doubt(): void {}

  async caughtUp(): Promise<void> {
    if (this.#queue === undefined || this.#ended) return;
    // Other listeners may keep the queue busy after this one has left.
    let leave: () => void = () => undefined;
    const left = new Promise<void>((resolve) => {
      leave = resolve;
    });
    this.#leaveWaiters.add(leave);
    await Promise.race([this.#queue.caughtUp(), left]);
    this.#leaveWaiters.delete(leave);
  }

  async end(): Promise<void> {
    this.#ended = true;
    for (const leave of this.#leaveWaiters) leave();
    await this.#queue?.detach(this.#listener);
  }
}
