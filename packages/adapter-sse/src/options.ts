import type { Server as HttpServer, IncomingMessage } from 'node:http';
import type { Http2SecureServer, Http2Server } from 'node:http2';
import type { Server as HttpsServer } from 'node:https';
import {
  checkBoolean,
  checkClientAddress,
  checkInteger,
  checkPath,
  checkPlace,
  type Origins,
  type Place,
  resolveOrigins,
} from '@hexbus/core/gateway';

/** A server of the program. One of HTTP/2 is asked by Node's compatibility API, as it asks its own `request` listeners. */
export type ProgramServer = HttpServer | HttpsServer | Http2Server | Http2SecureServer;

export interface SseTransportOptions {
  /** A server of the program, which goes on owning it: only requests at `path` are answered here. Without it and `port` the program mounts `handler`. */
  readonly server?: ProgramServer | undefined;
  /** Makes a server of its own, which listens here. 0: any free port. */
  readonly port?: number | undefined;
  /** With `port`: the address to listen on. Default all. */
  readonly host?: string | undefined;
  /** The one path at which clients connect; the query is theirs. Where the program mounts `handler`, it is the program that says. */
  readonly path?: string | undefined;
  /** A longer message, or POST, ends its connection with 1009. */
  readonly maxMessageBytes?: number | undefined;
  /**
   * Which pages may connect, e.g. `https://example.com`, compared character by character; `any` lets in all, those of other hosts without what
   * their browser adds by itself, such as cookies. Default: pages of the host that the request names. A client that sends no Origin is no page,
   * and passes.
   */
  readonly origins?: readonly string[] | 'any' | undefined;
  /** A stream on which nothing was written for so long gets a comment, so that no proxy takes it for dead. */
  readonly keepAliveMs?: number | undefined;
  /** How long an EventSource whose stream broke off waits before it comes back: between this and twice as long, so that not all come at once. */
  readonly retryMs?: number | undefined;
  /** How long a client may take to send the body of a POST. */
  readonly bodyTimeoutMs?: number | undefined;
  /** With `port`: how long a client may take to send the head of its request. */
  readonly handshakeTimeoutMs?: number | undefined;
  /** Streams over HTTP/1.1 in chunks, for proxies that want a length of everything. Costs time for each receiver. */
  readonly chunked?: boolean | undefined;
  /** How many proxies of yours are in front: the client's address is that entry of X-Forwarded-For, from the right. */
  readonly trustProxy?: number | undefined;
  /** Tells the client's address, where `trustProxy` does not fit. For whom it throws is refused with 503, and the observer `error` is told. */
  readonly clientAddress?: ((request: IncomingMessage) => string) | undefined;
}

/** Every default of the transport. */
export const sseDefaults = {
  path: '/hexbus/sse',
  maxMessageBytes: 65_536,
  keepAliveMs: 15_000,
  retryMs: 2_000,
  bodyTimeoutMs: 10_000,
  handshakeTimeoutMs: 10_000,
  chunked: false,
  trustProxy: 0,
  /** What clients are told to wait that come while the transport drains; an EventSource up to twice as long. */
  drainRetryAfterMs: 2_000,
  /** How long another node may take to answer a POST for one of its connections; it says in half of that if it needs longer. */
  relayTimeoutMs: 10_000,
  /** Of so many links of other nodes it is remembered that a client has brought the right key. */
  maxKnownKeys: 10_000,
  /** For how long a page of another origin need not ask again whether it may. */
  preflightMaxAgeMs: 7_200_000,
} as const;

/** The options of a transport, checked and completed. */
export interface SseSettings {
  /** Undefined: where the program mounts it. */
  readonly place: Place<ProgramServer> | undefined;
  readonly path: string;
  readonly maxMessageBytes: number;
  readonly origins: Origins;
  readonly keepAliveMs: number;
  readonly retryMs: number;
  readonly bodyTimeoutMs: number;
  readonly handshakeTimeoutMs: number;
  readonly chunked: boolean;
  readonly trustProxy: number;
  readonly clientAddress: ((request: IncomingMessage) => string) | undefined;
}

/** Checks and completes what was passed to `createSseTransport`, or throws `HEXBUS_CONFIG` naming the field. */
export function resolveSseOptions(options: SseTransportOptions): SseSettings {
  return {
    place: checkPlace(options),
    path: checkPath(options.path ?? sseDefaults.path),
    maxMessageBytes: checkInteger('maxMessageBytes', options.maxMessageBytes ?? sseDefaults.maxMessageBytes, 1),
    origins: resolveOrigins(options.origins),
    keepAliveMs: duration('keepAliveMs', options.keepAliveMs),
    retryMs: duration('retryMs', options.retryMs),
    bodyTimeoutMs: duration('bodyTimeoutMs', options.bodyTimeoutMs),
    handshakeTimeoutMs: duration('handshakeTimeoutMs', options.handshakeTimeoutMs),
    chunked: checkBoolean('chunked', options.chunked ?? sseDefaults.chunked),
    trustProxy: checkInteger('trustProxy', options.trustProxy ?? sseDefaults.trustProxy, 0, 100),
    clientAddress: checkClientAddress(options.clientAddress),
  };
}

type Duration = 'keepAliveMs' | 'retryMs' | 'bodyTimeoutMs' | 'handshakeTimeoutMs';

function duration(field: Duration, value: number | undefined): number {
  return checkInteger(field, value ?? sseDefaults[field], 1);
}
