import type { CancelTimer, Clock } from '../clock.ts';
import type { ConnectionEntry, ConnectionQuery, Registry } from '../ports/registry.ts';
import type { Outcome } from './api.ts';
import type { NodeCalls } from './node-calls.ts';

export interface RemoteRequestsOptions {
  readonly node: string;
  readonly registry: Registry;
  readonly calls: NodeCalls;
  readonly clock: Clock;
  readonly onError: (error: unknown) => void;
}

/** Requests to connections of other nodes. Each ends in its time, also when neither the registry nor the other node ever answers. */
export class RemoteRequests {
  readonly #options: RemoteRequestsOptions;
  /** What ends each that is open. */
  readonly #open = new Set<(outcome: Outcome) => void>();
  #isOver = false;

  constructor(options: RemoteRequestsOptions) {
    this.#options = options;
  }

  /** Rejects only for a body that cannot be sent. */
  ask(
    target: ConnectionQuery,
    name: string,
    body: unknown,
    { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal | undefined },
  ): Promise<Outcome> {
    if (this.#isOver) return Promise.resolve(disconnected);
    if (signal?.aborted === true) return Promise.resolve(cancelled);
    return new Promise((resolve, reject) => {
      let cancelTimer: CancelTimer | undefined;
      const controller = new AbortController();
      const forget = (): void => {
        cancelTimer?.();
        signal?.removeEventListener('abort', abort);
        this.#open.delete(end);
      };
      const end = (outcome: Outcome): void => {
        forget();
        resolve(outcome);
        // Where it was answered there is nothing left to give up.
        controller.abort();
      };
      const abort = (): void => end(cancelled);
      this.#open.add(end);
      signal?.addEventListener('abort', abort);
      if (timeoutMs !== Number.POSITIVE_INFINITY)
        cancelTimer = this.#options.clock.setTimer(() => end({ status: 'timeout' }), timeoutMs);
      this.#askNode(target, name, body, { timeoutMs, signal: controller.signal }).then(end, (error: unknown) => {
        forget();
        reject(error);
      });
    });
  }

  /** The gateway is closed: none of them is waited for any more. */
  end(): void {
    this.#isOver = true;
    for (const end of this.#open) end(disconnected);
  }

  async #askNode(
    target: ConnectionQuery,
    name: string,
    body: unknown,
    options: { readonly timeoutMs: number; readonly signal: AbortSignal },
  ): Promise<Outcome> {
    const { node: own, registry, calls, onError } = this.#options;
    let found: readonly ConnectionEntry[];
    try {
      found = await registry.find(target);
    } catch (error) {
      onError(error);
      return { status: 'error', code: 'disconnected', message: 'the registry cannot be reached' };
    }
    // It may be over already, so that nobody needs to be asked.
    if (options.signal.aborted) return cancelled;
    const entry = found.find(({ node }) => node !== own);
    return entry === undefined ? notFound : calls.request(entry.node, entry.id, name, body, options);
  }
}

/** The outcome of a request to whom nobody knows. */
export const notFound: Outcome = { status: 'error', code: 'not-found', message: 'there is no such connection' };
const cancelled: Outcome = { status: 'error', code: 'cancelled', message: 'the request was given up' };
const disconnected: Outcome = { status: 'error', code: 'disconnected', message: 'this gateway is closed' };
