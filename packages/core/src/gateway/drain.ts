import type { Clock, Randomness } from '../clock.ts';
import { closeCodes } from '../protocol/close-codes.ts';
import type { LiveConnection } from './live-connection.ts';

export interface DrainOptions {
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly drainMs: number;
  /** Those that are still there. */
  readonly connections: () => Iterable<LiveConnection>;
}

/** In how many slices clients are sent away. */
const slices = 20;

/**
 * Sends clients away over a window of time, each told to come back after a random part of it, so that they do not all come back at once. Resolves when
 * none is left, or the window is over and the rest was terminated.
 */
export async function drain({ clock, randomness, drainMs, connections }: DrainOptions): Promise<void> {
  const waiting = shuffled([...connections()], randomness);
  for (let slice = 1; slice <= slices && waiting.length > 0; slice++) {
    const count = Math.ceil(waiting.length / (slices - slice + 1));
    for (const connection of waiting.splice(0, count)) {
      connection.end(closeCodes.restarting, 'the server restarts', Math.floor(randomness.fraction() * drainMs));
    }
    if (waiting.length > 0) await pause(clock, drainMs / slices);
  }
}

function shuffled<Item>(items: Item[], randomness: Randomness): Item[] {
  for (let index = items.length - 1; index > 0; index--) {
    const other = Math.floor(randomness.fraction() * (index + 1));
    [items[index], items[other]] = [items[other] as Item, items[index] as Item];
  }
  return items;
}

function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    // Bounded work that a closing process waits for.
    clock.setTimer(resolve, ms, true);
  });
}
