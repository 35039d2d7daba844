import {
  type HeldPolicy,
  type HistoryStore,
  type LimitsPolicy,
  type OpenHistoryOptions,
  type Randomness,
  type RetentionPolicies,
  systemRandomness,
} from '@hexbus/core';
import { createSeededRandomness } from '../fakes/seeded-randomness.ts';
import { createVirtualClock, type VirtualClock } from '../fakes/virtual-clock.ts';
import type { HistoryContext, HistoryStoreAdapter } from './adapter.ts';
import { OpenedHistory } from './opened.ts';

export function limits(pattern: string, maxCount: number = Infinity, maxAgeMs: number = Infinity): LimitsPolicy {
  return { kind: 'limits', pattern, maxCount, maxAgeMs };
}

export function held(pattern: string, bounds: Partial<HeldPolicy> = {}): HeldPolicy {
  return { kind: 'until-handled', pattern, maxCount: 1000, maxAgeMs: Infinity, overflow: 'reject', ...bounds };
}

/** Keeps everything; topics under `wait.` are held. */
export const keepAll: RetentionPolicies = [held('wait.>'), limits('>'), limits('@user.>')];

const defaults: OpenHistoryOptions = { retention: keepAll, deduplication: { maxIds: 1000, maxAgeMs: 60_000 } };

/** Makes, opens and reopens the stores of one rule, and cleans up behind it. */
export class HistoryLab {
  readonly clock: VirtualClock = createVirtualClock({ turns: 'real' });
  readonly #adapter: HistoryStoreAdapter;
  readonly #randomness: Randomness;
  readonly #contexts = new Map<HistoryStore, HistoryContext>();

  constructor(adapter: HistoryStoreAdapter, seed = 1) {
    this.#adapter = adapter;
    this.#randomness = createSeededRandomness(seed);
  }

  get canCrash(): boolean {
    return this.#adapter.crash !== undefined;
  }

  get canReopen(): boolean {
    return this.#adapter.reopen !== undefined;
  }

  get property(): NonNullable<HistoryStoreAdapter['property']> {
    return this.#adapter.property ?? {};
  }

  /** A lab for the same adapter, with a clock of its own. */
  another(): HistoryLab {
    return new HistoryLab(this.#adapter);
  }

  /** An idle store in a place of its own. */
  create(): HistoryStore {
    const place = `hexbus-${systemRandomness.id()}`;
    return this.#make(this.#adapter.create, { clock: this.clock, randomness: this.#randomness, place });
  }

  /** An idle store in the place of another. */
  createAgain(earlier: HistoryStore): HistoryStore {
    const context = this.#contexts.get(earlier);
    const { reopen } = this.#adapter;
    if (reopen === undefined || context === undefined)
      throw new Error('only a durable store of this lab is made again');
    return this.#make(reopen, context);
  }

  async open(options: Partial<OpenHistoryOptions> = {}): Promise<OpenedHistory> {
    return openStore(this.create(), options);
  }

  /** Closes a history and opens its place again. */
  async reopen(history: OpenedHistory, options: Partial<OpenHistoryOptions> = {}): Promise<OpenedHistory> {
    await history.store.close();
    return openStore(this.createAgain(history.store), options);
  }

  /** Ends a history without closing it and opens its place again. */
  async crash(history: OpenedHistory, options: Partial<OpenHistoryOptions> = {}): Promise<OpenedHistory> {
    const context = this.#contexts.get(history.store);
    if (context === undefined) throw new Error('only a store of this lab can crash');
    await this.#adapter.crash?.(history.store, context);
    return openStore(this.createAgain(history.store), options);
  }

  /** Closes what is open, then lets the adapter clean up. Errors are left to the rules that look at closing. */
  async end(): Promise<void> {
    await Promise.allSettled([...this.#contexts.keys()].map(async (store) => store.close()));
    const contexts = new Set(this.#contexts.values());
    for (const context of contexts) await this.#adapter.dispose?.(context);
  }

  #make(factory: (context: HistoryContext) => HistoryStore, context: HistoryContext): HistoryStore {
    const store = factory(context);
    this.#contexts.set(store, context);
    return store;
  }
}

/** Opens an idle store with policies that keep everything, unless told otherwise. */
export async function openStore(
  store: HistoryStore,
  options: Partial<OpenHistoryOptions> = {},
): Promise<OpenedHistory> {
  return new OpenedHistory(store, await store.open({ ...defaults, ...options }));
}
