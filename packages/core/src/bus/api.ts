import type { Cursor } from '../cursor.ts';
import type { LifecycleState } from '../lifecycle.ts';
import type { Message, MessageHeaders } from '../message.ts';
import type { Gap, Reset } from './log/losses.ts';
import type { ObserverEvents } from './observers.ts';
import type { EventMap, FilterEntry, MessageFor, TopicOf } from './topics.ts';

export interface PublishOptions {
  /** The caller's id: publishing it again on this topic, within the window, gives the first receipt with `duplicate: true`. */
  readonly id?: string | undefined;
  readonly type?: string | undefined;
  readonly headers?: MessageHeaders | undefined;
  readonly sender?: string | undefined;
  /** Takes the message back if it is aborted before its batch was handed to the history; later it changes nothing. */
  readonly signal?: AbortSignal | undefined;
}

/** Proof that a message was committed; on a topic that is not retained, that its listeners were called. */
export interface Receipt {
  readonly id: string;
  readonly topic: string;
  /** Absent where the topic is not retained. */
  readonly position?: number;
  /** Everything after this message. Absent where the topic is not retained. */
  readonly cursor?: Cursor;
  readonly duplicate: boolean;
}

/** `now`: after the head that the bus has acknowledged. `last` counts over the whole filter. `since` is the history's time in milliseconds since 1970. */
export type From =
  | 'now'
  | 'earliest'
  | { readonly after: Cursor }
  | { readonly last: number }
  | { readonly since: number };

export interface HandlerContext {
  /** Aborted when the call should end: its time is up, the subscription ended, or the bus is closing. */
  readonly signal: AbortSignal;
  /** 1 for the first try of this message. */
  readonly attempt: number;
}

/** Handles one message. A throw or rejection is a failure, which is tried again; what it returns otherwise is told to observers. */
export type Handler<M extends Message = Message> = (message: M, context: HandlerContext) => unknown;

export interface SubscribeOptions {
  /** Where to begin. Default `busDefaults.from`. With `name`, counts only when the name is new. */
  readonly from?: From | undefined;
  /** Keeps the cursor in the history under this name, so that the next start goes on where this one ended. */
  readonly name?: string | undefined;
  /** What to do when the stored name has another filter. Default: refuse with `HEXBUS_NAME_FILTER`. */
  readonly onFilterChange?: 'keep-cursor' | 'restart' | undefined;
  /** How often a message is tried before it counts as failed. */
  readonly maxTries?: number | undefined;
  /** Delay before the second try; it doubles with each further one. */
  readonly retryDelayMs?: number | undefined;
  /** A call that takes longer is abandoned and counts as failed. `Infinity`: never. */
  readonly handleTimeoutMs?: number | undefined;
  /** After the last try: `skip` goes on with the next message, `stop` ends the subscription before this one. Default `busDefaults.onFailure`. */
  readonly onFailure?: 'skip' | 'stop' | undefined;
  /** Ends the subscription. */
  readonly signal?: AbortSignal | undefined;
  readonly onGap?: ((gap: Gap) => void) | undefined;
  readonly onReset?: ((reset: Reset) => void) | undefined;
  /** Called when everything there is has been handled: once after the start, then each time after it had to read on from the history again. */
  readonly onCaughtUp?: (() => void) | undefined;
}

/** `starting` until its start is resolved, `active`, then `ended` by the user or the bus, or `failed` by itself, with `error`. */
export type SubscriptionState = 'starting' | 'active' | 'ended' | 'failed';

export interface SubscriptionStart {
  readonly start: Cursor;
  readonly head: Cursor;
}

export interface Subscription {
  readonly state: SubscriptionState;
  readonly error: unknown;
  /** Everything after it has not been handled. Steps back only with a reset. Undefined until the start is resolved, and where it has none of its own. */
  readonly cursor: Cursor | undefined;
  /** How many positions of the whole history lie between the cursor and the head. 0 when caught up. */
  readonly lag: number;
  /** The resolved start. Rejects if there will be none; a rejection that nobody awaits is told to the `error` observer only. */
  readonly ready: Promise<SubscriptionStart | undefined>;
  /** Settles when the running call has ended and the cursor is committed. Never rejects. */
  readonly done: Promise<void>;
  /** Resolves when everything published before this call is handled, or the subscription has ended. */
  caughtUp(): Promise<void>;
  /** No further call of the handler starts after this returns. May be called inside the handler, and again. */
  unsubscribe(): void;
}

export interface ReadOptions {
  /** At most this many; default 100. */
  readonly limit?: number | undefined;
  /** The newest n of the filter. */
  readonly last?: number | undefined;
  readonly after?: Cursor | undefined;
  readonly before?: Cursor | undefined;
  readonly since?: number | undefined;
}

/** A part of the history, oldest first. */
export interface Page<M extends Message = Message> {
  readonly messages: readonly M[];
  /** Everything after what was read: pass it as `after` to read on, or to `subscribe`. */
  readonly cursor: Cursor;
  /** The first message of the page is the next one after this: pass it as `before` to read back. */
  readonly start: Cursor;
  /** The head when the page was read. */
  readonly head: Cursor;
  /** What was lost to limits between the cursor that was passed as `after` and the end of the page. */
  readonly gap?: Gap;
}

export interface TopicStats {
  readonly topic: string;
  /** Messages in the history; of a held topic, those that wait. */
  readonly waiting: number;
  readonly dead: number;
  /** Handlers attached in this bus that the topic reaches. */
  readonly listeners: number;
  /** Positions of the oldest and the newest message that are there. */
  readonly first: number | undefined;
  readonly last: number | undefined;
  readonly head: Cursor | undefined;
}

export interface DeadLetter<M extends Message = Message> {
  readonly message: M;
  readonly reason: string;
}

/** What the emitter habits call: the message, with `this` set to the context given to `on`. */
export type Listener<M extends Message = Message> = (message: M, context: HandlerContext) => unknown;

/**
 * Publishes messages to topics and hands them to subscriptions; keeps those of retained topics in a history. States go forward only; the
 * table in docs/guide.md says what each verb does in each.
 */
export interface Bus<Events extends EventMap = Record<string, unknown>> extends AsyncDisposable {
  readonly state: LifecycleState;
  /** The head that the bus has acknowledged; undefined without a history or before it is open. */
  readonly cursor: Cursor | undefined;

  /** Opens the history. The same promise for every call; a bus whose opening failed is closed. */
  open(options?: { readonly signal?: AbortSignal | undefined; readonly newEpoch?: boolean | undefined }): Promise<void>;

  /**
   * Resolves once the message is committed, or at once on a topic that is not retained. Calls keep their order. Rejects with a
   * `HexbusError`, or the reason of the signal; then nothing is delivered, except that with `HEXBUS_OUTCOME_UNKNOWN` it may be: publish it again with the same id.
   */
  publish<Topic extends TopicOf<Events>>(topic: Topic, body: Events[Topic], options?: PublishOptions): Promise<Receipt>;

  /** Calls the listeners of a topic that is not retained, in order of subscription, before it returns. Tells whether there were any. */
  emit<Topic extends TopicOf<Events>>(topic: Topic, body: Events[Topic]): boolean;

  /** Feeds the handler what follows a cursor in a filter, one message at a time, in order, at least once. On a held topic, attaches a listener. */
  subscribe<Entry extends FilterEntry<Events>>(
    filter: Entry | readonly Entry[],
    handler: Handler<MessageFor<Events, Entry>>,
    options?: SubscribeOptions,
  ): Subscription;

  /**
   * The same as an iterator: asking for the next message settles the one before; leaving the loop ends the subscription. Of topics that are not retained
   * at most `busDefaults.maxIterated` wait for it; what comes beyond is told to the `error` observer, with the cause `HEXBUS_OVERLOADED`.
   */
  messages<Entry extends FilterEntry<Events>>(
    filter: Entry | readonly Entry[],
    options?: SubscribeOptions,
  ): AsyncIterableIterator<MessageFor<Events, Entry>>;

  /** Reads a page of retained topics without subscribing. */
  read<Entry extends FilterEntry<Events>>(
    filter: Entry | readonly Entry[],
    options?: ReadOptions,
  ): Promise<Page<MessageFor<Events, Entry>>>;

  /** Emitter habits: subscribes from now. `this` of the listener is `context`. */
  on<Entry extends FilterEntry<Events>>(
    filter: Entry,
    listener: Listener<MessageFor<Events, Entry>>,
    context?: unknown,
  ): this;
  /** The same for one message. */
  once<Entry extends FilterEntry<Events>>(
    filter: Entry,
    listener: Listener<MessageFor<Events, Entry>>,
    context?: unknown,
  ): this;
  /** Ends what `on` or `once` began: of this listener and context, of this listener, or all of the filter. */
  off<Entry extends FilterEntry<Events>>(
    filter: Entry,
    listener?: Listener<MessageFor<Events, Entry>>,
    context?: unknown,
  ): this;

  stats(topic: TopicOf<Events>): Promise<TopicStats>;

  /** The dead messages of a held topic, oldest first; `after` is the position of the last one seen. */
  deadLetters<Topic extends TopicOf<Events>>(
    topic: Topic,
    options?: { readonly limit?: number; readonly after?: number },
  ): Promise<readonly DeadLetter<MessageFor<Events, Topic>>[]>;
  /** Makes dead messages wait again, each in its old place; all of the topic without `positions`. Resolves with how many did. */
  requeue(topic: TopicOf<Events>, positions?: readonly number[]): Promise<number>;
  /** Removes dead messages for good. Resolves with how many were removed. */
  discard(topic: TopicOf<Events>, positions: readonly number[]): Promise<number>;

  /** Removes the stored cursor of a durable name that is not in use. */
  forget(name: string): Promise<void>;

  /** Watches what happens. An observer that throws is counted and told to `error`, and disturbs nothing. Returns what ends it. */
  observe<Name extends keyof ObserverEvents>(name: Name, observer: (event: ObserverEvents[Name]) => void): () => void;

  /**
   * Refuses new publishes, lets running handlers finish for at most `closeTimeoutMs`, then commits and closes the history. Rejects with
   * `HEXBUS_OUTCOME_UNKNOWN` if that takes as long again: what the history has not confirmed may not be committed. Always the same promise.
   */
  close(): Promise<void>;
}
