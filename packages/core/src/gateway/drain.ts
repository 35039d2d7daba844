import type { Clock, Randomness } from '../clock.ts';
import { closeCodes } from '../protocol/close-codes.ts';
import type { LiveConnection } from './connection/live-connection.ts';

export interface DrainOptions {
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly drainMs: number;
  /** Those that are there, from which who goes is removed. */
  readonly connections: ReadonlySet<LiveConnection>;
}

/** In how many slices clients are sent away. */
const slices = 20;

/**
 * Sends clients away over a window of time, each told to come back after a random part of it, so that they do not all come back at once. Resolves when
 * each has been told, or is gone.
 */
export async function drain({ clock, randomness, drainMs, connections }: DrainOptions): Promise<void> {
  const sliceMs = drainMs / slices;
  const begun = clock.now();
  let waiting = shuffled([...connections], randomness);
  for (let slice = 1; waiting.length > 0; slice++) {
    for (const connection of waiting.splice(0, Math.ceil(waiting.length / (slices - slice + 1)))) {
      connection.end(closeCodes.restarting, 'the server restarts', Math.floor(randomness.fraction() * drainMs));
    }
    if (waiting.length === 0) return;
    // Late timers must not add up, and the clock may step back.
    const leftMs = begun + slice * sliceMs - clock.now();
    await pause(clock, Math.max(0, Math.min(leftMs, sliceMs)));
    waiting = waiting.filter((connection) => connections.has(connection));
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
