import type { Release } from '../admission/connection-limits.ts';
import type { ConnectionInfo, Outcome, RequestOptions } from '../api.ts';
import type { ConnectionReference } from '../observers.ts';

/** A connection as those see it who find and end it. */
export interface LiveConnection {
  readonly id: string;
  /** Undefined before its client is let in. */
  readonly info: ConnectionInfo | undefined;
  /** The topics of its inbox; none before its client is let in. */
  readonly addresses: readonly string[];
  readonly reference: ConnectionReference;
  /** How many positions of the history it is behind the head. */
  readonly lag: number;
  /** Bytes that wait for it, in the gateway and its carrier. */
  readonly bufferedBytes: number;
  /** Hands the place that it takes among those of its user to the connection that takes over its session. */
  passUserPlace(): Release | undefined;
  /** Asks the client. Rejects only for a body that cannot be sent. */
  request(name: string, body: unknown, options: RequestOptions): Promise<Outcome>;
  /** Resolves with how many of its subscriptions `authorize` refuses now. */
  revoke(topic: string | undefined): Promise<number>;
  /** Tells the client why, lets go of everything now, and closes the carrier behind what was sent. `afterMs`: when the client is to come back. */
  end(code: number, reason: string, afterMs?: number): void;
  /** Ends without a word, and frees what is queued for the client. */
  terminate(code: number, reason: string): void;
}
