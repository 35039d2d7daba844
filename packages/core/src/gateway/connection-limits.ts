import type { GatewayLimits } from './api.ts';

type Limits = Pick<GatewayLimits, 'maxConnections' | 'maxConnectionsPerAddress' | 'maxConnectionsPerUser'>;

/** Gives a place back. Calling it again does nothing. */
export type Release = () => void;

/** Counts connections from the handshake on. What is refused takes no place; a refusal is the name of the limit. */
export class ConnectionLimits {
  readonly #limits: Limits;
  readonly #all = new Counts();
  readonly #addresses = new Counts();
  readonly #users = new Counts();

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** How many addresses and users are counted at present. */
  get counted(): { readonly addresses: number; readonly users: number } {
    return { addresses: this.#addresses.size, users: this.#users.size };
  }

  /** A place for one more connection from a network address. */
  admit(address: string): Release | 'maxConnections' | 'maxConnectionsPerAddress' {
    const releaseOne = this.#all.take('', this.#limits.maxConnections);
    if (releaseOne === undefined) return 'maxConnections';
    const releaseAddress = this.#addresses.take(address, this.#limits.maxConnectionsPerAddress);
    if (releaseAddress === undefined) {
      releaseOne();
      return 'maxConnectionsPerAddress';
    }
    return () => {
      releaseOne();
      releaseAddress();
    };
  }

  /** A place for one more connection of a user, beside the one that `admit` gave. */
  claimUser(userId: string): Release | 'maxConnectionsPerUser' {
    return this.#users.take(userId, this.#limits.maxConnectionsPerUser) ?? 'maxConnectionsPerUser';
  }
}

/** Places taken by key. A key without any is forgotten. */
class Counts {
  readonly #counts = new Map<string, number>();

  get size(): number {
    return this.#counts.size;
  }

  take(key: string, max: number): Release | undefined {
    const count = this.#counts.get(key) ?? 0;
    if (count >= max) return undefined;
    this.#counts.set(key, count + 1);
    let taken = true;
    return () => {
      if (!taken) return;
      taken = false;
      const left = (this.#counts.get(key) ?? 0) - 1;
      if (left > 0) this.#counts.set(key, left);
      else this.#counts.delete(key);
    };
  }
}
