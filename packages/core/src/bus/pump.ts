import type { Clock } from '../clock.ts';
import type { CursorParts } from '../cursor.ts';
import { HexbusError, shorten } from '../errors.ts';
import { RetainedMessage } from '../message.ts';
import type { Filter } from '../ports/history-store.ts';
import type { TopicMatcher } from '../retention.ts';
import { Backoff } from './backoff.ts';
import { CaughtUpWaiters } from './caught-up.ts';
import { Feed, type FeedStart } from './feed.ts';
import type { HandlerRunner, HandlingOutcome } from './handler-runner.ts';
import type { DurableName } from './named-cursors.ts';
import { type MessageReference, referenceOf, type SubscriptionReference } from './observers.ts';
import { busDefaults } from './options.ts';
import type { RetainedParts } from './retained-parts.ts';
import type { Signals } from './signals.ts';
import { WakeLoop } from './wake-loop.ts';

export interface PumpOptions {
  readonly side: RetainedParts;
  readonly filter: Filter;
  readonly matcher: TopicMatcher;
  readonly start: FeedStart;
  readonly runner: HandlerRunner;
  readonly onFailure: 'skip' | 'stop';
  readonly durable: DurableName | undefined;
  readonly signals: Signals;
  readonly subscription: SubscriptionReference;
  /** A message used up its tries, and `onFailure` is `stop`: the subscription is to fail, and tells of it. */
  readonly onStop: (error: unknown, message: MessageReference) => void;
}

/** A pump lets others have the event loop after so many messages or so many milliseconds. */
const maxSliceMessages = 64;
const maxSliceMs = 5;

/**
 * Feeds one handler: takes what follows the cursor, waits for the handler, moves the cursor, and sleeps when nothing follows. The cursor moves only
 * after the handler settled.
 */
export class Pump {
  readonly #options: PumpOptions;
  readonly #feed: Feed;
  readonly #loop: WakeLoop;
  readonly #backoff: Backoff;
  #handled: CursorParts;
  #delivering = false;
  #ended = false;
  #wasBehind = true;
  readonly #waiters = new CaughtUpWaiters();

  constructor(options: PumpOptions) {
    const { side, filter, matcher, start } = options;
    this.#options = options;
    this.#handled = { epoch: start.epoch, position: start.position };
    const onError = (error: unknown): void => side.observers.error(error, { subscription: options.subscription });
    this.#loop = new WakeLoop(() => this.#drain(), onError);
    this.#backoff = new Backoff(side.clock, busDefaults.retryDelayMs, busDefaults.maxRetryDelayMs);
    this.#feed = new Feed({
      history: side.history,
      tail: side.tail,
      filter,
      matcher,
      start,
      wake: () => this.#loop.wake(),
    });
    this.#loop.wake();
  }

  /** Everything of the filter up to here was handled or reported. Runs ahead to the head while the pump sleeps. */
  get cursor(): CursorParts {
    if (this.#ended || this.#delivering || !this.#feed.idle) return this.#handled;
    return { epoch: this.#feed.epoch, position: this.#feed.position };
  }

  push(message: RetainedMessage): void {
    this.#feed.push(message);
  }

  /** What the bus knew of the head is no longer sure. */
  doubt(): void {
    this.#feed.doubt();
  }

  /** Resolves when everything up to the present head is handled, or the pump has begun to end. */
  caughtUp(): Promise<void> {
    if (this.#ended || (this.#feed.idle && !this.#delivering)) return Promise.resolve();
    return this.#waiters.wait(this.#options.side.tail.certainHead);
  }

  /** No further call of the handler starts. Resolves when the running one has ended and the cursor is committed. */
  async end(): Promise<void> {
    if (!this.#ended) {
      this.#handled = this.cursor;
      this.#ended = true;
      this.#options.runner.end();
      this.#feed.end();
      this.#backoff.end();
      this.#waiters.releaseAll();
    }
    await this.#loop.stop();
    await this.#options.durable?.committed();
  }

  async #drain(): Promise<void> {
    const { clock } = this.#options.side;
    let handledInSlice = 0;
    let sliceStart = clock.now();
    while (!this.#ended) {
      const item = this.#feed.take();
      if (item === undefined) {
        if (this.#feed.idle) {
          this.#nowIdle();
          return;
        }
        await this.#readOn();
      } else if (item instanceof RetainedMessage) {
        const settling = this.#deliver(item);
        if (settling !== undefined) await settling;
        handledInSlice += 1;
        if (handledInSlice >= maxSliceMessages || clock.now() - sliceStart >= maxSliceMs) {
          await nextTurn(clock);
          handledInSlice = 0;
          sliceStart = clock.now();
        }
      } else {
        if (item.kind === 'reset') this.#handled = { epoch: this.#feed.epoch, position: 0 };
        this.#options.signals.tell(item);
      }
    }
  }

  async #readOn(): Promise<void> {
    this.#wasBehind = true;
    try {
      await this.#feed.fill();
      this.#backoff.reset();
    } catch (error) {
      if (this.#ended) return;
      this.#options.side.observers.error(error, { subscription: this.#options.subscription });
      await this.#backoff.pause();
    }
  }

  /** A handler that answers at once costs no promise. */
  #deliver(message: RetainedMessage): Promise<void> | undefined {
    this.#delivering = true;
    const running = this.#options.runner.run(message);
    if (running instanceof Promise) return running.then((outcome) => this.#settle(message, outcome));
    return this.#settle(message, running);
  }

  #settle(message: RetainedMessage, outcome: HandlingOutcome): Promise<void> | undefined {
    // A message that was abandoned or stopped at stays in delivery, so that the cursor cannot run past it.
    if (outcome.status === 'abandoned') return undefined;
    const { observers } = this.#options.side;
    if (outcome.status === 'failed') {
      if (!this.#goesOnAfter(message, outcome.error)) return undefined;
    } else if (observers.deliveredWanted) {
      const { subscription } = this.#options;
      observers.tell('delivered', { ...referenceOf(message), subscription, result: outcome.result });
    }
    this.#delivering = false;
    this.#handled = { epoch: this.#feed.epoch, position: message.position };
    this.#waiters.reached(this.#feed.epoch, message.position);
    return this.#options.durable?.moved(this.#handled);
  }

  /** Tells of a message that used up its tries. Returns whether the pump goes on behind it. */
  #goesOnAfter(message: RetainedMessage, cause: unknown): boolean {
    const { side, subscription, onFailure, onStop } = this.#options;
    const error = new HexbusError(
      'HEXBUS_HANDLER_FAILED',
      `the handler of ${shorten(message.topic)} failed on message ${shorten(message.id)} at position ${message.position} in every try: ${shorten(cause)}`,
      { cause },
    );
    if (onFailure === 'stop') {
      onStop(error, referenceOf(message));
      return false;
    }
    side.observers.error(error, { message: referenceOf(message), subscription });
    return true;
  }

  #nowIdle(): void {
    if (this.#feed.live && this.#wasBehind) {
      this.#wasBehind = false;
      this.#options.signals.caughtUp();
    }
    if (this.#feed.idle) this.#waiters.releaseAll();
  }
}

function nextTurn(clock: Clock): Promise<void> {
  return new Promise((resolve) => clock.nextTurn(resolve));
}
