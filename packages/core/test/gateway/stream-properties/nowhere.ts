import type { CursorParts, Head } from '@hexbus/core';
import type { Corruption } from './commands.ts';
import type * as Parts from './parts.ts';

/** So far above any head that no run gets there. */
const farAbove = 1_000_000;

/** No history of the run has such a position. */
export function isNowhere({ epoch, position }: CursorParts): boolean {
  return epoch === 'another' || position >= farAbove;
}

/** A cursor that no history of the run can know, or that is none. */
export function badCursor(kind: 'epoch' | 'above' | 'malformed', { epoch, position }: Head): string {
  if (kind === 'malformed') return '17';
  return kind === 'epoch' ? 'another.3' : `${epoch === '' ? 'none' : epoch}.${position + farAbove}`;
}

/** What becomes of a token in the hands of a client that lies about it. */
export function corrupted(token: string, corruption: Corruption, head: Head, ids: readonly number[]): string {
  const above = head.position + farAbove;
  switch (corruption) {
    case 'epoch':
    case 'above':
      return badCursor(corruption, head);
    case 'own above':
      return `${head.epoch}.${head.position}~${[0, ...ids].map((id) => `${id}:${above}`).join(',')}`;
    case 'malformed':
      return `${token}~`;
  }
}

/** Where a subscription goes on by a token that covers it. */
export function placeIn(text: string, id: number, { parseToken, positionIn }: typeof Parts): CursorParts {
  const token = parseToken(text)!;
  return { epoch: token.epoch, position: positionIn(token, id) };
}
