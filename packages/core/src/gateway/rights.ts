import { isPattern } from '../pattern.ts';
import { isAddress } from './addresses.ts';
import type { AuthorizeRequest, ConnectionInfo } from './api.ts';
import type { GatewaySettings } from './options.ts';
import type { Questions } from './questions.ts';

export interface RightsOptions {
  readonly settings: GatewaySettings;
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
    const { settings, info: connection, onError } = this.#options;
    const { authorize } = settings;
    // Addresses are the server's, whatever `authorize` says.
    if (authorize === undefined || isAddress(topic)) return false;
    try {
      const answer: unknown = authorize({ action, topic, identity: connection.identity, connection });
      // Only `true` is a yes: a mistake in `authorize` must not open a door.
      return isThenable(answer) ? this.#later(answer) : answer === true;
    } catch (error) {
      onError(error);
      return false;
    }
  }

  allowsToFollow(entry: string): boolean | Promise<boolean> {
    return this.allows(isPattern(entry) ? 'subscribe-pattern' : 'subscribe', entry);
  }

  async #later(answer: PromiseLike<unknown>): Promise<boolean> {
    const { questions, onError } = this.#options;
    try {
      return (await questions.ask('authorize', Promise.resolve(answer))) === true;
    } catch (error) {
      onError(error);
      return false;
    }
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as Partial<PromiseLike<unknown>> | null | undefined)?.then === 'function';
}
