import type { Clock } from '@hexbus/core';
import { encodeCancel, setDeadline, type WireReply } from '@hexbus/core/wire';
import { assertFrame } from './frame-checks.ts';

/** How something that was asked of the server ended. `not-sent`: there was no connection. */
export type Settled =
  | { readonly how: 'replied'; readonly reply: WireReply }
  | { readonly how: 'not-sent' | 'disconnected' | 'timeout' | 'cancelled' };

/** How long to wait for an answer, `Infinity` for ever, and what gives up before. */
export interface AskOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** What was asked of the server and waits for its answer. Each is settled exactly once. */
export class Requests {
  readonly #clock: Clock;
  /** Tells whether there is a connection to send on. */
  readonly #send: (frame: string) => boolean;
  readonly #open = new Map<number, (settled: Settled) => void>();
  #lastId: number;

  /** Ids above `lastId` are free. */
  constructor(clock: Clock, lastId: number, send: (frame: string) => boolean) {
    this.#clock = clock;
    this.#lastId = lastId;
    this.#send = send;
  }

  /** Nothing waits for an answer. */
  get idle(): boolean {
    return this.#open.size === 0;
  }

  /** One that was never used: subscriptions and requests share one space. */
  nextId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  /** Throws when the frame cannot be made or is too large; then nothing was sent. */
  ask(encode: (id: number) => string, { timeoutMs, signal }: AskOptions): Promise<Settled> {
    const id = this.nextId();
    const frame = encode(id);
    assertFrame(frame);
    if (signal?.aborted) return Promise.resolve({ how: 'cancelled' });
    if (!this.#send(frame)) return Promise.resolve({ how: 'not-sent' });
    return new Promise((resolve) => {
      const giveUp = (how: 'timeout' | 'cancelled'): void => {
        this.#send(encodeCancel(id));
        this.#settle(id, { how });
      };
      const abort = (): void => giveUp('cancelled');
      this.#open.set(id, (settled) => {
        cancelTimer?.();
        signal?.removeEventListener('abort', abort);
        resolve(settled);
      });
      const cancelTimer = setDeadline(this.#clock, () => giveUp('timeout'), timeoutMs);
      signal?.addEventListener('abort', abort);
    });
  }

  /** A reply to something that is not open is late, and dropped. */
  replied(id: number, reply: WireReply): void {
    this.#settle(id, { how: 'replied', reply });
  }

  /** The connection is gone. */
  clear(): void {
    for (const id of [...this.#open.keys()]) this.#settle(id, { how: 'disconnected' });
  }

  #settle(id: number, settled: Settled): void {
    const settle = this.#open.get(id);
    this.#open.delete(id);
    settle?.(settled);
  }
}
