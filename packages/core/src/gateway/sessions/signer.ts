import type { Randomness } from '../../clock.ts';
import { HexbusError } from '../../errors.ts';

/** Signs texts with the key of the gateway. What is signed says what it is, so that no text passes for one of another kind. */
export interface Signer {
  /** What it signs may hold elsewhere and later too: somebody else may have the key. */
  readonly isShared: boolean;
  /** 43 characters of base64url. The same for the same text and key. */
  sign(text: string): Promise<string>;
  /** False for whatever is not the signature of this text; takes the same time wherever two signatures differ. */
  verify(text: string, signature: unknown): Promise<boolean>;
}

const minKeyBytes = 32;
/** 32 bytes in the one way to write them: the last digit has two bits to spare, which are 0. */
const signatureForm = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;

/** Without a key what is signed holds in this process only. Throws `HEXBUS_CONFIG` for a key that is too short. */
export function createSigner(resumeKey: string | Uint8Array | undefined, randomness: Randomness): Signer {
  const keyBytes = resumeKey === undefined ? undefined : checkedKey(resumeKey);
  let imported: Promise<CryptoKey> | undefined;

  function key(): Promise<CryptoKey> {
    imported ??= importKey(keyBytes ?? utf8(randomness.id() + randomness.id()));
    return imported;
  }

  return {
    isShared: keyBytes !== undefined,
    async sign(text) {
      return toBase64url(new Uint8Array(await crypto.subtle.sign('HMAC', await key(), utf8(text))));
    },
    async verify(text, signature) {
      if (typeof signature !== 'string' || !signatureForm.test(signature)) return false;
      return crypto.subtle.verify('HMAC', await key(), fromBase64url(signature), utf8(text));
    },
  };
}

export function toBase64url(bytes: Uint8Array): string {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** Of what `toBase64url` wrote. */
export function fromBase64url(text: string): Uint8Array<ArrayBuffer> {
  const base64 = text.replaceAll('-', '+').replaceAll('_', '/');
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
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

function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}
