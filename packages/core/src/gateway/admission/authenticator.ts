import { configError, isObject, isText, isThenable } from '../../bus/checks.ts';
import type { Clock } from '../../clock.ts';
import type { Handshake } from '../../ports/transport.ts';
import { addressesOf } from '../addresses.ts';
import type { Identity } from '../api.ts';
import type { GatewaySettings } from '../options.ts';
import type { Questions } from './questions.ts';

/** Who a client is: an identity; nobody that is let in; to be told by a token; or not to be told, since whoever was asked failed or took too long. */
export type Authentication = Identity | 'refused' | 'token-wanted' | 'failed';

type Answer = Identity | null;

const anonymous: Identity = {};

/** Asks the program who its clients are. Never rejects. */
export class Authenticator {
  readonly #settings: GatewaySettings;
  readonly #onError: (error: unknown) => void;

  constructor(settings: GatewaySettings, onError: (error: unknown) => void) {
    this.#settings = settings;
    this.#onError = onError;
  }

  async byHandshake(handshake: Handshake, questions: Questions): Promise<Authentication> {
    const { authenticate, authenticateToken } = this.#settings;
    if (authenticate === undefined) return authenticateToken === undefined ? anonymous : 'token-wanted';
    const found = await this.#ask('authenticate', () => authenticate(handshake), questions);
    return found === 'refused' && authenticateToken !== undefined ? 'token-wanted' : found;
  }

  async byToken(
    token: string,
    handshake: Handshake,
    questions: Questions,
  ): Promise<Exclude<Authentication, 'token-wanted'>> {
    const { authenticateToken } = this.#settings;
    if (authenticateToken === undefined) return 'refused';
    return this.#ask('authenticateToken', () => authenticateToken(token, handshake), questions);
  }

  async #ask(
    name: string,
    who: () => Answer | Promise<Answer>,
    questions: Questions,
  ): Promise<Identity | 'refused' | 'failed'> {
    try {
      const answer = who();
      // Whoever answers at once need not be waited for.
      const found = isThenable(answer) ? await questions.ask(name, Promise.resolve<Answer>(answer)) : answer;
      if (questions.isOver) return 'failed';
      if (found === null) return 'refused';
      const identity = checkIdentity(found);
      return isExpired(identity, this.#settings.clock) ? 'refused' : identity;
    } catch (error) {
      this.#onError(error);
      return 'failed';
    }
  }
}

export function isExpired({ expiresAt }: Identity, clock: Clock): boolean {
  return expiresAt !== undefined && expiresAt <= clock.now();
}

/** Throws `HEXBUS_CONFIG` for what no client can be. */
export function checkIdentity(identity: Identity | undefined): Identity {
  if (!isObject(identity)) throw configError('identity', identity, 'use an object such as { userId }');
  const { capabilities, expiresAt } = identity;
  // Throws for a user's id that fits into no address.
  addressesOf({ id: '-', session: '-', identity });
  if (capabilities !== undefined && !(Array.isArray(capabilities) && capabilities.every((one) => isText(one, 128))))
    throw configError('identity.capabilities', capabilities, 'use a list of names');
  if (expiresAt !== undefined && !Number.isFinite(expiresAt))
    throw configError('identity.expiresAt', expiresAt, 'use milliseconds since 1970');
  return identity;
}
