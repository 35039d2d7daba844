/** Answers what other nodes ask this one. Takes and gives JSON text. A rejection reaches the asking node as an error without its text. */
export type NodeHandler = (request: string, options: { readonly timeoutMs: number }) => Promise<string>;

/** How the gateways of a cluster reach each other: one question to one node, one answer. */
export interface Broker {
  readonly name: string;
  /** A node joins under its name. Rejects with `HEXBUS_NAME_TAKEN` when one of that name is there, or with another `HexbusError` when the broker cannot be reached. */
  open(node: string, handler: NodeHandler): Promise<void>;
  /**
   * Asks one node. `answered` with its text; `not-found` at once when no such node has joined; `disconnected` when it went away or its handler
   * rejected; `timeout` after `timeoutMs`, which may be `Infinity`. Never rejects. The name may come from a stranger: whatever it is, it
   * means no other node than the one that joined under it, and nothing stays behind for it.
   */
  request(node: string, request: string, options: { readonly timeoutMs: number }): Promise<NodeAnswer>;
  /** The node leaves: what it was asked and has not answered ends as `disconnected`. Any state, any number of times. */
  close(node: string): Promise<void>;
}

export type NodeAnswer =
  | { readonly status: 'answered'; readonly text: string }
  | { readonly status: 'not-found' | 'disconnected' | 'timeout' };
