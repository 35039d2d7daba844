import { isThenable } from '../bus/handler-runner.ts';
import { shorten } from '../errors.ts';
import { isPattern } from '../pattern.ts';
import { isAddress } from './addresses.ts';
import type { AuthorizeRequest, ConnectionInfo } from './api.ts';
import type { GatewayParts } from './parts.ts';
import type { Questions } from './questions.ts';

export interface RightsOptions {
  readonly parts: GatewayParts;
  readonly info: ConnectionInfo;
  readonly questions: Questions;
  readonly onError: (error: unknown) => void;
}

/** What one client may do, as `authorize` says. Whoever cannot be asked has refused. */
export class Rights {
  readonly #options: RightsOptions;

  constructor(options: RightsOptions) {
    this.#options = options;
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
    const { parts, info: connection, onError } = this.#options;
    const { authorize } = parts.settings;
    // Addresses are the server's, whatever `authorize` says.
    if (authorize === undefined || isAddress(topic)) return false;
    try {
      return authorize({ action, topic, identity: connection.identity, connection });
    } catch (error) {
      onError(error);
      return false;
    }
  }

  async #later(action: AuthorizeRequest['action'], topic: string, answer: PromiseLike<unknown>): Promise<boolean> {
    const { questions, onError } = this.#options;
    let isAllowed = false;
    try {
      // Only `true` is a yes: a mistake in `authorize` must not open a door.
      isAllowed = (await questions.ask('authorize', Promise.resolve(answer))) === true;
    } catch (error) {
      onError(error);
    }
    return questions.isOver ? false : this.#told(action, topic, isAllowed);
  }

  /** Tells the observer of a refusal. */
  #told(action: AuthorizeRequest['action'], topic: string, isAllowed: boolean): boolean {
    const { parts, info } = this.#options;
    if (!isAllowed) {
      const why = `${action} ${shorten(topic)} is forbidden`;
      parts.observers.tell('rejected', { why, address: info.handshake.address, connection: info.id });
    }
    return isAllowed;
  }
}
