/** What a client said when it knocked, before any frame. Everything in it is the client's word, except `address`. */
export interface Handshake {
  /** Name of the transport that took it: `ws`, `sse`. */
  readonly transport: string;
  /** Path and query as they were asked for, without origin. */
  readonly url: string;
  /** By lower-case name; repeated headers are joined by `, `. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** The peer's network address as the transport sees it. */
  readonly address: string;
  /** The protocols that the client offers, in its order of preference. Empty when it named none. */
  readonly protocols: readonly string[];
}

/** One frame of a protocol: encoded once, and the same object for everybody who is sent it. What is not text is for SSE; other transports leave it out. */
export interface Frame {
  /** Holds no line break. */
  readonly text: string;
  /** Everything up to this was sent to whoever gets this frame: 1 to 128 visible ASCII characters. SSE sends it as `id`, and its client brings the last one back. */
  readonly cursor?: string | undefined;
  /** The name under which an EventSource hears of it, of the same form. Absent: `message`. */
  readonly event?: string | undefined;
  /** How long an EventSource that loses its stream behind this frame waits before it comes back. A whole number. */
  readonly retryMs?: number | undefined;
}

/** Frames to be sent together, in order. Connections that are sent the same frames in a turn share one batch. */
export interface FrameBatch {
  readonly frames: readonly Frame[];
  /** Length of the texts in UTF-8. */
  readonly bytes: number;
  /** What `encode` makes of this batch, made once for each `encode` and shared: a transport passes one function for all its carriers. */
  encoded<T>(encode: (frames: readonly Frame[]) => T): T;
}

/** A live byte link to one client. Knows no frames. All its methods return at once, and none throws or calls the listener before it has returned. */
export interface Carrier {
  readonly handshake: Handshake;
  /** The protocol agreed on in the handshake. */
  readonly protocol: string;
  /**
   * Sends in one write. `queued`: part of it waits in this process; `drained` will be called when nothing does any more. `closed`: it was not
   * taken, and `closed` was or will be called.
   */
  send(batch: FrameBatch): 'sent' | 'queued' | 'closed';
  /** What was taken and not yet handed to the operating system. */
  readonly bufferedBytes: number;
  /** Reads nothing more from the client until `resume`. What was read already may still come. */
  pause(): void;
  resume(): void;
  /** Ends after what was sent, telling the client code and reason. What comes in after it is dropped. A client that takes nothing holds it up until `terminate`. */
  close(code: number, reason: string): void;
  /** Ends at once and frees what was queued. */
  terminate(): void;
}

/** What a carrier tells of itself, in this order: any number of the first two, then `closed` once, and nothing after it. */
export interface CarrierListener {
  /** One whole frame text, in order. A transport ends a client with 1009 whose text is longer than 65,536 bytes, unless its options say otherwise. */
  received(text: string): void;
  /** Nothing that was sent waits in this process any more. */
  drained(): void;
  /** The link is gone, with the code the peer or this side gave, or 1006 when there was none. Called also after `close` and `terminate`. */
  closed(code: number, reason: string): void;
}

/** The answer to a handshake. */
export type Admission =
  | {
      readonly accepted: true;
      /** The protocol to agree on; one of those offered, if any were. */
      readonly protocol: string;
      /** Called once, when the link stands. */
      connect(carrier: Carrier): CarrierListener;
      /** Called instead of `connect` when the client was gone before that. */
      abandon(): void;
    }
  | {
      readonly accepted: false;
      /** As HTTP status: 400 no common protocol or a handshake that makes no sense, 401, 403, 429 too many of this address, 503 full or draining. */
      readonly status: 400 | 401 | 403 | 429 | 503;
      readonly reason: string;
      /** When to try again, where that may help. */
      readonly retryAfterMs?: number | undefined;
    };

/**
 * Whom a transport asks about every client, before it answers the client. Where what a client sends may reach another node than its carrier, as the
 * POSTs of SSE do, the transports of one name relay it to each other: the first of each node, the second, and so on.
 */
export interface TransportHost {
  /** The name of this node in the cluster: 1 to 128 letters, digits, `-` and `_`. */
  readonly node: string;
  /** Never rejects. `signal`: the client went away, so the answer is of no use. */
  admit(handshake: Handshake, signal: AbortSignal): Promise<Admission>;
  /** Hands text to the transport of the same name on another node. Resolves with its answer, or undefined when there is none within the time. Never rejects. */
  relay(node: string, text: string, options: { readonly timeoutMs: number }): Promise<string | undefined>;
  /** From now on answers what other nodes relay to this transport. A rejection is no answer. */
  onRelayed(answer: (text: string) => Promise<string>): void;
  /** Tells the program of what failed and nobody awaits, such as a function among the options. Never throws. */
  error(cause: unknown): void;
  /**
   * Aborted when all transports have closed. A path of the program's server, where that has an answer that ends clients for good, is given back only then: until
   * the gateway has closed, whoever comes is told to come again.
   */
  readonly closed: AbortSignal;
}

/**
 * Makes carriers of one kind. Made idle by a `create<Name>Transport` factory. Knows no frames and no users; it refuses by itself only what is no
 * valid handshake of its kind. A client that resets its connection at any moment is no error.
 */
export interface Transport {
  readonly name: string;
  /** Starts to accept. Rejects with a `HexbusError` when it cannot, e.g. because the port is taken. Opens once. */
  open(host: TransportHost): Promise<void>;
  /** Refuses new clients from now on, with 503 or what tells the client to come back; carriers live on. */
  drain(): void;
  /** Terminates what is left and frees everything it made itself. Any state, any number of times; always the same promise. */
  close(): Promise<void>;
}
