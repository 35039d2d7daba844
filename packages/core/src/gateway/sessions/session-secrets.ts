import type { Randomness } from '../../clock.ts';
import type { Signer } from './signer.ts';

/** Names sessions and signs them, so that only who was given the secret of a session, as that user, can go on with it. */
export interface SessionSecrets {
  /** A new session of a user, or of nobody in particular. */
  create(userId: string | undefined): Promise<{ readonly session: string; readonly secret: string }>;
  /** The same for the same session, user and key. */
  secretFor(session: string, userId: string | undefined): Promise<string>;
  /** False for whatever is no session, no secret, or not that one; takes the same time wherever two secrets differ. */
  verify(session: string, secret: string, userId: string | undefined): Promise<boolean>;
}

const sessionForm = /^urn:hexbus:session:[0-9a-f]{32}$/;

export function createSessionSecrets(signer: Signer, randomness: Randomness): SessionSecrets {
  const secretFor: SessionSecrets['secretFor'] = (session, userId) => signer.sign(signedText(session, userId));
  return {
    secretFor,
    async create(userId) {
      const session = `urn:hexbus:session:${randomness.id()}`;
      return { session, secret: await secretFor(session, userId) };
    },
    async verify(session, secret, userId) {
      // What a client sends may be no text at all.
      if (typeof session !== 'string' || !sessionForm.test(session)) return false;
      return signer.verify(signedText(session, userId), secret);
    },
  };
}

/** JSON keeps the two apart, whatever a user's id looks like. */
function signedText(session: string, userId: string | undefined): string {
  return JSON.stringify(['hexbus session', session, userId ?? null]);
}
