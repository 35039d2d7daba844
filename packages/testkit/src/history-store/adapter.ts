import type { HistoryStore, Randomness } from '@hexbus/core';
import type { VirtualClock } from '../fakes/virtual-clock.ts';

/** What a store under test is made of. */
export interface HistoryContext {
  /** The only time the store may ask for. Its turns run by themselves. */
  readonly clock: VirtualClock;
  readonly randomness: Randomness;
  /** Letters, digits and dashes, never used before: good as the name of a file, a directory or a stream. */
  readonly place: string;
}

/** How the suite gets at the stores of one adapter. None of these functions opens anything. */
export interface HistoryStoreAdapter {
  /** How test names call the adapter. */
  readonly name: string;
  /** An idle store, of an empty history of its own. */
  readonly create: (context: HistoryContext) => HistoryStore;
  /** Durable stores only, and all of them: an idle store on the place of an earlier one. Often the same function as `create`. */
  readonly reopen?: ((context: HistoryContext) => HistoryStore) | undefined;
  /** Ends a store as the death of its process would: no close, and the place becomes free. With it the suite checks crashes too. */
  readonly crash?: ((store: HistoryStore, context: HistoryContext) => void | Promise<void>) | undefined;
  /** Cleans up a place after its test, when its stores are closed. */
  readonly dispose?: ((context: HistoryContext) => void | Promise<void>) | undefined;
  /** The model-based property: how many runs (default 200), and the seed and path that a failure printed, to repeat it. */
  readonly property?: { readonly runs?: number; readonly seed?: number; readonly path?: string } | undefined;
}
