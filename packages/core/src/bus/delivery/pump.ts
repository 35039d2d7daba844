import type { Clock } from '../../clock.ts';
import type { CursorParts } from '../../cursor.ts';
import { isHexbusError } from '../../errors.ts';
import { RetainedMessage } from '../../message.ts';
import type { Filter, Head } from '../../ports/history-store.ts';
import type { TopicMatcher } from '../../retention.ts';
import type { SubscribeOptions } from '../api.ts';
import type { HandlingOutcome } from '../endings.ts';
import { Feed, type FeedStart } from '../log/feed.ts';
import type { DurableName } from '../log/named-cursors.ts';
import type { RetainedParts } from '../log/retained-parts.ts';
import { WakeLoop } from '../log/wake-loop.ts';
import { type MessageReference, referenceOf } from '../observers.ts';
import { busDefaults } from '../options.ts';
import { Backoff } from './backoff.ts';
import { CaughtUpWaiters } from './caught-up.ts';
import { handlerFailed, subscriptionEnded } from './handler-runner.ts';
import type { Lane, LaneHandling } from './lane.ts';
import { resolveDurableStart, resolveStart, type StartQuery } from './start.ts';

export interface PumpOptions extends LaneHandling {
  readonly side: RetainedParts;
  readonly filter: Filter;
  readonly matcher: TopicMatcher;
  readonly start: StartQuery;
  readonly durable: DurableName | undefined;
  readonly options: SubscribeOptions;
  /** A message used up its tries, and `onFailure` is `stop`: the subscription is to fail, and tells of it. */
  readonly fail: (error: unknown, message: MessageReference) => void;
}

/** A pump lets others have the event loop after so many messages or so many milliseconds. */
const maxSliceMessages = 64;
const maxSliceMs = 5;

/**
 * Feeds one handler: resolves the start, takes what follows the cursor, waits for the handler, moves the cursor, and sleeps when nothing follows. The
 * cursor moves only after the handler settled.
 */
export class Pump implements Lane {
  readonly #options: PumpOptions;
  readonly #loop: WakeLoop;
  readonly #backoff: Backoff;
  /** The head that the bus had acknowledged when `subscribe` was called, or when it opened. */
  readonly #now: Head;
  readonly #waiters = new CaughtUpWaiters();
  #feed: Feed | undefined;
  #handled: CursorParts | undefined;
  #delivering = false;
  #ended = false;
  #wasBehind = true;

  constructor(options: PumpOptions) {
    const { clock, tail } = options.side;
    this.#options = options;
    this.#now = { epoch: tail.epoch, position: tail.head };
    this.#loop = new WakeLoop(
      async () => {
        if (this.#feed !== undefined) await this.#drain(this.#feed);
      },
      (error) => options.reports.error(error),
    );
    this.#backoff = new Backoff(clock);
  }

  /** Everything of the filter up to here was handled or reported. Runs ahead to the head while the pump sleeps, and steps back only with a reset. */
  get cursor(): CursorParts | undefined {
    const feed = this.#feed;
    const handled = this.#handled;
    // In another epoch the feed is ahead of a reset that is not told yet.
    if (this.#ended || this.#delivering || feed === undefined || feed.epoch !== handled?.epoch) return handled;
    return { epoch: feed.epoch, position: Math.max(feed.position, handled.position) };
  }

  async begin(): Promise<CursorParts> {
    const { side, filter, matcher } = this.#options;
    const { history, tail } = side;
    const start = await this.#resolveStart();
    if (this.#ended) throw subscriptionEnded();
    const { epoch, position } = start;
    this.#handled = { epoch, position };
    this.#feed = new Feed({ history, tail, filter, matcher, loop: this.#loop }, start);
    this.#loop.wake();
    return start;
  }

  push(message: RetainedMessage): void {
    this.#feed?.push(message);
  }

  /** What the bus knew of the head is no longer sure. */
  doubt(): void {
    this.#feed?.doubt();
  }

  /** Resolves when everything up to the present head is handled, or the pump has begun to end. */
  caughtUp(): Promise<void> {
    const idle = this.#feed?.idle !== false && !this.#delivering;
    if (this.#ended || idle) return Promise.resolve();
    return this.#waiters.wait(this.#options.side.tail.certainHead);
  }

  async end(): Promise<void> {
    const { durable } = this.#options;
    this.#handled = this.cursor;
    this.#ended = true;
    this.#backoff.end();
    this.#waiters.releaseAll();
    // A start that is still being resolved may not commit a cursor for whoever takes the name next.
    if (this.#feed === undefined) durable?.giveUp();
    else this.#feed.end();
    await this.#loop.stop();
    await durable?.committed();
  }

  async #resolveStart(): Promise<FeedStart> {
    const { side, filter, start, durable, options } = this.#options;
    for (;;) {
      try {
        if (durable === undefined) return await resolveStart(side.history, filter, start, this.#now);
        return await resolveDurableStart(side.history, durable, start, this.#now, options.onFilterChange);
      } catch (error) {
        if (this.#ended || !isHexbusError(error) || !error.retryable) throw error;
        this.#options.reports.error(error);
        await this.#backoff.pause();
      }
    }
  }

  async #drain(feed: Feed): Promise<void> {
    const { clock } = this.#options.side;
    let handledInSlice = 0;
    let sliceStart = clock.now();
    while (!this.#ended) {
      // While the handler has a message, the cursor stays where it was before it.
      if (feed.position > (this.#handled?.position ?? 0)) this.#handled = this.cursor;
      const item = feed.take();
      if (item === undefined) {
        if (feed.idle) {
          this.#nowIdle(feed);
          return;
        }
        await this.#readOn(feed);
      } else if (item instanceof RetainedMessage) {
        const settling = this.#deliver(feed, item);
        if (settling !== undefined) await settling;
        handledInSlice += 1;
        if (handledInSlice >= maxSliceMessages || clock.now() - sliceStart >= maxSliceMs) {
          await nextTurn(clock);
          handledInSlice = 0;
          sliceStart = clock.now();
        }
      } else {
        if (item.kind === 'reset') this.#handled = { epoch: feed.epoch, position: 0 };
        this.#options.reports.signal(item);
      }
    }
  }

  async #readOn(feed: Feed): Promise<void> {
    this.#wasBehind = true;
    try {
      await feed.fill();
      this.#backoff.reset();
    } catch (error) {
      if (this.#ended) return;
      this.#options.reports.error(error);
      await this.#backoff.pause();
    }
  }

  /** A handler that answers at once costs no promise. */
  #deliver(feed: Feed, message: RetainedMessage): Promise<void> | undefined {
    this.#delivering = true;
    const running = this.#options.runner.run(message);
    if (running instanceof Promise) return running.then((outcome) => this.#settle(feed, message, outcome));
    return this.#settle(feed, message, running);
  }

  #settle(feed: Feed, message: RetainedMessage, outcome: HandlingOutcome): Promise<void> | undefined {
    // A message that was abandoned or stopped at stays in delivery, so that the cursor cannot run past it.
    if (outcome.status === 'abandoned') return undefined;
    const { reports, options, fail, durable } = this.#options;
    if (outcome.status === 'failed') {
      const error = handlerFailed(message, outcome.error);
      if ((options.onFailure ?? busDefaults.onFailure) === 'stop') {
        fail(error, referenceOf(message));
        return undefined;
      }
      reports.error(error, referenceOf(message));
    } else reports.delivered(message, outcome.result);
    this.#delivering = false;
    this.#handled = { epoch: feed.epoch, position: message.position };
    // The callback comes before those who wait are woken, who may close the bus.
    if (feed.idle) this.#nowIdle(feed);
    this.#waiters.reached(feed.epoch, message.position);
    return durable?.moved(this.#handled);
  }

  #nowIdle(feed: Feed): void {
    if (this.#wasBehind) {
      this.#wasBehind = false;
      this.#options.reports.caughtUp();
    }
    if (feed.idle) this.#waiters.releaseAll();
  }
}

function nextTurn(clock: Clock): Promise<void> {
  return new Promise((resolve) => clock.nextTurn(resolve));
}
