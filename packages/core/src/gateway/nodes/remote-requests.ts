import type { Clock } from '../../clock.ts';
import type { ConnectionEntry, ConnectionQuery, Registry } from '../../ports/registry.ts';
import type { Outcome } from '../api.ts';
import type { NodeCalls } from './node-calls.ts';
import { type GivenUp, OpenCalls } from './open-calls.ts';
import { isBefore } from './take-overs.ts';

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
  readonly #open: OpenCalls;

  constructor(options: RemoteRequestsOptions) {
    this.#options = options;
    this.#open = new OpenCalls(options.clock);
  }

  /** Rejects only for a body that cannot be sent. */
  ask(
    target: ConnectionQuery,
    name: string,
    body: unknown,
    options: { readonly timeoutMs: number; readonly signal: AbortSignal | undefined },
  ): Promise<Outcome> {
    const controller = new AbortController();
    const { signal } = controller;
    const { timeoutMs } = options;
    return this.#open.wait(
      () => this.#askNode(target, name, body, { timeoutMs, signal }),
      options,
      (why) => {
        // The other node gives up too.
        controller.abort();
        return outcomes[why];
      },
    );
  }

  /** The gateway is closed: none of them is waited for any more. */
  end(): void {
    this.#open.end();
  }

  async #askNode(
    target: ConnectionQuery,
    name: string,
    body: unknown,
    options: { readonly timeoutMs: number; readonly signal: AbortSignal },
  ): Promise<Outcome> {
    const { node: own, registry, calls, clock, onError } = this.#options;
    const begun = clock.now();
    let found: readonly ConnectionEntry[];
    try {
      found = await registry.find(target);
    } catch (error) {
      onError(error);
      return { status: 'error', code: 'disconnected', message: 'the registry cannot be reached' };
    }
    // It may be over already, so that nobody needs to be asked.
    if (options.signal.aborted) return cancelled;
    const elsewhere = found.filter(({ node }) => node !== own);
    // Of a session that has just come back its last connection may be there as well.
    const entry = elsewhere.reduce<ConnectionEntry | undefined>(
      (last, next) => (last === undefined || isBefore(last, next) ? next : last),
      undefined,
    );
    if (entry === undefined) return notFound;
    // The clock may step back.
    const leftMs = Math.max(0, options.timeoutMs - Math.max(0, clock.now() - begun));
    return calls.request(entry.node, entry.id, name, body, { ...options, timeoutMs: leftMs });
  }
}

/** The outcome of a request to whom nobody knows. */
export const notFound: Outcome = { status: 'error', code: 'not-found', message: 'there is no such connection' };
const cancelled: Outcome = { status: 'error', code: 'cancelled', message: 'the request was given up' };
const outcomes: Readonly<Record<GivenUp, Outcome>> = {
  late: { status: 'timeout' },
  aborted: cancelled,
  ended: { status: 'error', code: 'disconnected', message: 'this gateway is closed' },
};
