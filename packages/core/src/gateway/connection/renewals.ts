import type { WireReply } from '../../ports/protocol.ts';
import { refusal } from '../requests/wire-errors.ts';

/** How many may be under way: one is looked at, and one waits. */
const maxRenewals = 2;

export interface RenewalsOptions {
  /** Looks at a token, and renews the identity by it. Undefined: nobody is there any more to be answered. Must not reject. */
  readonly renew: (token: string) => Promise<WireReply | undefined>;
  readonly reply: (id: number, reply: WireReply) => void;
}

/** The renewals of one client's identity: one after the other, so that the newest token counts. */
export class Renewals {
  readonly #options: RenewalsOptions;
  /** Those that the client waits for. */
  readonly #open = new Map<number, object>();
  #last: Promise<void> = Promise.resolve();
  #count = 0;

  constructor(options: RenewalsOptions) {
    this.#options = options;
  }

  add(id: number, token: string): void {
    const { renew, reply } = this.#options;
    if (this.#count === maxRenewals) {
      reply(id, refusal('overloaded', 'other tokens are being looked at', true));
      return;
    }
    const renewal = {};
    this.#open.set(id, renewal);
    this.#count += 1;
    this.#last = this.#last
      .then(() => renew(token))
      .then((answer) => {
        this.#count -= 1;
        // Its id may stand for something else by now.
        if (this.#open.get(id) !== renewal) return;
        this.#open.delete(id);
        if (answer !== undefined) reply(id, answer);
      });
  }

  /** The client does not want the answer any more. The token counts all the same. */
  cancel(id: number): void {
    this.#open.delete(id);
  }
}
