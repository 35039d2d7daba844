import type { Clock, From, Randomness } from '@hexbus/core';
import { configError, isName, isPrintable, systemClock, systemFraction, wireLimits } from '@hexbus/core/wire';
import { checkNumber } from './checks.ts';
import { chooseLink, type TransportChoice, type TransportOptions } from './choose-link.ts';
import type { OpenLink } from './link.ts';
import { type SessionStore, unsavedSession } from './session.ts';

/** What the client keeps and tries at most. `Infinity` takes a limit away. */
export interface ClientLimits {
  /** Messages, and UTF-16 units of their frames, that wait for slow handlers. Beyond, the client takes no more until it has caught up. */
  readonly maxQueuedMessages: number;
  readonly maxQueuedBytes: number;
  /** How often a message is tried before it is skipped, unless `on` says otherwise. Messages of held topics are tried again by the server. */
  readonly maxTries: number;
}

/** In milliseconds. `Infinity` is for ever. */
export interface ClientTimings {
  /** From asking for the credential to the server's welcome. */
  readonly connectTimeoutMs: number;
  /** The longest first pause before a reconnect; it doubles with each further one, up to `maxReconnectDelayMs`. */
  readonly reconnectDelayMs: number;
  readonly maxReconnectDelayMs: number;
  /** A connection that lived so long makes the next pause the first one again. */
  readonly stableMs: number;
  /** What a server may be late with its signs of life beyond two of their intervals. */
  readonly silenceSlackMs: number;
  readonly requestTimeoutMs: number;
  /** How often what was handled is acknowledged at most. */
  readonly acknowledgeMs: number;
  /** Delay before the second try of a message; it doubles with each further one. */
  readonly retryDelayMs: number;
  /** A call of a handler that takes longer is abandoned and counts as failed. */
  readonly handleTimeoutMs: number;
  /** How long `close` waits for running handlers, and then for the server. */
  readonly closeTimeoutMs: number;
}

/** What `createClient` takes. Checked at once, with `HEXBUS_CONFIG` naming the field. */
export interface ClientOptions extends TransportOptions {
  /**
   * A credential for the server's `authenticateToken`, or what fetches one: for each connection, and when one expires. 1 to 8,192 printable bytes;
   * a call that fails, or returns anything else, is told to `error` and made again.
   */
  readonly token?: string | (() => string | Promise<string>) | undefined;
  /** Names of the APIs that this client offers. */
  readonly capabilities?: readonly string[] | undefined;
  /** Keeps the session across page loads. Default: in memory. */
  readonly session?: SessionStore | undefined;
  readonly limits?: Partial<ClientLimits> | undefined;
  readonly timings?: Partial<ClientTimings> | undefined;
  readonly clock?: Clock | undefined;
  readonly randomness?: Pick<Randomness, 'fraction'> | undefined;
}

/** Every default of the client. */
export const clientDefaults: {
  readonly transport: TransportChoice;
  readonly from: From;
  readonly limits: ClientLimits;
  readonly timings: ClientTimings;
} = {
  transport: 'ws',
  from: 'now',
  limits: {
    maxQueuedMessages: 10_000,
    maxQueuedBytes: 16_777_216,
    maxTries: 3,
  },
  timings: {
    connectTimeoutMs: 20_000,
    reconnectDelayMs: 1_000,
    maxReconnectDelayMs: 30_000,
    stableMs: 5_000,
    silenceSlackMs: 5_000,
    requestTimeoutMs: 10_000,
    acknowledgeMs: 1_000,
    retryDelayMs: 100,
    handleTimeoutMs: 60_000,
    closeTimeoutMs: 10_000,
  },
};

/** The options of a client, checked and completed. */
export interface ClientSettings {
  readonly openLink: OpenLink;
  readonly token: () => string | undefined | Promise<string | undefined>;
  /** Whether another credential can be had when one expires. */
  readonly tokenRenews: boolean;
  readonly capabilities: readonly string[];
  readonly session: SessionStore;
  readonly limits: ClientLimits;
  readonly timings: ClientTimings;
  readonly clock: Clock;
  readonly randomness: Pick<Randomness, 'fraction'>;
}

/** Checks and completes what was passed to `createClient`, or throws `HEXBUS_CONFIG` naming the field. */
export function resolveClientOptions(options: ClientOptions): ClientSettings {
  const { token, transport = clientDefaults.transport, capabilities = [] } = options;
  const { clock = systemClock, randomness = { fraction: systemFraction } } = options;
  if (!Array.isArray(capabilities) || !capabilities.every(isName))
    throw configError('capabilities', capabilities, 'pass names of at most 128 printable bytes');
  const timings = numbers('timings', options.timings, clientDefaults.timings, 0);
  return {
    openLink: chooseLink(options, transport, { clock, randomness, closeTimeoutMs: timings.closeTimeoutMs }),
    token: readToken(token),
    tokenRenews: typeof token === 'function',
    capabilities: [...capabilities],
    session: options.session ?? unsavedSession(),
    limits: numbers('limits', options.limits, clientDefaults.limits, 1),
    timings,
    clock,
    randomness,
  };
}

/** What fetches the credential, and rejects with `HEXBUS_CONFIG` for one that no gateway would take. */
function readToken(token: ClientOptions['token']): ClientSettings['token'] {
  if (token === undefined) return () => undefined;
  if (typeof token === 'function') return async () => checkCredential('what token() returned', await token());
  const credential = checkCredential('token', token);
  return () => credential;
}

/** It is a secret, so no error shows it. */
function checkCredential(field: string, value: unknown): string {
  const { maxTokenLength } = wireLimits;
  if (isPrintable(value, maxTokenLength)) return value;
  throw configError(field, typeof value, `pass a text of 1 to ${maxTokenLength} printable bytes`);
}

function numbers<Fields extends object>(
  name: string,
  given: Partial<Fields> | undefined,
  defaults: Fields,
  least: number,
): Fields {
  const all: Partial<Record<string, unknown>> = { ...defaults };
  for (const [field, value] of Object.entries(given ?? {})) {
    if (value === undefined) continue;
    if (!(field in defaults)) throw configError(`${name}.${field}`, value, `use ${Object.keys(defaults).join(', ')}`);
    checkNumber(`${name}.${field}`, value, least);
    all[field] = value;
  }
  return all as Fields;
}
