import type { CursorParts } from '../../cursor.ts';
import { later } from './later.ts';

/**
 * How far the inbox of each user was sent to clients that only listen. What they bring back names no user, who may be another one by now, so it
 * acknowledges no more than this. Kept in memory, also when a connection has ended: of another start of the gateway nothing is known.
 */
export class SentInboxes {
  readonly #maxUsers: number;
  /** By address, of connections that have ended. Who had one last stands last. */
  readonly #ended = new Map<string, CursorParts>();
  /** By address, of connections that are there, which the server may not know to be cut. */
  readonly #live = new Map<string, Set<() => CursorParts | undefined>>();

  /** Beyond `maxUsers`, those are forgotten who had a connection longest ago. */
  constructor(maxUsers: number) {
    this.#maxUsers = maxUsers;
  }

  /** `sent`: how far one connection is at any time. Returns what is to be called when it ends, while `sent` still tells. */
  follow(address: string, sent: () => CursorParts | undefined): () => void {
    const live = this.#live.get(address) ?? new Set();
    this.#live.set(address, live.add(sent));
    return () => {
      this.#note(address, later(this.#ended.get(address), sent()));
      live.delete(sent);
      if (live.size === 0) this.#live.delete(address);
    };
  }

  /** Undefined where nobody knows. */
  of(address: string): CursorParts | undefined {
    let sent = this.#ended.get(address);
    for (const live of this.#live.get(address) ?? []) sent = later(sent, live());
    return sent;
  }

  #note(address: string, sent: CursorParts | undefined): void {
    if (sent === undefined) return;
    this.#ended.delete(address);
    this.#ended.set(address, sent);
    const [oldest] = this.#ended.keys();
    if (this.#ended.size > this.#maxUsers && oldest !== undefined) this.#ended.delete(oldest);
  }
}
