/** One live connection, as every node may see it. */
export interface ConnectionEntry {
  readonly id: string;
  /** The gateway that holds it. */
  readonly node: string;
  readonly session: string;
  readonly userId?: string | undefined;
  readonly transport: string;
  readonly capabilities: readonly string[];
  /** Milliseconds since 1970. */
  readonly connectedAt: number;
  /** From 1: of several connections of one session it goes on at the one that has the highest. */
  readonly generation: number;
}

/** Every field that is given must match. */
export interface ConnectionQuery {
  readonly connection?: string;
  readonly session?: string;
  readonly user?: string;
  readonly capability?: string;
}

/**
 * Who is connected where. May be shared by the gateways of several nodes. A node that stops renewing is taken for dead after `leaseMs`, and
 * its connections are no longer found; a live connection is found once. What a node calls takes effect in the order of its calls.
 */
export interface Registry {
  readonly name: string;
  /** A node that does not renew for so long is dead. A call that is not answered within a third of it has failed for the gateway. */
  readonly leaseMs: number;
  /** A node joins, with no connections, also under a name that was there. Rejects with a `HexbusError` when the registry cannot be reached. */
  open(node: string): Promise<void>;
  /** Adds a connection, or replaces the one of that id: once resolved, every node finds it. Rejects with `HEXBUS_NOT_OPEN` when its node has not joined or was taken for dead. */
  register(entry: ConnectionEntry): Promise<void>;
  /** Removes it if it is there. */
  unregister(connection: string): Promise<void>;
  /** Proof that a node lives; called several times per lease. A node taken for dead joins again by it, without its connections; resolves with whether it had been. Rejects with `HEXBUS_NOT_OPEN` when it has not joined, or has left. */
  renew(node: string): Promise<boolean>;
  /** Oldest first. */
  find(query: ConnectionQuery): Promise<readonly ConnectionEntry[]>;
  /** The node leaves, and its connections with it. Any state, any number of times. */
  close(node: string): Promise<void>;
}
