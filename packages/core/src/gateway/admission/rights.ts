import { isThenable } from '../../bus/handler-runner.ts';
import { shorten } from '../../errors.ts';
import { isPattern } from '../../pattern.ts';
import { isAddress } from '../addresses.ts';
import type { AuthorizeRequest, ConnectionInfo } from '../api.ts';
import type { ClientLine } from '../connection/client-line.ts';

/** What one client may do, as `authorize` says. Whoever cannot be asked has refused. */
export class Rights {
  readonly #line: ClientLine;
  readonly #info: ConnectionInfo;

  constructor(line: ClientLine, info: ConnectionInfo) {
    this.#line = line;
    this.#info = info;
  }

  /** Answers at once where `authorize` does, so that a client that comes back need not wait. Never throws or rejects. */
  allows(action: AuthorizeRequest['action'], topic: string): boolean | Promise<boolean> {
    const answer = this.#ask(action, topic);
    return isThenable(answer) ? this.#later(action, topic, answer) : this.#told(action, topic, answer === true);
  }

  allowsToFollow(entry: string): boolean | Promise<boolean> {
    return this.allows(isPattern(entry) ? 'subscribe-pattern' : 'subscribe', entry);
  }

  #ask(action: AuthorizeRequest['action'], topic: string): unknown {
    const connection = this.#info;
    const { authorize } = this.#line.parts.settings;
    // Addresses are the server's, whatever `authorize` says.
    if (authorize === undefined || isAddress(topic)) return false;
    try {
      return authorize({ action, topic, identity: connection.identity, connection });
    } catch (error) {
      this.#line.onError(error);
      return false;
    }
  }

  async #later(action: AuthorizeRequest['action'], topic: string, answer: PromiseLike<unknown>): Promise<boolean> {
    const { questions } = this.#line;
    let isAllowed = false;
    try {
      // Only `true` is a yes: a mistake in `authorize` must not open a door.
      isAllowed = (await questions.ask('authorize', Promise.resolve(answer))) === true;
    } catch (error) {
      this.#line.onError(error);
    }
    return questions.isOver ? false : this.#told(action, topic, isAllowed);
  }

  /** Tells the observer of a refusal. */
  #told(action: AuthorizeRequest['action'], topic: string, isAllowed: boolean): boolean {
    if (!isAllowed) {
      const why = `${action} ${shorten(topic)} is forbidden`;
      const { id, handshake } = this.#info;
      this.#line.parts.observers.tell('rejected', { why, address: handshake.address, connection: id });
    }
    return isAllowed;
  }
}
