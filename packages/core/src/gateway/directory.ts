import type { Connection } from './connection.ts';

const nobody: ReadonlySet<Connection> = new Set();

/** The live connections of one gateway, by id and by address. */
export class Directory {
  readonly #byId = new Map<string, Connection>();
  readonly #byAddress = new Map<string, Set<Connection>>();

  get size(): number {
    return this.#byId.size;
  }

  get all(): Iterable<Connection> {
    return this.#byId.values();
  }

  find(id: string): Connection | undefined {
    return this.#byId.get(id);
  }

  /** Those that receive at an address. Changes as they come and go. */
  at(address: string): ReadonlySet<Connection> {
    return this.#byAddress.get(address) ?? nobody;
  }

  add(connection: Connection, addresses: readonly string[]): void {
    this.#byId.set(connection.id, connection);
    for (const address of addresses) {
      const there = this.#byAddress.get(address);
      if (there === undefined) this.#byAddress.set(address, new Set([connection]));
      else there.add(connection);
    }
  }

  remove(connection: Connection, addresses: readonly string[]): void {
    this.#byId.delete(connection.id);
    for (const address of addresses) {
      const there = this.#byAddress.get(address);
      there?.delete(connection);
      if (there?.size === 0) this.#byAddress.delete(address);
    }
  }
}
