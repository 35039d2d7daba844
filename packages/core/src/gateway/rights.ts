import { isPattern } from '../pattern.ts';
import type { AuthorizeRequest, ConnectionInfo } from './api.ts';
import type { GatewaySettings } from './options.ts';

/** What one client may do, as `authorize` says. Whoever cannot be asked has refused. */
export class Rights {
  readonly #settings: GatewaySettings;
  readonly #info: ConnectionInfo;
  readonly #onError: (error: unknown) => void;

  constructor(settings: GatewaySettings, info: ConnectionInfo, onError: (error: unknown) => void) {
    this.#settings = settings;
    this.#info = info;
    this.#onError = onError;
  }

  /** Answers at once where `authorize` does, so that a client that comes back need not wait. Never throws or rejects. */
  allows(action: AuthorizeRequest['action'], topic: string): boolean | Promise<boolean> {
    const { authorize } = this.#settings;
    if (authorize === undefined) return false;
    const connection = this.#info;
    try {
      const answer = authorize({ action, topic, identity: connection.identity, connection });
      // Only `true` is a yes: a mistake in `authorize` must not open a door.
      return typeof answer === 'boolean' ? answer : this.#within(answer);
    } catch (error) {
      this.#onError(error);
      return false;
    }
  }

  allowsToFollow(entry: string): boolean | Promise<boolean> {
    return this.allows(isPattern(entry) ? 'subscribe-pattern' : 'subscribe', entry);
  }

  async #within(answer: Promise<boolean>): Promise<boolean> {
    const { clock, timings } = this.#settings;
    let cancel = (): void => undefined;
    const late = new Promise<boolean>((resolve) => {
      cancel = clock.setTimer(() => resolve(false), timings.authenticateTimeoutMs);
    });
    try {
      return (await Promise.race([answer, late])) === true;
    } catch (error) {
      this.#onError(error);
      return false;
    } finally {
      cancel();
    }
  }
}
