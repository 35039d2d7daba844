import type { CancelTimer, Clock } from '../../clock.ts';
import { setDeadline } from '../../deadline.ts';
import type { WireErrorCode, WireReply } from '../../ports/protocol.ts';
import type { Outcome, RequestErrorCode } from '../api.ts';

export interface PendingRequestsOptions {
  readonly clock: Clock;
  /** How many may wait at once, of those that count. */
  readonly maxPending: number;
  /** Tells the peer that nobody waits any more for its answer to this request. Must not throw. */
  readonly cancel: (id: number) => void;
}

export interface AskOptions {
  /** `Infinity`: as long as the connection lives. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** It takes none of the places of `maxPending`, as something else bounds how many there are. */
  readonly isUncounted?: boolean | undefined;
}

interface PendingRequest {
  readonly resolve: (outcome: Outcome) => void;
  readonly places: 0 | 1;
  cancelTimer: CancelTimer | undefined;
  unlisten: (() => void) | undefined;
}

/** The requests of one connection that wait for its answer. Each ends exactly once, and leaves nothing behind. */
export class PendingRequests {
  readonly #options: PendingRequestsOptions;
  readonly #pending = new Map<number, PendingRequest>();
  #lastId = 0;
  #placesTaken = 0;
  #connected = true;

  constructor(options: PendingRequestsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#pending.size;
  }

  get isConnected(): boolean {
    return this.#connected;
  }

  /**
   * Sends a request under a new id and waits for its end. `send` tells whether the connection took it; it may be answered before it returns. What
   * it throws rejects; nothing else does.
   */
  ask(send: (id: number) => boolean, options: AskOptions): Promise<Outcome> {
    if (!this.#connected) return Promise.resolve(disconnected);
    if (options.signal?.aborted === true) return Promise.resolve(cancelled);
    const places = options.isUncounted === true ? 0 : 1;
    if (places > 0 && this.#placesTaken >= this.#options.maxPending) return Promise.resolve(overloaded);
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const request: PendingRequest = { resolve, places, cancelTimer: undefined, unlisten: undefined };
      this.#placesTaken += places;
      this.#pending.set(id, request);
      try {
        if (!send(id)) this.#end(id, disconnected);
      } catch (error) {
        reject(error);
        this.#take(id);
      }
      if (this.#pending.has(id)) this.#watch(id, request, options);
    });
  }

  /** The peer's answer to a request. False when none of that id waits: it was late, or never asked for. */
  settle(id: number, reply: WireReply): boolean {
    return this.#end(id, outcomeOf(reply));
  }

  /** Whether this was ever the id of a request. */
  wasAsked(id: number): boolean {
    return id <= this.#lastId;
  }

  /** The connection is gone: every request ends now, and each further one at once. */
  disconnect(): void {
    this.#connected = false;
    for (const id of this.#pending.keys()) this.#end(id, disconnected);
  }

  #watch(id: number, request: PendingRequest, { timeoutMs, signal }: AskOptions): void {
    request.cancelTimer = setDeadline(this.#options.clock, () => this.#end(id, timedOut), timeoutMs);
    if (signal === undefined) return;
    const abort = (): void => {
      if (this.#end(id, cancelled)) this.#options.cancel(id);
    };
    signal.addEventListener('abort', abort);
    request.unlisten = () => signal.removeEventListener('abort', abort);
    // It may have been aborted while the request was sent.
    if (signal.aborted) abort();
  }

  #end(id: number, outcome: Outcome): boolean {
    const request = this.#take(id);
    request?.resolve(outcome);
    return request !== undefined;
  }

  #take(id: number): PendingRequest | undefined {
    const request = this.#pending.get(id);
    if (request === undefined) return undefined;
    this.#pending.delete(id);
    request.cancelTimer?.();
    request.unlisten?.();
    this.#placesTaken -= request.places;
    return request;
  }
}

const timedOut: Outcome = { status: 'timeout' };
const disconnected = failure('disconnected', 'the connection is gone');
const cancelled = failure('cancelled', 'the request was given up');
const overloaded = failure('overloaded', 'too many requests to this connection wait for their answer');

/** The codes that mean the same on the wire and to the caller. */
const sharedCodes: ReadonlySet<WireErrorCode | RequestErrorCode> = new Set([
  'no-handler',
  'remote-error',
  'overloaded',
  'cancelled',
]);

function failure(code: RequestErrorCode, message: string): Outcome {
  return { status: 'error', code, message };
}

/** What a reply means to the caller. It comes from a client, so its parts may be missing. */
function outcomeOf(reply: WireReply): Outcome {
  if (reply.ok === true) return { status: 'success', body: reply.body };
  const { code, message } = (reply.error ?? {}) as { readonly code?: unknown; readonly message?: unknown };
  if (typeof code !== 'string' || typeof message !== 'string')
    return failure('invalid-reply', 'the answer is neither a result nor an error');
  return failure(sharedCodes.has(code as RequestErrorCode) ? (code as RequestErrorCode) : 'remote-error', message);
}
