import type { MessageReference } from '../bus/observers.ts';
import type { Target } from './target.ts';

/** Which connection an event is about. */
export interface ConnectionReference {
  readonly connection: string;
  readonly session: string;
  readonly userId?: string | undefined;
  readonly transport: string;
}

export interface GatewayObserverEvents {
  /** A client was let in, with a new session. */
  readonly connected: ConnectionReference;
  /** A client came back to its session. */
  readonly resumed: ConnectionReference;
  readonly disconnected: ConnectionReference & { readonly code: number; readonly reason: string };
  /** A session whose connection went did not come back in time. */
  readonly sessionExpired: { readonly session: string; readonly userId?: string | undefined };
  readonly posted: MessageReference & { readonly target: Target; readonly receivers: number };
  /** A request to a client ended. */
  readonly requested: { readonly connection: string; readonly name: string; readonly status: string };
  /** A message of a topic that is not retained was not sent to a connection, whose outbox was full. */
  readonly dropped: MessageReference & ConnectionReference;
  /** A connection drained nothing for too long and was terminated. */
  readonly stalled: ConnectionReference & { readonly bufferedBytes: number };
  /** A handshake, a frame or a wish of a client was refused. */
  readonly rejected: { readonly why: string; readonly address: string; readonly connection?: string | undefined };
  /** A frame of a client had no effect: a late reply, an unknown type. */
  readonly ignored: ConnectionReference & { readonly what: string };
  /** Something failed that no promise tells of: `authenticate`, `authorize`, a handler, an observer, the registry, a transport. */
  readonly error: {
    readonly error: unknown;
    readonly connection?: ConnectionReference | undefined;
    readonly observerFailures: number;
  };
}

export const gatewayObserverNames: readonly (keyof GatewayObserverEvents)[] = [
  'connected',
  'resumed',
  'disconnected',
  'sessionExpired',
  'posted',
  'requested',
  'dropped',
  'stalled',
  'rejected',
  'ignored',
  'error',
];
