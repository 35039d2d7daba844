import type { WebLocks } from '@hexbus/store-localstorage';

interface Request {
  readonly page: FakeLocks;
  readonly grant: () => void;
}

/** The locks of an origin: who holds each, and who waits for it. */
export class LockTable {
  readonly holders = new Map<string, FakeLocks>();
  readonly queues = new Map<string, Request[]>();

  free(name: string): void {
    this.holders.delete(name);
    const next = this.queues.get(name)?.shift();
    if (next === undefined) return;
    this.holders.set(name, next.page);
    next.grant();
  }
}

/** `navigator.locks` as one page sees it. */
export class FakeLocks implements WebLocks {
  readonly #table: LockTable;
  #isGone = false;

  constructor(table: LockTable) {
    this.#table = table;
  }

  /** The page has gone: what it held is free, and what it asks for is never answered. */
  die(): void {
    this.#isGone = true;
    for (const [name, queue] of this.#table.queues) {
      this.#table.queues.set(
        name,
        queue.filter(({ page }) => page !== this),
      );
    }
    for (const [name, page] of [...this.#table.holders]) if (page === this) this.#table.free(name);
  }

  async request(
    name: string,
    { ifAvailable = false, signal }: { readonly ifAvailable?: boolean; readonly signal?: AbortSignal },
    callback: (lock: object | null) => Promise<unknown>,
  ): Promise<unknown> {
    // A browser never answers within the call.
    await undefined;
    if (this.#isGone) return new Promise(() => undefined);
    signal?.throwIfAborted();
    if (this.#table.holders.has(name)) {
      if (ifAvailable) return callback(null);
      await this.#queued(name, signal);
    } else this.#table.holders.set(name, this);
    try {
      return await callback({ name });
    } finally {
      if (this.#table.holders.get(name) === this) this.#table.free(name);
    }
  }

  #queued(name: string, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const queue = this.#table.queues.get(name) ?? [];
      const request = { page: this, grant: resolve };
      this.#table.queues.set(name, [...queue, request]);
      signal?.addEventListener('abort', () => {
        const waiting = this.#table.queues.get(name) ?? [];
        if (!waiting.includes(request)) return;
        this.#table.queues.set(
          name,
          waiting.filter((other) => other !== request),
        );
        reject(signal.reason);
      });
    });
  }
}
