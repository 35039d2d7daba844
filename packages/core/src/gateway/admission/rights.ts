import { isThenable } from '../../bus/checks.ts';
import { shorten } from '../../errors.ts';
import { isPattern } from '../../pattern.ts';
import { isAddress } from '../addresses.ts';
import type { AuthorizeRequest, ConnectionInfo } from '../api.ts';
import type { ClientLine } from '../connection/client-line.ts';

/** What `authorize` says of a wish. `unknown`: it failed, so nothing is allowed now, and asked again it may say otherwise. */
export type Verdict = 'allowed' | 'forbidden' | 'unknown';

/** What one client may do, as `authorize` says. Whoever cannot be asked allows nothing. */
export class Rights {
  readonly #line: ClientLine;
  readonly #info: ConnectionInfo;
  #revocations = 0;

  constructor(line: ClientLine, info: ConnectionInfo) {
    this.#line = line;
    this.#info = info;
  }

  /** Counts revocations: a verdict that was asked for before one is none any more. */
  get revocations(): number {
    return this.#revocations;
  }

  revoked(): void {
    this.#revocations += 1;
  }

  /** Answers at once where `authorize` does, so that a client that comes back need not wait. Never throws or rejects. */
  of(action: AuthorizeRequest['action'], topic: string): Verdict | Promise<Verdict> {
    const connection = this.#info;
    const { authorize } = this.#line.parts.settings;
    // Addresses are the server's, whatever `authorize` says.
    if (authorize === undefined || isAddress(topic)) return this.#told(action, topic, 'forbidden');
    try {
      const answer: unknown = authorize({ action, topic, identity: connection.identity, connection });
      return isThenable(answer) ? this.#later(action, topic, answer) : this.#told(action, topic, verdictOf(answer));
    } catch (error) {
      return this.#failed(action, topic, error);
    }
  }

  toFollow(entry: string): Verdict | Promise<Verdict> {
    return this.of(isPattern(entry) ? 'subscribe-pattern' : 'subscribe', entry);
  }

  async #later(action: AuthorizeRequest['action'], topic: string, answer: PromiseLike<unknown>): Promise<Verdict> {
    const { questions } = this.#line;
    try {
      const verdict = verdictOf(await questions.ask('authorize', Promise.resolve(answer)));
      return questions.isOver ? 'forbidden' : this.#told(action, topic, verdict);
    } catch (error) {
      return this.#failed(action, topic, error);
    }
  }

  #failed(action: AuthorizeRequest['action'], topic: string, error: unknown): Verdict {
    this.#line.onError(error);
    return this.#line.questions.isOver ? 'forbidden' : this.#told(action, topic, 'unknown');
  }

  /** Tells the observer of a refusal. */
  #told(action: AuthorizeRequest['action'], topic: string, verdict: Verdict): Verdict {
    if (verdict !== 'allowed') {
      const why = `${action} ${shorten(topic)} is ${verdict === 'forbidden' ? 'forbidden' : 'refused, as authorize failed'}`;
      const { id, handshake } = this.#info;
      this.#line.parts.observers.tell('rejected', { why, address: handshake.address, connection: id });
    }
    return verdict;
  }
}

/** Only `true` is a yes: a mistake in `authorize` must not open a door. */
function verdictOf(answer: unknown): Verdict {
  return answer === true ? 'allowed' : 'forbidden';
}
