import type { Ledger } from '../../properties/ledger.ts';
import { inboxOf, type User } from './commands.ts';

/**
 * What may have been sent to a user before the page was another one. An id that it got as the other one is then taken for an acknowledgement, also of what
 * was lost on the way.
 */
export class SentBefore {
  readonly #ledger: Ledger;
  /** By inbox: what was there when a connection ended. */
  readonly #through = new Map<string, number>();
  /** By inbox: connections of which the server does not know that they have ended. */
  readonly #open = new Map<string, number>();
  #user: User;
  #current: readonly string[] = [];
  #isFirst = true;
  #hasChanged = false;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  connects(user: User): void {
    this.#hasChanged ||= !this.#isFirst && user !== this.#user;
    this.#isFirst = false;
    this.#user = user;
    this.#current = inboxOf(user);
    for (const inbox of this.#current) this.#open.set(inbox, (this.#open.get(inbox) ?? 0) + 1);
  }

  over(user: User): void {
    for (const inbox of inboxOf(user)) {
      this.#open.set(inbox, (this.#open.get(inbox) ?? 0) - 1);
      this.#through.set(inbox, this.#ledger.head.position);
    }
  }

  crashed(): void {
    this.#open.clear();
  }

  mayHaveBeenSent(topic: string, position: number): boolean {
    if (!this.#hasChanged) return false;
    const isOpen = (this.#open.get(topic) ?? 0) > (this.#current.includes(topic) ? 1 : 0);
    return isOpen || position <= (this.#through.get(topic) ?? 0);
  }
}
