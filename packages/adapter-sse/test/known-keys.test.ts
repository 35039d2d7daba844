import { expect, it } from 'vitest';
import { KnownKeys } from '../src/known-keys.ts';
import type { LinkKey } from '../src/link-key.ts';

const key = (id: string, secret = 'secret', node = 'a'): LinkKey => ({ node, id, secret });

it('knows the last keys that it was given, and no other of the same link', () => {
  const known = new KnownKeys(2);
  for (const [index, id] of ['1', '2', '1', '3'].entries()) known.add(key(id), index);
  expect(['1', '2', '3'].map((id) => known.takenOf(key(id)))).toEqual([2, undefined, 3]);
  expect(known.takenOf(key('1', 'secreT'))).toBeUndefined();
  expect(known.takenOf(key('1', 'secret', 'b'))).toBeUndefined();
  known.delete(key('1'));
  expect(known.takenOf(key('1'))).toBeUndefined();
});
