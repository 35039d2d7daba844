import { type CancelTimer, type Clock, systemClock } from '../../clock.ts';
import { HexbusError, shorten } from '../../errors.ts';
import type { ConnectionEntry, ConnectionQuery, Registry } from '../../ports/registry.ts';
import { Multimap } from './multimap.ts';

export interface MemoryRegistryOptions {
  readonly clock?: Clock | undefined;
  readonly leaseMs?: number | undefined;
}

export const memoryRegistryDefaults: { readonly leaseMs: number } = { leaseMs: 15_000 };

/** A registry in memory. One object may be shared by the gateways of one process; each is a node of its own. */
export function createMemoryRegistry(options: MemoryRegistryOptions = {}): Registry {
  const { clock = systemClock, leaseMs = memoryRegistryDefaults.leaseMs } = options;
  if (!Number.isFinite(leaseMs) || leaseMs <= 0)
    throw new HexbusError('HEXBUS_CONFIG', `leaseMs is ${shorten(leaseMs)}; use a number of milliseconds above 0`);
  return new MemoryRegistry(clock, leaseMs);
}

interface Node {
  readonly connections: Set<ConnectionEntry>;
  /** In the registry's own time. */
  renewedAt: number;
  alive: boolean;
}

class MemoryRegistry implements Registry {
  readonly name = 'memory';
  readonly leaseMs: number;
  readonly #clock: Clock;
  readonly #nodes = new Map<string, Node>();
  readonly #connections = new Map<string, ConnectionEntry>();
  readonly #bySession = new Multimap<ConnectionEntry>();
  readonly #byUser = new Multimap<ConnectionEntry>();
  #seenAt: number;
  #cancelLook: CancelTimer | undefined;
  /**
   * Counts the milliseconds that passed, so that a clock that steps back neither ends a lease nor stops it. While a process stands still nobody
   * can renew, so of the time between two looks at most a third of a lease counts, and while a node lives it looks more often than that.
   */
  #time = 0;

  constructor(clock: Clock, leaseMs: number) {
    this.leaseMs = leaseMs;
    this.#clock = clock;
    this.#seenAt = clock.now();
  }

  async open(node: string): Promise<void> {
    this.#expire();
    this.#leave(node);
    this.#nodes.set(node, { connections: new Set(), renewedAt: this.#time, alive: true });
    this.#lookLater();
  }

  async register(entry: ConnectionEntry): Promise<void> {
    this.#expire();
    const node = this.#joined(entry.node);
    if (!node.alive) {
      const message = `node ${shorten(entry.node)} was taken for dead; renew it first`;
      throw new HexbusError('HEXBUS_NOT_OPEN', message, { retryable: true });
    }
    this.#remove(entry.id);
    const own = Object.freeze({ ...entry, capabilities: Object.freeze([...entry.capabilities]) });
    node.connections.add(own);
    this.#connections.set(own.id, own);
    this.#bySession.add(own.session, own);
    if (own.userId !== undefined) this.#byUser.add(own.userId, own);
  }

  async unregister(connection: string): Promise<void> {
    this.#remove(connection);
  }

  async renew(name: string): Promise<boolean> {
    this.#expire();
    const node = this.#joined(name);
    const wasDead = !node.alive;
    node.alive = true;
    node.renewedAt = this.#time;
    this.#lookLater();
    return wasDead;
  }

  async find(query: ConnectionQuery): Promise<readonly ConnectionEntry[]> {
    this.#expire();
    return [...this.#candidates(query)]
      .filter((entry) => matches(entry, query))
      .sort((a, b) => a.connectedAt - b.connectedAt);
  }

  async close(node: string): Promise<void> {
    this.#leave(node);
  }

  #joined(name: string): Node {
    const node = this.#nodes.get(name);
    if (node === undefined)
      throw new HexbusError('HEXBUS_NOT_OPEN', `node ${shorten(name)} has not joined; open it first`);
    return node;
  }

  /** The fewest connections among which are all that match. */
  #candidates({ connection, session, user }: ConnectionQuery): Iterable<ConnectionEntry> {
    if (connection !== undefined) {
      const entry = this.#connections.get(connection);
      return entry === undefined ? [] : [entry];
    }
    if (session !== undefined) return this.#bySession.get(session);
    if (user !== undefined) return this.#byUser.get(user);
    return this.#connections.values();
  }

  #expire(): void {
    const now = this.#clock.now();
    this.#time += Math.min(Math.max(0, now - this.#seenAt), this.leaseMs / 3);
    this.#seenAt = now;
    for (const node of this.#nodes.values()) {
      if (!node.alive || this.#time - node.renewedAt < this.leaseMs) continue;
      node.alive = false;
      this.#removeAll(node);
    }
    this.#restIfAllDead();
  }

  #lookLater(): void {
    this.#cancelLook ??= this.#clock.setTimer(() => {
      this.#cancelLook = undefined;
      this.#lookLater();
      this.#expire();
    }, this.leaseMs / 4);
  }

  #restIfAllDead(): void {
    for (const node of this.#nodes.values()) if (node.alive) return;
    this.#cancelLook?.();
    this.#cancelLook = undefined;
  }

  #leave(name: string): void {
    const node = this.#nodes.get(name);
    if (node === undefined) return;
    this.#removeAll(node);
    this.#nodes.delete(name);
    this.#restIfAllDead();
  }

  #removeAll(node: Node): void {
    for (const { id } of node.connections) this.#remove(id);
  }

  #remove(id: string): void {
    const entry = this.#connections.get(id);
    if (entry === undefined) return;
    this.#connections.delete(id);
    this.#nodes.get(entry.node)?.connections.delete(entry);
    this.#bySession.delete(entry.session, entry);
    if (entry.userId !== undefined) this.#byUser.delete(entry.userId, entry);
  }
}

function matches(entry: ConnectionEntry, { connection, session, user, capability }: ConnectionQuery): boolean {
  return (
    (connection === undefined || entry.id === connection) &&
    (session === undefined || entry.session === session) &&
    (user === undefined || entry.userId === user) &&
    (capability === undefined || entry.capabilities.includes(capability))
  );
}
