import type { Transport } from '@hexbus/core/gateway';
import type { TransportClient } from './client.ts';

/** How a client knocks. */
export interface ConnectOptions {
  /** Follows the path, and begins with `?`. Default none. */
  readonly query: string;
  /** In its order of preference; empty: it names none. */
  readonly protocols: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
}

/** How the suite gets at the transports of one adapter, and at clients of theirs. */
export interface TransportAdapter {
  /** How test names call the adapter. */
  readonly name: string;
  /** An idle transport with a place of its own, where nobody else connects. */
  readonly create: () => Transport | Promise<Transport>;
  /** A client of a transport that is, or was, open. It knocks at once. */
  readonly connect: (transport: Transport, options: ConnectOptions) => TransportClient;
  /** Cleans up after a transport that was closed. */
  readonly dispose?: ((transport: Transport) => void | Promise<void>) | undefined;
  /** How long the suite waits for what must happen before it says that it did not. Default 10,000. */
  readonly patienceMs?: number | undefined;
  /** The rule that tries random schedules: how many (default 50), and the seed and path that a failure printed, to repeat it. */
  readonly property?: { readonly runs?: number; readonly seed?: number; readonly path?: string } | undefined;
}
