import type { LiveConnection } from './live-connection.ts';

const nobody: ReadonlySet<LiveConnection> = new Set();

/** The live connections of one gateway, by id and by address. */
export class Directory {
  readonly #byId = new Map<string, LiveConnection>();
  readonly #byAddress = new Map<string, Set<LiveConnection>>();

  get size(): number {
    return this.#byId.size;
  }

  get all(): Iterable<LiveConnection> {
    return this.#byId.values();
  }

  find(id: string): LiveConnection | undefined {
    return this.#byId.get(id);
  }

  /** Those that receive at an address. Changes as they come and go. */
  at(address: string): ReadonlySet<LiveConnection> {
    return this.#byAddress.get(address) ?? nobody;
  }

  add(connection: LiveConnection, addresses: readonly string[]): void {
    this.#byId.set(connection.id, connection);
    for (const address of addresses) {
      const there = this.#byAddress.get(address);
      if (there === undefined) this.#byAddress.set(address, new Set([connection]));
      else there.add(connection);
    }
  }

  remove(connection: LiveConnection, addresses: readonly string[]): void {
    this.#byId.delete(connection.id);
    for (const address of addresses) {
      const there = this.#byAddress.get(address);
      there?.delete(connection);
      if (there?.size === 0) this.#byAddress.delete(address);
    }
  }
}
