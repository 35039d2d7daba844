import { configError, isObject, isText } from '../bus/checks.ts';
import type { Handshake } from '../ports/transport.ts';
import { addressOf } from './addresses.ts';
import type { Identity } from './api.ts';
import type { GatewaySettings } from './options.ts';

/** Who a client is: an identity; nobody that is let in; to be told by a token; or not to be told, since whoever was asked failed or took too long. */
export type Authentication = Identity | 'refused' | 'token-wanted' | 'failed';

const anonymous: Identity = {};

/** Asks the program who its clients are. Never rejects. */
export class Authenticator {
  readonly #settings: GatewaySettings;
  readonly #onError: (error: unknown) => void;

  constructor(settings: GatewaySettings, onError: (error: unknown) => void) {
    this.#settings = settings;
    this.#onError = onError;
  }

  async byHandshake(handshake: Handshake): Promise<Authentication> {
    const { authenticate, authenticateToken } = this.#settings;
    if (authenticate === undefined) return authenticateToken === undefined ? anonymous : 'token-wanted';
    const found = await this.#ask(() => authenticate(handshake));
    return found === 'refused' && authenticateToken !== undefined ? 'token-wanted' : found;
  }

  async byToken(token: string, handshake: Handshake): Promise<Exclude<Authentication, 'token-wanted'>> {
    const { authenticateToken } = this.#settings;
    if (authenticateToken === undefined) return 'refused';
    return this.#ask(() => authenticateToken(token, handshake));
  }

  async #ask(who: () => Identity | null | Promise<Identity | null>): Promise<Identity | 'refused' | 'failed'> {
    const { clock, timings } = this.#settings;
    let cancel = (): void => undefined;
    const late = new Promise<'failed'>((resolve) => {
      cancel = clock.setTimer(() => resolve('failed'), timings.authenticateTimeoutMs);
    });
    try {
      const found = await Promise.race([who(), late]);
      if (found === 'failed') return found;
      return found === null ? 'refused' : checkIdentity(found);
    } catch (error) {
      this.#onError(error);
      return 'failed';
    } finally {
      cancel();
    }
  }
}

function checkIdentity(identity: Identity): Identity {
  if (!isObject(identity)) throw configError('identity', identity, 'return an object such as { userId }, or null');
  const { userId, capabilities, expiresAt } = identity;
  // Throws for an id that fits into no address.
  if (userId !== undefined) addressOf({ user: userId });
  if (capabilities !== undefined && !(Array.isArray(capabilities) && capabilities.every((one) => isText(one, 128))))
    throw configError('identity.capabilities', capabilities, 'use a list of names');
  if (expiresAt !== undefined && !Number.isFinite(expiresAt))
    throw configError('identity.expiresAt', expiresAt, 'use milliseconds since 1970');
  return identity;
}
