import type { Clock } from '@hexbus/core';

/** What a history needs of the Web Locks API: `navigator.locks`, or something that behaves like it. */
export interface WebLocks {
  request(
    name: string,
    options: { readonly ifAvailable?: boolean; readonly signal?: AbortSignal },
    callback: (lock: object | null) => Promise<unknown>,
  ): Promise<unknown>;
}

/** A tab's namespace, held by this opening alone. */
export interface Hold {
  /** Whether it still is. */
  readonly isHeld: boolean;
  /** Resolves when others can have it. */
  release(): Promise<void>;
}

/** Who has which namespace, over all pages of an origin. */
export interface TabLocks {
  /** Carries out one opening at a time, as far as this can be had. Rejects with the reason of the signal while it waits. */
  alone<Result>(work: () => Promise<Result>, signal: AbortSignal): Promise<Result>;
  /** Undefined if somebody else holds it, and still does after so long, or when the signal is aborted. */
  hold(tab: string, waitMs: number, signal: AbortSignal): Promise<Hold | undefined>;
}

/** Locks that the browser takes back when a page has gone, however it went. */
export class WebTabLocks implements TabLocks {
  readonly #locks: WebLocks;
  readonly #prefix: string;
  readonly #clock: Pick<Clock, 'setTimer'>;

  constructor(locks: WebLocks, prefix: string, clock: Pick<Clock, 'setTimer'>) {
    this.#locks = locks;
    this.#prefix = prefix;
    this.#clock = clock;
  }

  async alone<Result>(work: () => Promise<Result>, signal: AbortSignal): Promise<Result> {
    return (await this.#locks.request(this.#prefix, { signal }, work)) as Result;
  }

  async hold(tab: string, waitMs: number, signal: AbortSignal): Promise<Hold | undefined> {
    if (waitMs === 0) return this.#request(tab, { ifAvailable: true });
    const timeout = new AbortController();
    const cancel = this.#clock.setTimer(() => timeout.abort(), waitMs);
    const enough = AbortSignal.any([timeout.signal, signal]);
    try {
      return await this.#request(tab, { signal: enough });
    } catch (error) {
      if (enough.aborted) return undefined;
      throw error;
    } finally {
      cancel();
    }
  }

  /** The lock is held for as long as the promise of its callback is pending. */
  #request(tab: string, options: Parameters<WebLocks['request']>[1]): Promise<Hold | undefined> {
    return new Promise((resolve, reject) => {
      const held = this.#locks.request(this.#prefix + tab, options, (lock) => {
        if (lock === null) {
          resolve(undefined);
          return Promise.resolve();
        }
        return new Promise<void>((free) => {
          const release = async (): Promise<void> => {
            free();
            await held;
          };
          resolve({ isHeld: true, release });
        });
      });
      held.catch(reject);
    });
  }
}
