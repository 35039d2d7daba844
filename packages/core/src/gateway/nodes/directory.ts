import type { LiveConnection } from '../connection/live-connection.ts';
import { Multimap } from './multimap.ts';

/** The live connections of one gateway, by id and by address. */
export class Directory {
  readonly #byId = new Map<string, LiveConnection>();
  readonly #byAddress = new Multimap<LiveConnection>();

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
  at(address: string): Iterable<LiveConnection> {
    return this.#byAddress.get(address);
  }

  countAt(address: string): number {
    return this.#byAddress.count(address);
  }

  add(connection: LiveConnection, addresses: readonly string[]): void {
    this.#byId.set(connection.id, connection);
    for (const address of addresses) this.#byAddress.add(address, connection);
  }

  remove(connection: LiveConnection, addresses: readonly string[]): void {
    this.#byId.delete(connection.id);
    for (const address of addresses) this.#byAddress.delete(address, connection);
  }
}
