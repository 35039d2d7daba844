import { type Clock, HexbusError } from '@hexbus/core';
import type { ConnectionEntry, ConnectionQuery, Registry } from '@hexbus/core/gateway';

/** The port in as few lines as it takes, for the suite to be tried on. What its mutants change is protected. */
export class MinimalRegistry implements Registry {
  readonly name: string = 'minimal';
  readonly leaseMs: number = 4_000;
  protected entries: ConnectionEntry[] = [];
  /** By node that has joined. */
  protected readonly renewedAt = new Map<string, number>();
  protected readonly clock: Clock;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  async open(node: string): Promise<void> {
    this.drop(({ node: owner }) => owner === node);
    this.renewedAt.set(node, this.clock.now());
  }

  async register(entry: ConnectionEntry): Promise<void> {
    if (!this.isAlive(entry.node)) throw new HexbusError('HEXBUS_NOT_OPEN', `node ${entry.node} has not joined`);
    this.drop(({ id }) => id === entry.id);
    this.entries.push(structuredClone(entry));
  }

  async unregister(connection: string): Promise<void> {
    this.drop(({ id }) => id === connection);
  }

  async renew(node: string): Promise<boolean> {
    if (!this.renewedAt.has(node)) throw new HexbusError('HEXBUS_NOT_OPEN', `node ${node} has not joined`);
    const wasDead = !this.isAlive(node);
    if (wasDead) this.drop(({ node: owner }) => owner === node);
    this.renewedAt.set(node, this.clock.now());
    return wasDead;
  }

  async find(query: ConnectionQuery): Promise<readonly ConnectionEntry[]> {
    return structuredClone(this.found(query));
  }

  async close(node: string): Promise<void> {
    this.drop(({ node: owner }) => owner === node);
    this.renewedAt.delete(node);
  }

  protected isAlive(node: string): boolean {
    return this.clock.now() - (this.renewedAt.get(node) ?? -Infinity) < this.leaseMs;
  }

  protected found(query: ConnectionQuery): ConnectionEntry[] {
    return this.entries
      .filter((entry) => this.isAlive(entry.node) && this.matches(entry, query))
      .sort((left, right) => left.connectedAt - right.connectedAt);
  }

  protected matches(entry: ConnectionEntry, { connection, session, user, capability }: ConnectionQuery): boolean {
    return (
      (connection ?? entry.id) === entry.id &&
      (session ?? entry.session) === entry.session &&
      (user ?? entry.userId) === entry.userId &&
      (capability === undefined || entry.capabilities.includes(capability))
    );
  }

  protected drop(which: (entry: ConnectionEntry) => boolean): void {
    this.entries = this.entries.filter((entry) => !which(entry));
  }
}
