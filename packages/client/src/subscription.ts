import type {
  CancelTimer,
  CursorParts,
  HandlerContext,
  Message,
  SubscriptionStart,
  SubscriptionState,
} from '@hexbus/core';
import {
  Deferred,
  HandlerRunner,
  HexbusError,
  readSubscribed,
  shorten,
  type WireError,
  type WireFrom,
  type WireGap,
  type WireSubscription,
} from '@hexbus/core/wire';
import type { ClientSubscribeOptions, ClientSubscription } from './api.ts';
import { JitteredBackoff } from './backoff.ts';
import { Delivery, type DeliveryMemory } from './delivery.ts';
import { HighWater, placeOf } from './high-water.ts';
import { messageWork } from './message-work.ts';
import type { Step } from './progress.ts';
import { Pump } from './pump.ts';
import type { Runtime } from './runtime.ts';
import { signalWork } from './signal-work.ts';

/** What a subscription asks of its client. */
export interface SubscriptionHost {
  /** To be asked for on the present connection, if there is one. */
  ask(subscription: FollowedTopic): void;
  /** `answered`: resolves when what the server waits for has been answered, if it waits for anything. */
  ended(subscription: FollowedTopic, answered: Promise<void> | undefined): void;
}

/** One topic or pattern with its handler, and how far it is, across connections. */
export class FollowedTopic implements ClientSubscription {
  readonly id: number;
  readonly topic: string;
  readonly #host: SubscriptionHost;
  readonly #runtime: Runtime;
  readonly #handler: (message: Message, context: HandlerContext) => unknown;
  readonly #options: ClientSubscribeOptions;
  readonly #pump: Pump;
  readonly #runner: HandlerRunner;
  readonly seen: HighWater = new HighWater();
  readonly #backoff: JitteredBackoff;
  readonly #memory: DeliveryMemory = { handledUnheard: undefined };
  #delivery: Delivery | undefined;
  #from: WireFrom;
  #attached = false;
  #behind = false;
  #cancelRetry: CancelTimer | undefined;
  #state: SubscriptionState = 'starting';
  #error: unknown;
  readonly #ready = new Deferred<SubscriptionStart | undefined>();
  readonly #done = new Deferred();

  constructor(
    { id, topic, from }: WireSubscription,
    handler: (message: Message, context: HandlerContext) => unknown,
    options: ClientSubscribeOptions,
    host: SubscriptionHost,
    runtime: Runtime,
  ) {
    this.id = id;
    this.topic = topic;
    this.#handler = handler;
    this.#options = options;
    this.#host = host;
    this.#runtime = runtime;
    this.#from = from;
    const { clock, backlog, handling, settings } = runtime;
    this.#backoff = new JitteredBackoff(settings.randomness, settings.timings);
    this.#pump = new Pump(clock, backlog);
    this.#runner = new HandlerRunner({ handler, handling, clock });
    // Whoever does not await it learns of a refusal from the error observer.
    this.ready.catch(() => undefined);
  }

  get ready(): Promise<SubscriptionStart | undefined> {
    return this.#ready.promise;
  }

  get done(): Promise<void> {
    return this.#done.promise;
  }

  get state(): SubscriptionState {
    return this.#state;
  }

  get error(): unknown {
    return this.#error;
  }

  /** Answered on the present connection. Events for everybody are for this subscription only then: before, older ones may still come. */
  get attached(): boolean {
    return this.#attached;
  }

  /** Where to begin on a new connection that does not resume at a token covering this: where it is, or where it was to begin. */
  get from(): WireFrom {
    const { cursor } = this.seen;
    return cursor === undefined ? this.#from : { after: cursor };
  }

  /** What comes while there is no connection may be lost. Messages of a held topic wait. */
  get lossy(): boolean {
    return this.seen.lossy && this.#delivery === undefined;
  }

  /** The server has accepted. */
  answered(body: unknown): void {
    const { start, head, held } = readSubscribed(body);
    this.#attached = true;
    this.#behind = true;
    this.#backoff.reset();
    if (!held) this.seen.pass(placeOf(start));
    if (this.#state === 'starting') this.#state = 'active';
    this.#ready.resolve(start === undefined || head === undefined ? undefined : { start, head });
  }

  /** The server has refused, or ended what it had accepted. */
  refused({ code, message, retryable, retryAfterMs }: WireError): void {
    if (!retryable) {
      const what = `the server refused ${shorten(this.topic)} (${code}): ${message}`;
      this.end('failed', new HexbusError('HEXBUS_REFUSED', what));
      return;
    }
    const delayMs = (retryAfterMs ?? 0) + this.#backoff.next();
    this.#attached = false;
    this.#cancelRetry?.();
    this.#cancelRetry = this.#runtime.clock.setTimer(() => this.#host.ask(this), delayMs);
  }

  /** A message for this subscription; dropped if it has come before. `step` will not count before it is handled. */
  offer(message: Message, at: CursorParts | undefined, size: number, step: Step | undefined): void {
    if (!this.seen.pass(at)) return;
    const { observers, progress } = this.#runtime;
    const settle = progress.hold(step);
    this.#pump.push(messageWork(message, size, () => [this.#runner], observers, settle));
  }

  deliver(frame: { readonly id: number; readonly message: Message; readonly timeoutMs: number }, size: number): void {
    const handler = (message: Message, context: HandlerContext): unknown => {
      this.#delivery = delivery;
      return this.#handler(message, context);
    };
    const delivery = new Delivery(frame, size, handler, this.#memory, this.#runtime);
    this.#runtime.answers.begin(delivery);
    this.#pump.push(delivery);
  }

  lost(gap: WireGap, step: Step | undefined): void {
    const { onGap, onReset } = this.#options;
    const { why, topics, from, to } = gap;
    if (why === 'reset') {
      this.seen.clear();
      this.#from = 'earliest';
      if (onReset !== undefined) this.#signal('onReset', onReset, step);
    } else if (onGap !== undefined) this.#signal('onGap', () => onGap({ why, topics, from, to }), step);
  }

  /** The stream has no older messages for this subscription any more. */
  settled(): void {
    if (!this.#attached || !this.#behind) return;
    this.#behind = false;
    if (this.#options.onCaughtUp !== undefined) this.#signal('onCaughtUp', this.#options.onCaughtUp, undefined);
  }

  /** The connection is gone. What was received and can wait is still handled. */
  detach(): void {
    this.#attached = false;
    this.#cancelRetry?.();
    this.#pump.dropPerishable();
  }

  unsubscribe(): void {
    this.end('ended', new HexbusError('HEXBUS_CLOSED', `the subscription of ${shorten(this.topic)} has ended`));
  }

  /** Nobody wants the rest. */
  end(state: 'ended' | 'failed', error: HexbusError): void {
    if (!this.#leave(state, error)) return;
    if (state === 'failed') this.#runtime.observers.tell('error', { error, topic: this.topic });
    this.#pump.discard();
    // The server takes a subscription that ends for one whose message was not handled.
    this.#host.ended(this, this.#delivery?.running ? this.#pump.idle : undefined);
  }

  /** The client closes: what waits stays unhandled. */
  halt(state: 'ended' | 'failed', error: HexbusError): Promise<void> {
    if (this.#leave(state, error)) this.#pump.halt();
    return this.#pump.idle;
  }

  /** Nobody waits for the running call any more. */
  abandon(): void {
    this.#runner.abandon();
    this.#delivery?.abandon();
  }

  #leave(state: 'ended' | 'failed', error: HexbusError): boolean {
    if (this.#state === 'ended' || this.#state === 'failed') return false;
    this.#state = state;
    this.#attached = false;
    this.#cancelRetry?.();
    if (state === 'failed') this.#error = error;
    this.#ready.reject(error);
    this.#runner.end();
    this.#delivery?.end();
    void this.#pump.idle.then(this.#done.resolve);
    return true;
  }

  #signal(name: string, callback: () => unknown, step: Step | undefined): void {
    const { observers, progress } = this.#runtime;
    this.#pump.push(signalWork(name, callback, observers, progress.hold(step)));
  }
}
