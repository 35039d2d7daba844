import type { LifecycleState } from '../lifecycle.ts';
import type { MessageHeaders } from '../message.ts';

/** What a source hands over. A hexbus `Message` is one. */
export interface SourceMessage {
  readonly body: unknown;
  /**
   * Names the message among those of its topic and type; in the bus, the JSON list of the three does, or of two where topic and type are the same. What comes twice is
   * there once, as long as the bus remembers its id; without an id, twice. A list of more than 512 characters is refused.
   */
  readonly id?: string | undefined;
  /** Where the source got it. */
  readonly topic?: string | undefined;
  readonly sender?: string | undefined;
  readonly headers?: MessageHeaders | undefined;
}

/**
 * Resolves when the message is safely in the bus, or never will be and this was told. Rejects when it is not, and may be if it is handed over again.
 * Nobody needs to look at the promise.
 */
export type SourceHandler = (message: SourceMessage) => Promise<void>;

/** Where a bridge gets its messages from: a hexbus client, a bus, or what has such an `on`. */
export interface MessageSource {
  /**
   * Hands over each message of a type that a client receives; of a bus, each message of a topic from now. What is refused comes again, as often as `maxTries` says; a
   * source that cannot do so may ignore it. A client hands over one message at a time, so one that is refused, such as for a topic that is full, holds up all that its
   * `on` receives. What this returns ends that, if it is a function; else `off` does. Of a bus, `subscribe` is called in its place.
   */
  on(type: string, handler: SourceHandler, options?: { readonly maxTries: number }): unknown;
  off?(type: string, handler: SourceHandler): unknown;
}

/** What becomes of the messages of one type. Several types may share a topic, and so an order; one type may go to several topics. */
export interface MessageRoute<Topic extends string = string> {
  /** Of a client, the type that the server posts; of a bus, a topic. It is the `type` of the message in the bus. */
  readonly type: string;
  readonly topic: Topic;
  /**
   * Keeps what arrives while nobody listens: the topic must be retained until-handled. Default false: what nobody listens to at that moment is dropped, unless
   * the topic keeps everything within limits.
   */
  readonly saveHistory?: boolean | undefined;
}

/** How a message ended. `id` and `position` as in the bus, where it has one. */
export type BridgeResult = { readonly id?: string; readonly position?: number } & (
  | {
      readonly status: 'handled';
      /** What the listeners returned. */
      readonly results: readonly unknown[];
    }
  /** A listener used up its tries. Of a held topic it is now among the dead letters. */
  | { readonly status: 'dead'; readonly reason: string }
  /**
   * `no-listener`: nobody listened, and it is not saved; `vetoed` by `beforePublish`; `refused` by the bus for what it is, with `error`; `bound`: a bound of the held
   * topic removed it while it waited.
   */
  | {
      readonly status: 'dropped';
      readonly why: 'no-listener' | 'vetoed' | 'refused' | 'bound';
      readonly error?: unknown;
    }
  /** The topic keeps it within its limits, whoever reads it. */
  | { readonly status: 'retained' }
);

export interface MessageBridgeOptions<Topic extends string = string> {
  readonly source: MessageSource;
  readonly messages: readonly MessageRoute<Topic>[];
  /**
   * Called in the order of reception, before a message is published, and again with one that is handed over again. `{ body }` publishes that body, `false` nothing,
   * `true` and undefined the message as it came. It must answer at once, since waiting would reorder messages. A call that throws or returns something else, such as a
   * promise, refuses the message to the source, which is held up until one answers.
   */
  readonly beforePublish?:
    | ((
        topic: Topic,
        body: unknown,
        config: MessageRoute<Topic>,
        message: SourceMessage,
      ) => { readonly body: unknown } | boolean | undefined)
    | undefined;
  /**
   * Called each time a message has ended, also one that was saved before this bridge was made; not awaited. That is once, unless one that died is requeued. What a bound removed has no body any more, and tells no
   * type: `body` is undefined, and `config` the first of the topic. Two bridges with the same type and topic are both told.
   */
  readonly afterPublish?:
    | ((topic: Topic, body: unknown, result: BridgeResult, config: MessageRoute<Topic>) => unknown)
    | undefined;
  /** How long `close` waits for messages that are on their way into the bus. */
  readonly closeTimeoutMs?: number | undefined;
}

export interface BridgeObserverEvents {
  /** A publish failed, a hook threw, or the source did when it was let go. `retryable`: the source was told, and may hand the message over again. */
  readonly error: {
    readonly error: unknown;
    readonly type?: string;
    readonly topic?: string;
    readonly id?: string | undefined;
    readonly retryable?: boolean;
    /** How many calls of observers have thrown so far. */
    readonly observerFailures: number;
  };
}

/** Publishes what a source receives to the topics of a bus. It owns neither. */
export interface MessageBridge extends AsyncDisposable {
  readonly state: LifecycleState;
  /**
   * Begins to take messages, before it returns. The bus need not be open yet; what comes before it is, is refused to the source. Always the same promise; a bridge
   * whose opening failed is closed.
   */
  open(): Promise<void>;
  /** Returns what ends it. */
  observe<Name extends keyof BridgeObserverEvents>(
    name: Name,
    observer: (event: BridgeObserverEvents[Name]) => void,
  ): () => void;
  /**
   * Takes no message any more, and waits for those on their way into the bus. Meanwhile it refuses what the source hands over. Close a client before its bridge or at
   * once behind it, as `await using` does: what it receives without one, it counts as handled. Always the same promise.
   */
  close(): Promise<void>;
}
