import type { Randomness } from '../clock.ts';
import { HexbusError } from '../errors.ts';

/** Names sessions and signs them, so that only who was given the secret of a session, as that user, can go on with it. */
export interface SessionSecrets {
  /** A new session of a user, or of nobody in particular. */
  create(userId: string | undefined): Promise<{ readonly session: string; readonly secret: string }>;
  /** The same for the same session, user and key. */
  secretFor(session: string, userId: string | undefined): Promise<string>;
  /** False for whatever is no session, no secret, or not that one; takes the same time wherever two secrets differ. */
  verify(session: string, secret: string, userId: string | undefined): Promise<boolean>;
}

const minKeyBytes = 32;
const sessionForm = /^urn:hexbus:session:[0-9a-f]{32}$/;
/** 32 bytes in the one way to write them: the last digit has two bits to spare, which are 0. */
const secretForm = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;

/** Without a key the secrets hold in this process only. Throws `HEXBUS_CONFIG` for a key that is too short. */
export function createSessionSecrets(
  resumeKey: string | Uint8Array | undefined,
  randomness: Randomness,
): SessionSecrets {
  const keyBytes = resumeKey === undefined ? undefined : checkedKey(resumeKey);
  let imported: Promise<CryptoKey> | undefined;

  function key(): Promise<CryptoKey> {
    imported ??= importKey(keyBytes ?? utf8(randomness.id() + randomness.id()));
    return imported;
  }

  async function secretFor(session: string, userId: string | undefined): Promise<string> {
    return base64url(new Uint8Array(await crypto.subtle.sign('HMAC', await key(), signedText(session, userId))));
  }

  return {
    secretFor,
    async create(userId) {
      const session = `urn:hexbus:session:${randomness.id()}`;
      return { session, secret: await secretFor(session, userId) };
    },
    async verify(session, secret, userId) {
      if (!hasForm(session, sessionForm) || !hasForm(secret, secretForm)) return false;
      return crypto.subtle.verify('HMAC', await key(), bytesOf(secret), signedText(session, userId));
    },
  };
}

function checkedKey(resumeKey: unknown): Uint8Array<ArrayBuffer> {
  if (typeof resumeKey !== 'string' && !(resumeKey instanceof Uint8Array))
    throw new HexbusError('HEXBUS_CONFIG', `resumeKey is of type ${typeof resumeKey}; use a text or a Uint8Array`);
  const bytes = typeof resumeKey === 'string' ? utf8(resumeKey) : new Uint8Array(resumeKey);
  if (bytes.length >= minKeyBytes) return bytes;
  throw new HexbusError('HEXBUS_CONFIG', `resumeKey has ${bytes.length} bytes; use at least ${minKeyBytes}, at random`);
}

function importKey(bytes: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign', 'verify']);
}

/** What a client sends may be no text at all. */
function hasForm(value: unknown, form: RegExp): boolean {
  return typeof value === 'string' && form.test(value);
}

/** JSON keeps the two apart, whatever a user's id looks like. */
function signedText(session: string, userId: string | undefined): Uint8Array<ArrayBuffer> {
  return utf8(JSON.stringify(['hexbus session', session, userId ?? null]));
}

function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const base64 = text.replaceAll('-', '+').replaceAll('_', '/');
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}
