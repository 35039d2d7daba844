import type { Receipt } from '../bus/api.ts';
import type { Clock, Randomness } from '../clock.ts';
import type { Cursor } from '../cursor.ts';
import type { LifecycleState } from '../lifecycle.ts';
import type { MessageHeaders } from '../message.ts';
import type { Broker } from '../ports/broker.ts';
import type { WireProtocol } from '../ports/protocol.ts';
import type { ConnectionEntry, ConnectionQuery, Registry } from '../ports/registry.ts';
import type { Handshake, Transport } from '../ports/transport.ts';
import type { GatewayObserverEvents } from './observers.ts';
import type { Target } from './target.ts';

/** Who a client is, as `authenticate` found out. */
export interface Identity {
  /** Absent: nobody in particular, who is addressed by session and connection only. */
  readonly userId?: string | undefined;
  /** The capabilities that the client may have; it gets those that it also offers. */
  readonly capabilities?: readonly string[] | undefined;
  /** Milliseconds since 1970 at which this identity must have been renewed. */
  readonly expiresAt?: number | undefined;
  /** The program's own, handed to `authorize` and handlers. */
  readonly data?: unknown;
}

/** A live connection as handlers, `authorize` and `find` see it. An address, not a credential. */
export interface ConnectionInfo {
  readonly id: string;
  /** URN of what survives reconnects. */
  readonly session: string;
  readonly identity: Identity;
  readonly capabilities: readonly string[];
  readonly handshake: Handshake;
  readonly connectedAt: number;
}

/** A connection as `find` tells of it. */
export interface FoundConnection extends ConnectionEntry {
  /** How many positions of the whole history it is behind the head, at present; 0 where nothing is retained. Of connections of this gateway only. */
  readonly lag?: number | undefined;
  /** Bytes that wait to be taken by it, in the gateway and its carrier together. Of connections of this gateway only. */
  readonly bufferedBytes?: number | undefined;
}

/** What a client wants to do with a topic: follow it, follow a pattern, or publish to it. */
export interface AuthorizeRequest {
  readonly action: 'subscribe' | 'subscribe-pattern' | 'publish';
  /** The topic or pattern. */
  readonly topic: string;
  readonly identity: Identity;
  readonly connection: ConnectionInfo;
}

export interface PostOptions {
  /** The caller's id: posting it again to the same target, within the window, gives the first receipt with `duplicate: true`. */
  readonly id?: string | undefined;
  readonly headers?: MessageHeaders | undefined;
  readonly sender?: string | undefined;
}

/** A receipt, and how many live connections of this gateway the message is addressed to. */
export interface PostReceipt extends Receipt {
  readonly receivers: number;
}

export interface RequestOptions {
  readonly timeoutMs?: number | undefined;
  /** Gives up: the outcome is an error `cancelled`. */
  readonly signal?: AbortSignal | undefined;
}

/** `invalid-reply`: what came back is no reply. The others as in docs/errors.md. */
export type RequestErrorCode =
  | 'disconnected'
  | 'not-found'
  | 'no-handler'
  | 'remote-error'
  | 'overloaded'
  | 'cancelled'
  | 'invalid-reply';

/** How a request ended. A value: asking never throws for what the other side does or fails to do. */
export type Outcome<Body = unknown> =
  | { readonly status: 'success'; readonly body: Body }
  | { readonly status: 'timeout' }
  | { readonly status: 'error'; readonly code: RequestErrorCode; readonly message: string };

/** What answers a client that asks. What it returns is the answer; what it throws reaches the client as `remote-error` without its text. */
export type RequestHandler = (
  body: unknown,
  context: { readonly connection: ConnectionInfo; readonly signal: AbortSignal },
) => unknown;

export interface GatewayOptions {
  readonly transports: readonly Transport[];
  /** Asked at the handshake. `null` refuses the client with 401, unless `authenticateToken` is there to wait for. Without it, a client is nobody in particular. */
  readonly authenticate?: ((handshake: Handshake) => Identity | null | Promise<Identity | null>) | undefined;
  /** Asked for a credential that a client sends in a frame, at the beginning or to renew its identity. `null` refuses. */
  readonly authenticateToken?:
    | ((token: string, handshake: Handshake) => Identity | null | Promise<Identity | null>)
    | undefined;
  /** Asked whenever a client wants to use a topic by name. Without it, clients receive what is addressed to them and nothing else. */
  readonly authorize?: ((request: AuthorizeRequest) => boolean | Promise<boolean>) | undefined;
  /** Signs session secrets: at least 32 bytes or characters, the same for every gateway and start. Without it, sessions end with the process. */
  readonly resumeKey?: string | Uint8Array | undefined;
  /** What is spoken, and nothing else. Default `createHexbusV1()` and `createHexbusV1EventSource()`. */
  readonly protocols?: readonly WireProtocol[] | undefined;
  /** Shared by the gateways of a cluster, as `broker` is. Default: in memory, for this gateway alone. */
  readonly registry?: Registry | undefined;
  readonly broker?: Broker | undefined;
  readonly limits?: Partial<GatewayLimits> | undefined;
  readonly timings?: Partial<GatewayTimings> | undefined;
  readonly clock?: Clock | undefined;
  readonly randomness?: Randomness | undefined;
}

/** How much one client, or all of them, may take. */
export interface GatewayLimits {
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
  readonly maxConnectionsPerUser: number;
  /** Sessions without a connection that are kept; beyond, the oldest expires. */
  readonly maxSessions: number;
  /** At most 240, so that a token has room for the place of each. */
  readonly maxSubscriptions: number;
  /** Bytes that wait for one connection, in the gateway and its carrier together. */
  readonly maxOutboxBytes: number;
  /** Requests and publishes of one client that run at once; more are refused as `overloaded`. */
  readonly maxRunningAsks: number;
  /** Requests to one client that wait for their answer; more end as `overloaded`. */
  readonly maxPendingRequests: number;
  /** Frames, and characters of them, that a client may send, on average and at once. A character counts as one byte, whatever it takes on the way. */
  readonly maxFramesPerSecond: number;
  readonly maxFrameBurst: number;
  readonly maxBytesPerSecond: number;
  readonly maxByteBurst: number;
  /** Frames of a client without effect, between two pings, after which it is closed. */
  readonly maxIgnored: number;
}

export interface GatewayTimings {
  readonly helloTimeoutMs: number;
  /** For each answer of `authenticate`, `authenticateToken` and `authorize`, and for that of the history on where a user's inbox begins. */
  readonly authenticateTimeoutMs: number;
  readonly pingMs: number;
  /** Pings in a row without any frame of the client, after which it is taken for dead. */
  readonly maxMissedPings: number;
  /** A carrier that drains nothing for so long is terminated. */
  readonly stallTimeoutMs: number;
  readonly requestTimeoutMs: number;
  /** How long a session is kept after its connection went. */
  readonly resumeWindowMs: number;
  /** How long a ticket waits for its first use. */
  readonly ticketMs: number;
  /** How often the cursor of a user is committed at most. */
  readonly userCursorMs: number;
  /** How long before its identity expires a client is told, and how long after that it is closed. */
  readonly expiryWarningMs: number;
  readonly expiryGraceMs: number;
  /** Over how long `close` spreads the reconnects of its clients. */
  readonly drainMs: number;
}

/** Joins transports, protocols and a bus: server code posts to clients and asks them, clients follow topics and ask the server. */
export interface Gateway extends AsyncDisposable {
  readonly state: LifecycleState;
  /** The name of this gateway among the nodes of a cluster. */
  readonly node: string;
  readonly connections: {
    /** Who is connected, anywhere. Oldest first. Also tells how slow those are that are connected here. */
    find(query?: ConnectionQuery): Promise<readonly FoundConnection[]>;
    /** How many are connected here. */
    readonly count: number;
  };

  /**
   * Opens the registry, the broker and the transports. The bus must be open. Always the same promise; one whose opening failed, or was given up by
   * `signal` or `close`, is closed.
   */
  open(options?: { readonly signal?: AbortSignal | undefined }): Promise<void>;

  /**
   * Publishes a message to an address. Where the address is retained it waits for whoever is away. Resolves and rejects as `bus.publish` does.
   */
  post(target: Target, type: string, body: unknown, options?: PostOptions): Promise<PostReceipt>;

  /** Asks one connection, or the live connection of a session, wherever it is, and resolves with how that ended, exactly once. Rejects only for mistakes of the caller. */
  request<Body = unknown>(
    target: { readonly connection: string } | { readonly session: string },
    name: string,
    body: unknown,
    options?: RequestOptions,
  ): Promise<Outcome<Body>>;

  /** Answers what clients ask under a name. One handler a name, else `HEXBUS_CONFIG`. Returns what ends it. */
  handle(name: string, handler: RequestHandler): () => void;

  /**
   * A text for the query parameter `ticket` of an address at which this client may connect, for those that can say nothing else: an `EventSource`.
   * Stands for a new session of this identity, instead of `authenticate`, and can be read by whoever has it. Good for one first use within
   * `ticketMs`; then for whoever comes back to that session with a `Last-Event-ID`. Rejects with `HEXBUS_CONFIG` for an identity that JSON cannot carry.
   */
  createTicket(identity: Identity): Promise<string>;

  /**
   * Up to where a user's sessions have acknowledged what is posted to her; what `bus.read` finds at `@user.<id>` after it waits for her. Undefined while
   * they have acknowledged nothing, or where nothing is retained for her.
   */
  cursorOf(target: { readonly user: string }): Promise<Cursor | undefined>;

  /**
   * Ends live connections of this gateway, which are told not to come back, and resolves with how many. Their sessions end too, as do sessions here whose
   * client is away, tickets that were made before, and the admission of whoever is on the way in, who need not be counted. To be called at each gateway of a
   * cluster: who is away is known to no registry, and may come back at any.
   */
  disconnect(target: Target, reason?: string): Promise<number>;

  /**
   * Asks `authorize` again for what the target follows here, all topics or those that overlap `topic`, ends what it refuses, and resolves with how many.
   * To be called at each gateway of a cluster. Once resolved, nothing of a refused topic is sent to them any more, and nothing goes to it that they published before: it has, or is refused.
   */
  revoke(target: Target, topic?: string): Promise<number>;

  observe<Name extends keyof GatewayObserverEvents>(
    name: Name,
    observer: (event: GatewayObserverEvents[Name]) => void,
  ): () => void;

  /** Accepts no more, tells clients when to come back, spreads that over `drainMs`, then closes. The bus stays open. Always the same promise. */
  close(): Promise<void>;
}
