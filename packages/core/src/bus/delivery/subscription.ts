import { type Cursor, formatCursor } from '../../cursor.ts';
import type { HexbusError } from '../../errors.ts';
import type { Message, RetainedMessage } from '../../message.ts';
import type { Handler, Subscription, SubscriptionStart, SubscriptionState } from '../api.ts';
import { isThenable } from '../checks.ts';
import { Deferred } from '../deferred.ts';
import type { CallOutcomes, HandlingOutcome } from '../endings.ts';
import type { DurableName } from '../log/named-cursors.ts';
import type { RetainedSide } from '../log/retained-side.ts';
import { type MessageReference, referenceOf } from '../observers.ts';
import type { Subscriber } from '../topic-table.ts';
import { abandoned, CallContext, handlerFailed, subscriptionEnded } from './handler-runner.ts';
import type { Lane, LaneHandling } from './lane.ts';

/** What a subscription tells the bus, and asks of it. */
export interface SubscriptionHost {
  /** No message may reach the subscription any more. */
  detach(subscription: BusSubscription): void;
  /** The subscription has ended altogether. */
  ended(subscription: BusSubscription): void;
}

/** What a subscription has of the history. */
export interface RetainedPart {
  readonly durable: DurableName | undefined;
  /** Called once the history is open: when it opens, or in `subscribe`. `fail` ends the subscription because of a message. */
  makeLane(side: RetainedSide, fail: (error: unknown, message: MessageReference) => void): Lane;
}

/** One handler and what reaches it: the local side, called inside `emit`, and a lane that feeds it from the history. */
export class BusSubscription implements Subscription, Subscriber {
  readonly filter: readonly string[];
  readonly #host: SubscriptionHost;
  readonly #handler: Handler;
  readonly #handling: LaneHandling;
  readonly #retained: RetainedPart | undefined;
  readonly #localContext = new CallContext(1);
  readonly #localCalls = new Set<Promise<unknown>>();
  readonly #ready = new Deferred<SubscriptionStart | undefined>();
  readonly #over = new Deferred();
  readonly #done = new Deferred();
  #state: SubscriptionState;
  #error: unknown;
  #side: RetainedSide | undefined;
  #lane: Lane | undefined;
  #starting: Promise<void> = Promise.resolve();
  #ended = false;
  #endReason: HexbusError | undefined;

  constructor(
    host: SubscriptionHost,
    filter: readonly string[],
    handler: Handler,
    handling: LaneHandling,
    retained: RetainedPart | undefined,
  ) {
    this.filter = filter;
    this.#host = host;
    this.#handler = handler;
    this.#handling = handling;
    this.#retained = retained;
    this.#state = retained === undefined ? 'active' : 'starting';
    // Whoever does not await it learns of a failed start from the error observer.
    this.ready.catch(() => undefined);
    if (retained === undefined) this.#ready.resolve(undefined);
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

  get cursor(): Cursor | undefined {
    const cursor = this.#lane?.cursor;
    return cursor === undefined ? undefined : formatCursor(cursor.epoch, cursor.position);
  }

  get lag(): number {
    const cursor = this.#lane?.cursor;
    if (cursor === undefined || this.#side === undefined) return 0;
    const { epoch, head } = this.#side.tail;
    return cursor.epoch === epoch ? Math.max(0, head - cursor.position) : head;
  }

  /** A call of the handler is running. */
  get busy(): boolean {
    return this.#handling.runner.busy || this.#localCalls.size > 0;
  }

  /** The history is open. */
  begin(side: RetainedSide): void {
    if (this.#retained === undefined || this.#ended) return;
    this.#side = side;
    this.#lane = this.#retained.makeLane(side, (error, message) => this.fail(error, message));
    this.#starting = this.#lane.begin().then(
      ({ epoch, position }) => {
        if (this.#state === 'starting') this.#state = 'active';
        const { tail } = side;
        this.#ready.resolve({ start: formatCursor(epoch, position), head: formatCursor(tail.epoch, tail.head) });
      },
      (error: unknown) => {
        if (!this.#ended) this.fail(error);
        this.#ready.reject(error);
      },
    );
  }

  call(message: Message, deliveredWanted: boolean, outcomes?: CallOutcomes): void {
    if (this.#ended) return;
    const handler = this.#handler;
    try {
      const returned = handler(message, this.#localContext);
      if (returned !== undefined && isThenable(returned)) {
        const call = this.#track(message, returned);
        outcomes?.push(call);
        return;
      }
      if (deliveredWanted) this.#handling.reports.delivered(message, returned);
      outcomes?.push({ status: 'handled', result: returned });
    } catch (error) {
      const outcome = this.#localFailure(message, error);
      outcomes?.push(outcome);
    }
  }

  push(message: RetainedMessage): void {
    this.#lane?.push?.(message);
  }

  doubt(): void {
    this.#lane?.doubt?.();
  }

  /** The bus waits no longer for the running calls. */
  abandon(): void {
    this.#handling.runner.abandon();
  }

  /** It has ended altogether, or the bus has without it. */
  finish(): void {
    this.#host.ended(this);
    this.#done.resolve();
  }

  async caughtUp(): Promise<void> {
    await Promise.race([Promise.all(this.#localCalls), this.#over.promise]);
    if (this.#retained === undefined) return;
    // Everything published before has reached the history then, or was refused.
    await this.#side?.writer.flush();
    await this.ready.catch(() => undefined);
    await this.#lane?.caughtUp();
  }

  unsubscribe(): void {
    this.#end('ended');
    this.#interrupt();
  }

  /** As `unsubscribe`, but calls of the local side that are running are left in peace. */
  retire(): void {
    this.#end('ended');
  }

  /** Ends the subscription because of itself; because of `message`, if one is given. */
  fail(error: unknown, message?: MessageReference): void {
    if (this.#ended) return;
    this.#error = error;
    this.#handling.reports.error(error, message);
    this.#end('failed');
    this.#interrupt();
  }

  #interrupt(): void {
    this.#localContext.abort(this.#endReason);
  }

  #end(state: 'ended' | 'failed'): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#over.resolve();
    this.#state = state;
    this.#host.detach(this);
    this.#endReason = subscriptionEnded();
    this.#handling.runner.end();
    this.#ready.reject(this.#error ?? this.#endReason);
    void this.#ending();
  }

  async #ending(): Promise<void> {
    await this.#lane?.end();
    await this.#starting;
    await Promise.all(this.#localCalls);
    this.#retained?.durable?.release();
    this.finish();
  }

  #track(message: Message, returned: PromiseLike<unknown>): Promise<HandlingOutcome> {
    const call = Promise.resolve(returned)
      .then(
        (result): HandlingOutcome => {
          this.#handling.reports.delivered(message, result);
          return { status: 'handled', result };
        },
        (error: unknown) => this.#localFailure(message, error),
      )
      .finally(() => this.#localCalls.delete(call));
    this.#localCalls.add(call);
    return call;
  }

  #localFailure(message: Message, error: unknown): HandlingOutcome {
    // A call that stopped because the subscription ended has not failed.
    if (this.#ended && error === this.#endReason) return abandoned;
    this.#handling.reports.error(handlerFailed(message, error), referenceOf(message));
    return { status: 'failed', error };
  }
}
