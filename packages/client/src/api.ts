import type {
  From,
  Gap,
  Handler,
  LifecycleState,
  Message,
  Receipt,
  SubscriptionStart,
  SubscriptionState,
} from '@hexbus/core';
import type { Outcome, RequestOptions } from '@hexbus/core/gateway';
import type { ClientObserverEvents } from './observers.ts';

/** Messages that a subscription will not get. `trimmed`: lost to a limit of the history; `dropped`: sent while this client was too slow, and not retained. */
export interface ClientGap {
  readonly why: 'trimmed' | 'dropped';
  /** As in `Gap`, where the server knows. */
  readonly topics?: Gap['topics'] | undefined;
  readonly from?: Gap['from'] | undefined;
  readonly to?: Gap['to'] | undefined;
}

/** Callbacks are called in their turn between two messages; what they return is not awaited. */
export interface ClientSubscribeOptions {
  /** Where to begin. Default `clientDefaults.from`. Counts only the first time: after a reconnect a subscription goes on where it was. */
  readonly from?: From | undefined;
  /** Messages were lost before this point of the stream. */
  readonly onGap?: ((gap: ClientGap) => void) | undefined;
  /** Positions have a new meaning: the subscription goes on at the beginning of the present history. */
  readonly onReset?: (() => void) | undefined;
  /** Called each time the subscription has handled everything there was, after it had been behind. */
  readonly onCaughtUp?: (() => void) | undefined;
  /** Ends the subscription. */
  readonly signal?: AbortSignal | undefined;
}

/** A topic or pattern that the client follows, across reconnects, until it ends. */
export interface ClientSubscription {
  /** A topic or a pattern. */
  readonly topic: string;
  /** `starting` until the server has answered, `active`, then `ended` by the program, or `failed`, with `error`. */
  readonly state: SubscriptionState;
  readonly error: unknown;
  /**
   * The server's first answer; undefined where nothing is retained. Rejects when the server refuses, or the subscription ends before. Nobody
   * needs to await it.
   */
  readonly ready: Promise<SubscriptionStart | undefined>;
  /** Resolves when the subscription has ended and its running call too. Never rejects. */
  readonly done: Promise<void>;
  /** No further call of the handler starts after this returns. May be called inside the handler, and again. */
  unsubscribe(): void;
}

export interface ClientOnOptions {
  /** How often a message is tried with this handler before it is skipped; default `limits.maxTries`. A message that is tried for ever holds up all that follow it. */
  readonly maxTries?: number | undefined;
}

/** Each at most 128 printable bytes, else `HEXBUS_CONFIG`. */
export interface ClientPublishOptions {
  readonly type?: string | undefined;
  /** The caller's id: publishing it again gives the first receipt with `duplicate: true`. */
  readonly id?: string | undefined;
}

/** Answers a request of the server. What it returns is the answer; what it throws reaches the server as `remote-error` without its text. */
export type ClientRequestHandler = (body: unknown, context: { readonly signal: AbortSignal }) => unknown;

/**
 * A gateway's client. Keeps one connection, and comes back to its session after each cut, until `close` or until the server tells it to stay
 * away. Every verb but `publish` and `request` may be called in any state before `closing`.
 */
export interface Client extends AsyncDisposable {
  /** `opening` until the first welcome, then `open` also while there is no connection. */
  readonly state: LifecycleState;
  readonly connected: boolean;
  /** The URN of the session; undefined before the first welcome. */
  readonly session: string | undefined;
  /** The id of the present connection. */
  readonly connection: string | undefined;
  /** Capabilities that were offered and permitted. */
  readonly capabilities: readonly string[];

  /** Connects. Resolves at the first welcome, however many tries that takes; rejects with `HEXBUS_REFUSED` or `HEXBUS_CLOSED`. Always the same promise. */
  open(): Promise<void>;

  /**
   * Feeds the handler what follows in a topic or pattern, one message at a time, in order, across reconnects. One that fails is tried again and
   * then skipped, and told to `error`. Of a held topic, what the handler does is answered to the server, which tries again.
   */
  subscribe<Body = unknown>(
    topic: string,
    handler: Handler<Message<Body>>,
    options?: ClientSubscribeOptions,
  ): ClientSubscription;

  /**
   * Handles messages of one type that are addressed to this connection, session, user or to all. All types together are one stream: one message
   * at a time, in order, so one that is still tried holds up the others; of several handlers of a type all are called. Returns what ends it. Call it before `open`, or early messages are missed.
   */
  on<Body = unknown>(type: string, handler: Handler<Message<Body>>, options?: ClientOnOptions): () => void;

  /**
   * Publishes through the server. Rejects with `HEXBUS_DISCONNECTED` when nothing was sent, with `HEXBUS_OUTCOME_UNKNOWN` when nobody knows
   * whether it was kept (publish again with the same id), with `HEXBUS_REFUSED` when the server refused.
   */
  publish(topic: string, body: unknown, options?: ClientPublishOptions): Promise<Receipt>;

  /**
   * Asks the server, and resolves with how that ended. `disconnected` at once when there is no connection or it goes; where the client itself has hung
   * up because too much waits for handlers, it connects first. Rejects only for a wrong argument.
   */
  request<Body = unknown>(name: string, body: unknown, options?: RequestOptions): Promise<Outcome<Body>>;

  /** Answers what the server asks under a name. One handler a name, else `HEXBUS_CONFIG`. Returns what ends it. */
  handle(name: string, handler: ClientRequestHandler): () => void;

  /** Watches what happens. Returns what ends it. */
  observe<Name extends keyof ClientObserverEvents>(
    name: Name,
    observer: (event: ClientObserverEvents[Name]) => void,
  ): () => void;

  /**
   * Starts no handler any more, waits for the running ones for at most `closeTimeoutMs`, acknowledges what was handled, and hangs up. What is saved
   * of the session stays, so that another client may go on with it. Always the same promise. A handler may call it, but must not await it: it waits
   * for that handler.
   */
  close(): Promise<void>;
}
