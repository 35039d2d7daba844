import type { CursorParts } from '../../cursor.ts';

/** The second of two, unless the first one is as far in the same epoch. */
export function later(first: CursorParts | undefined, second: CursorParts | undefined): CursorParts | undefined {
  if (first === undefined || second === undefined) return second ?? first;
  return first.epoch === second.epoch && first.position >= second.position ? first : second;
}
