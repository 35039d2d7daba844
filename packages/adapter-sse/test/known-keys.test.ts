import { expect, it } from 'vitest';
import { KnownKeys } from '../src/known-keys.ts';
import type { LinkKey } from '../src/link-key.ts';

const key = (id: string, secret = 'secret', node = 'a'): LinkKey => ({ node, id, secret });

it('knows the last keys that it was given, and no other of the same link', () => {
  const known = new KnownKeys(2);
  for (const id of ['1', '2', '1', '3']) known.add(key(id));
  expect(['1', '2', '3'].map((id) => known.has(key(id)))).toEqual([true, false, true]);
  expect(known.has(key('1', 'secreT'))).toBe(false);
  expect(known.has(key('1', 'secret', 'b'))).toBe(false);
  known.delete(key('1'));
  expect(known.has(key('1'))).toBe(false);
});
