import type { Message } from '../message.ts';
import type { Frame, Handshake } from './transport.ts';

/** Where a subscription of a client begins; `covered`: at the token of its HELLO. A client that says anything else breaks the protocol. */
export type WireFrom =
  | 'now'
  | 'earliest'
  | 'covered'
  | { readonly after: string }
  | { readonly last: number }
  | { readonly since: number };

/** A subscription as a client asks for it. `id` is the client's, from 1. */
export interface WireSubscription {
  readonly id: number;
  /** A topic or a pattern. */
  readonly topic: string;
  readonly from: WireFrom;
}

/** How a client introduces itself. */
export interface Hello {
  /** A credential for `authenticateToken`. */
  readonly token?: string | undefined;
  /** The session to go on with. `token` is the last one that the client has; absent when it never got one. */
  readonly resume?:
    | { readonly session: string; readonly secret: string; readonly token?: string | undefined }
    | undefined;
  /** Instead of `resume`, from a client that has no session, or none any more: the last token that it has. Positions are no secret and give no rights. */
  readonly lastToken?: string | undefined;
  readonly subscriptions: readonly WireSubscription[];
  /** The capabilities that it offers. */
  readonly capabilities: readonly string[];
}

/** The server's answer to `Hello`. */
export interface Welcome {
  readonly session: string;
  readonly secret: string;
  readonly connection: string;
  /** Where the connection begins: a token like those of events. Absent when the bus has no history. */
  readonly token?: string | undefined;
  /** Whether the session is the one that was to be resumed. */
  readonly resumed: boolean;
  /** Capabilities that were both offered and permitted. */
  readonly capabilities: readonly string[];
  /** The server sends something at least this often. */
  readonly pingMs: number;
  /** Why the carrier before this one was ended by the server, if it was. */
  readonly last?: { readonly code: number; readonly reason: string } | undefined;
}

/** Codes of errors on the wire. The list is closed; `docs/protocol.md` explains each. */
export type WireErrorCode =
  | 'forbidden'
  | 'invalid'
  | 'limit'
  | 'not-found'
  | 'no-handler'
  | 'remote-error'
  | 'overloaded'
  | 'cancelled'
  | 'timeout'
  | 'unauthenticated'
  | 'closed';

/** An error on the wire: no stack, no path, no secret. */
export interface WireError {
  readonly code: WireErrorCode;
  readonly message: string;
  readonly retryable: boolean;
  /** When to try again, where that may help. */
  readonly retryAfterMs?: number | undefined;
}

/** The answer to a request, of either side. A body that is undefined goes out as null. */
export type WireReply =
  | { readonly ok: true; readonly body: unknown }
  | { readonly ok: false; readonly error: WireError };

/** Messages that a client will not get. `subs`: the subscriptions concerned, 0 being what is addressed to it; absent: all whose topics are named. */
export interface WireGap {
  readonly subs?: readonly number[] | undefined;
  /** Topics, or patterns that stand for several. */
  readonly topics?: readonly string[] | undefined;
  /** Positions, both included, with `trimmed`; absent with `dropped`. With `reset` all positions are void. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly why: 'trimmed' | 'reset' | 'dropped';
  /** With `reset`: the token that holds from here on. */
  readonly token?: string | undefined;
}

/** The last word of a server before it closes. */
export interface Bye {
  readonly code: number;
  readonly reason: string;
  readonly reconnect: boolean;
  readonly afterMs: number;
}

/** What a client asked for, as its protocol understood it. Every method returns at once and none throws. */
export interface ProtocolHost {
  hello(hello: Hello): void;
  subscribe(subscription: WireSubscription): void;
  unsubscribe(id: number): void;
  /** Everything up to this token was handled. */
  acknowledge(token: string): void;
  /** Asks the server; without `id` no answer is wanted. */
  ask(name: string, body: unknown, id?: number): void;
  publish(
    id: number,
    message: { readonly topic: string; readonly type?: string; readonly body: unknown; readonly messageId?: string },
  ): void;
  /** Answers a request of the server. */
  reply(id: number, reply: WireReply): void;
  /** Gave up on a request of its own. */
  cancel(id: number): void;
  /** Brings a fresh credential. */
  authenticate(id: number, token: string): void;
  /** Asks for a sign of life. */
  ping(): void;
  /** The client broke the protocol: the connection ends with this close code. */
  violated(code: number, reason: string): void;
  /**
   * Something that the protocol tells to ignore was ignored. It is counted, unless it may have crossed with the end of what it is about: that happens
   * to clients that do nothing wrong.
   */
  ignored(what: string, mayHaveCrossed?: boolean): void;
}

/**
 * One client's side of a protocol: turns texts into calls of its host, and what the gateway has to say into frames. Undefined: the protocol has no
 * such frame. Pure but for what it remembers of this client: no sockets, no timers.
 */
export interface ProtocolSession {
  receive(text: string): void;
  /** An event for everybody who is settled: the same frame object for every session of this protocol. */
  event(message: Message, cursor: string | undefined): Frame;
  /** An event for the named subscriptions of this client alone. `cursor`: of the message itself, by which clients see repeats. */
  eventFor(message: Message, subs: readonly number[], token: string, cursor: string | undefined): Frame;
  /** A message of a held topic, for one subscription; its reply to `id` settles it. */
  delivery(id: number, sub: number, message: Message, timeoutMs: number): Frame | undefined;
  welcome(welcome: Welcome): Frame | undefined;
  /** Travels in the stream: from here on the token covers the subscription. */
  subscribed(
    id: number,
    start: { readonly start?: string; readonly head?: string; readonly token?: string; readonly held?: true },
  ): Frame | undefined;
  gap(gap: WireGap): Frame | undefined;
  request(id: number, name: string, body: unknown, timeoutMs: number): Frame | undefined;
  cancel(id: number): Frame | undefined;
  reply(id: number, reply: WireReply): Frame | undefined;
  /** A sign of life, with how far the stream is. */
  ping(token: string | undefined): Frame | undefined;
  pong(): Frame | undefined;
  /** The credential will expire in so many milliseconds. */
  expiring(inMs: number): Frame | undefined;
  bye(bye: Bye): Frame | undefined;
}

/** The frames spoken over carriers of any kind. */
export interface WireProtocol {
  /** Also the name by which clients ask for it, e.g. as WebSocket subprotocol. */
  readonly name: string;
  /** Whether a client that named no protocol speaks this one. */
  accepts(handshake: Handshake): boolean;
  /**
   * What a client says by its handshake that says nothing after it: it cannot be asked, acknowledges by what it comes back with, and gives no signs of
   * life. `{ fault }`: it made no sense, and is refused with 400. Undefined: the client speaks for itself.
   */
  helloOf(handshake: Handshake): Hello | { readonly fault: string } | undefined;
  /** `hello`: what `helloOf` made of the handshake. */
  open(host: ProtocolHost, hello?: Hello): ProtocolSession;
}
