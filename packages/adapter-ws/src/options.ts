import type { Server as HttpServer, IncomingMessage } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import { HexbusError } from '@hexbus/core';
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

/** A server of the program. */
export type ProgramServer = HttpServer | HttpsServer;

export interface WsTransportOptions {
  /** A server of the program, which goes on owning it: only upgrades at `path` are answered here. Either this or `port`. */
  readonly server?: ProgramServer | undefined;
  /** Makes a server of its own, which listens here. 0: any free port. */
  readonly port?: number | undefined;
  /** With `port`: the address to listen on. Default all. */
  readonly host?: string | undefined;
  /** The one path at which clients connect; the query is theirs. */
  readonly path?: string | undefined;
  /** A longer message ends its connection with 1009. */
  readonly maxMessageBytes?: number | undefined;
  /**
   * Which pages may connect, e.g. `https://example.com`, compared character by character; `any` lets in all, those of other hosts without what
   * their browser adds by itself, such as cookies. Default: pages of the host that the request names. A client that sends no Origin is no page,
   * and passes.
   */
  readonly origins?: readonly string[] | 'any' | undefined;
  /** Compresses messages from 1 KiB with whoever offers it. Costs memory and time for each receiver. */
  readonly perMessageDeflate?: boolean | undefined;
  /** With `port`: how long a client may take to send its request. */
  readonly handshakeTimeoutMs?: number | undefined;
  /**
   * How long a client may take to answer a close, once the system has it: what stands before it there, which may be megabytes, included, since nobody is told
   * how that goes. Then it is cut, and may miss the code.
   */
  readonly closeTimeoutMs?: number | undefined;
  /** How many proxies of yours are in front: the client's address is that entry of X-Forwarded-For, from the right. */
  readonly trustProxy?: number | undefined;
  /** Tells the client's address, where `trustProxy` does not fit. For whom it throws is refused with 503, and the observer `error` is told. */
  readonly clientAddress?: ((request: IncomingMessage) => string) | undefined;
}

/** Every default of the transport. */
export const wsDefaults = {
  path: '/hexbus',
  maxMessageBytes: 65_536,
  perMessageDeflate: false,
  handshakeTimeoutMs: 10_000,
  closeTimeoutMs: 30_000,
  trustProxy: 0,
  /** What clients are told to wait that come while the transport drains. */
  drainRetryAfterMs: 2_000,
} as const;

/** The options of a transport, checked and completed. */
export interface WsSettings {
  readonly place: Place<ProgramServer>;
  readonly path: string;
  readonly maxMessageBytes: number;
  readonly origins: Origins;
  readonly perMessageDeflate: boolean;
  readonly handshakeTimeoutMs: number;
  readonly closeTimeoutMs: number;
  readonly trustProxy: number;
  readonly clientAddress: ((request: IncomingMessage) => string) | undefined;
}

/** Checks and completes what was passed to `createWsTransport`, or throws `HEXBUS_CONFIG` naming the field. */
export function resolveWsOptions(options: WsTransportOptions): WsSettings {
  return {
    place: resolvePlace(options),
    path: checkPath(options.path ?? wsDefaults.path),
    maxMessageBytes: checkInteger('maxMessageBytes', options.maxMessageBytes ?? wsDefaults.maxMessageBytes, 1),
    origins: resolveOrigins(options.origins),
    perMessageDeflate: checkBoolean('perMessageDeflate', options.perMessageDeflate ?? wsDefaults.perMessageDeflate),
    handshakeTimeoutMs: checkInteger(
      'handshakeTimeoutMs',
      options.handshakeTimeoutMs ?? wsDefaults.handshakeTimeoutMs,
      1,
    ),
    closeTimeoutMs: checkInteger('closeTimeoutMs', options.closeTimeoutMs ?? wsDefaults.closeTimeoutMs, 1),
    trustProxy: checkInteger('trustProxy', options.trustProxy ?? wsDefaults.trustProxy, 0, 100),
    clientAddress: checkClientAddress(options.clientAddress),
  };
}

function resolvePlace(options: WsTransportOptions): Place<ProgramServer> {
  const place = checkPlace(options);
  if (place !== undefined) return place;
  throw new HexbusError('HEXBUS_CONFIG', 'server is undefined; pass the http.Server to be a guest of, or `port`');
}
