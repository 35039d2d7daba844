import { type Randomness, systemRandomness } from '@hexbus/core';
import { createSeededRandomness } from '@hexbus/testkit';
import { describe, expect, test } from 'vitest';
import { createSessionSecrets, type SessionSecrets } from '../../src/gateway/sessions/session-secrets.ts';
import { createSigner } from '../../src/gateway/sessions/signer.ts';

const key = 'k'.repeat(32);
const secretsWith = (resumeKey: string | Uint8Array | undefined, seed = 1): SessionSecrets =>
  secretsBy(resumeKey, createSeededRandomness(seed));

function secretsBy(resumeKey: string | Uint8Array | undefined, randomness: Randomness): SessionSecrets {
  return createSessionSecrets(createSigner(resumeKey, randomness), randomness);
}

describe('a session', () => {
  test('has a URN and a secret of 256 bits, other ones each time', async () => {
    const secrets = secretsBy(key, systemRandomness);
    const [a, b] = [await secrets.create('ann'), await secrets.create('ann')];
    expect(a.session).toMatch(/^urn:hexbus:session:[0-9a-f]{32}$/);
    expect(a.secret).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(new Set([a.session, b.session, a.secret, b.secret]).size).toBe(4);
  });

  test('is verified by its secret, for its user', async () => {
    const secrets = secretsWith(key);
    for (const userId of ['ann', undefined, '', 'null', '\ud800', '"]']) {
      const { session, secret } = await secrets.create(userId);
      expect(await secrets.secretFor(session, userId)).toBe(secret);
      expect(await secrets.verify(session, secret, userId)).toBe(true);
      expect(await secrets.verify(session, secret, 'bob')).toBe(false);
      expect(await secrets.verify(session, secret, userId === undefined ? 'undefined' : undefined)).toBe(false);
    }
  });

  test('is not verified by the secret of another', async () => {
    const secrets = secretsWith(key);
    const [a, b] = [await secrets.create('ann'), await secrets.create('ann')];
    expect(await secrets.verify(a.session, b.secret, 'ann')).toBe(false);
  });

  test('is verified by whoever has the key, as text or bytes, and by nobody else', async () => {
    const { session, secret } = await secretsWith(key).create('ann');
    const verifiedBy = (resumeKey: string | Uint8Array | undefined): Promise<boolean> =>
      secretsWith(resumeKey, 2).verify(session, secret, 'ann');
    expect(await verifiedBy(new TextEncoder().encode(key))).toBe(true);
    expect(await verifiedBy(`${key}k`)).toBe(false);
    expect(await verifiedBy(undefined)).toBe(false);
  });
});

test('without a key, secrets hold as long as the object', async () => {
  const [ours, others] = [secretsWith(undefined, 1), secretsWith(undefined, 2)];
  const { session, secret } = await ours.create('ann');
  expect(await ours.verify(session, secret, 'ann')).toBe(true);
  expect(await others.verify(session, secret, 'ann')).toBe(false);
});

test('the owner of the key may change its bytes', async () => {
  const bytes = new Uint8Array(32).fill(1);
  const secrets = secretsWith(bytes);
  bytes.fill(0);
  const { session, secret } = await secrets.create('ann');
  expect(await secretsWith(new Uint8Array(32).fill(1)).verify(session, secret, 'ann')).toBe(true);
});

test('what is malformed is false', async () => {
  const secrets = secretsWith(key);
  const { session, secret } = await secrets.create('ann');
  const strange = ['', 'é'.repeat(43), '\ud800', secret.slice(1), `${secret}=`, `${secret}A`, `${'!'.repeat(43)}`];
  for (const other of [...strange, 1, null, undefined, {}, [secret], Object.create(null)] as string[]) {
    expect(await secrets.verify(session, other, 'ann')).toBe(false);
    expect(await secrets.verify(other, secret, 'ann')).toBe(false);
  }
  expect(await secrets.verify(session.toUpperCase(), secret, 'ann')).toBe(false);
});

test('no secret can be written in two ways', async () => {
  const secrets = secretsWith(key);
  const { session, secret } = await secrets.create('ann');
  const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const accepted: string[] = [];
  for (const digit of digits) {
    const other = secret.slice(0, -1) + digit;
    if (await secrets.verify(session, other, 'ann')) accepted.push(other);
  }
  expect(accepted).toEqual([secret]);
});

test.each([['short'], [new Uint8Array(31)], ['é'.repeat(15)], [42]])('the key %j is refused', (resumeKey) => {
  expect(() => secretsWith(resumeKey as string)).toThrow(
    expect.objectContaining({ code: 'HEXBUS_CONFIG', message: expect.stringMatching(/^resumeKey /) }),
  );
});
