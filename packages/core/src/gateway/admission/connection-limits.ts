import type { GatewayLimits } from '../api.ts';

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
    if (!this.#all.take('', this.#limits.maxConnections)) return 'maxConnections';
    if (!this.#addresses.take(address, this.#limits.maxConnectionsPerAddress)) {
      this.#all.giveBack('');
      return 'maxConnectionsPerAddress';
    }
    let taken = true;
    return () => {
      if (!taken) return;
      taken = false;
      this.#all.giveBack('');
      this.#addresses.giveBack(address);
    };
  }

  /** A place for one more connection of a user, beside the one that `admit` gave. */
  claimUser(userId: string): Release | 'maxConnectionsPerUser' {
    if (!this.#users.take(userId, this.#limits.maxConnectionsPerUser)) return 'maxConnectionsPerUser';
    let taken = true;
    return () => {
      if (taken) this.#users.giveBack(userId);
      taken = false;
    };
  }
}

/** Places taken by key. A key without any is forgotten. */
class Counts {
  readonly #counts = new Map<string, number>();

  get size(): number {
    return this.#counts.size;
  }

  /** False: there is none left. */
  take(key: string, max: number): boolean {
    const count = this.#counts.get(key) ?? 0;
    if (count >= max) return false;
    this.#counts.set(key, count + 1);
    return true;
  }

  giveBack(key: string): void {
    const left = (this.#counts.get(key) ?? 0) - 1;
    if (left > 0) this.#counts.set(key, left);
    else this.#counts.delete(key);
  }
}
