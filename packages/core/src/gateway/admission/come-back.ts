import type { Randomness } from '../../clock.ts';
import { closeCodes } from '../../protocol/close-codes.ts';

/** How long a client is asked to stay away at least that came too many, or to a server in trouble. */
export const retryAfterMs = 5_000;

/**
 * How long a client is to stay away after an end with this code, or 0 where it knows best. An `EventSource` waits as long before each attempt as it was
 * told, and no longer after many; those who were turned away together do not come back together.
 */
export function comeBackAfter(code: number, randomness: Randomness): number {
  const isTurnedAway = code === closeCodes.connectionLimit || code === closeCodes.overloaded;
  return isTurnedAway ? Math.round(retryAfterMs * (1 + randomness.fraction())) : 0;
}
