import type { CancelTimer, Clock } from '../../clock.ts';
import { HexbusError, shorten } from '../../errors.ts';
import type { Message } from '../../message.ts';
import type { HandlerContext } from '../api.ts';
import { isThenable } from '../checks.ts';
import type { HandlingOutcome } from '../endings.ts';
import type { HandlingSettings } from '../options.ts';
import { Backoff } from './backoff.ts';

export interface HandlerRunnerOptions {
  readonly handler: (message: Message, context: HandlerContext) => unknown;
  readonly handling: HandlingSettings;
  readonly clock: Clock;
  /** Told when a try failed and another will follow. */
  readonly reports?: { retried(message: Message, attempt: number, error: unknown): void };
}

export const abandoned: HandlingOutcome = { status: 'abandoned' };

/**
 * Runs one handler on one message at a time, with its tries, delays and time limit. A handler that answers at once costs no promise.
 * It knows nothing of where messages come from or what becomes of them.
 */
export class HandlerRunner {
  readonly #options: HandlerRunnerOptions;
  #ended = false;
  #running: CallContext | undefined;
  readonly #backoff: Backoff;
  #giveUp: (() => void) | undefined;

  constructor(options: HandlerRunnerOptions) {
    this.#options = options;
    this.#backoff = new Backoff(options.clock, options.handling.retryDelayMs);
  }

  get busy(): boolean {
    return this.#running !== undefined;
  }

  run(message: Message): HandlingOutcome | Promise<HandlingOutcome> {
    try {
      const outcome = this.#call(message, 1);
      return outcome instanceof Promise ? this.#tryOn(message, outcome) : outcome;
    } catch (error) {
      return this.#tryOn(message, Promise.reject(error));
    }
  }

  /** Nobody waits for the running call any more: it counts as abandoned, however it ends. */
  abandon(): void {
    this.end();
    this.#giveUp?.();
  }

  /** No further try starts. The running call is told by its signal and may still end well. */
  end(): void {
    this.#ended = true;
    this.#running?.abort(subscriptionEnded());
    this.#backoff.end();
  }

  /** Waits for the first call, and tries again as long as calls fail and tries are left. */
  async #tryOn(message: Message, firstCall: Promise<HandlingOutcome>): Promise<HandlingOutcome> {
    const { handling, reports } = this.#options;
    this.#backoff.reset();
    for (let attempt = 1; ; attempt++) {
      try {
        return await (attempt === 1 ? firstCall : this.#call(message, attempt));
      } catch (error) {
        if (this.#ended) return abandoned;
        if (attempt >= handling.maxTries) return { status: 'failed', error };
        reports?.retried(message, attempt, error);
      } finally {
        this.#running = undefined;
      }
      await this.#backoff.pause(true);
      if (this.#ended) return abandoned;
    }
  }

  /** Throws or rejects if the call fails. */
  #call(message: Message, attempt: number): HandlingOutcome | Promise<HandlingOutcome> {
    const { handler } = this.#options;
    const context = new CallContext(attempt);
    this.#running = context;
    const returned = handler(message, context);
    if (isThenable(returned)) return this.#withinTime(message, returned, context);
    this.#running = undefined;
    return { status: 'handled', result: returned };
  }

  /** The call's outcome if it succeeds or is given up. Rejects if it fails or takes too long. */
  async #withinTime(message: Message, returned: PromiseLike<unknown>, context: CallContext): Promise<HandlingOutcome> {
    const { clock, handling } = this.#options;
    let endTimer: CancelTimer | undefined;
    const { handleTimeoutMs } = handling;
    const cut = new Promise<HandlingOutcome | undefined>((resolve) => {
      this.#giveUp = () => resolve(abandoned);
      if (handleTimeoutMs !== Infinity) endTimer = clock.setTimer(() => resolve(undefined), handleTimeoutMs);
    });
    // Once: a thenable such as a query builder may do its work again each time it is asked.
    const call = Promise.resolve(returned).then((result): HandlingOutcome => ({ status: 'handled', result }));
    try {
      const outcome = await Promise.race([call, cut]);
      if (outcome !== undefined) return outcome;
    } finally {
      endTimer?.();
      this.#giveUp = undefined;
    }
    const error = new HexbusError(
      'HEXBUS_HANDLER_TIMEOUT',
      `the handler of ${shorten(message.topic)} did not settle within handleTimeoutMs ${handleTimeoutMs}; it was abandoned`,
      { retryable: true },
    );
    context.abort(error);
    throw error;
  }
}

/** What a handler is given beside the message. The signal is made on first use: most handlers never ask for it. */
export class CallContext implements HandlerContext {
  readonly attempt: number;
  #controller: AbortController | undefined;
  #reason: unknown;

  constructor(attempt: number) {
    this.attempt = attempt;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  abort(reason: unknown): void {
    this.#reason = reason;
    this.#controller?.abort(reason);
  }
}

/** With which running calls are aborted, and a start that is no longer wanted is refused. */
export function subscriptionEnded(): HexbusError {
  return new HexbusError('HEXBUS_CLOSED', 'the subscription has ended');
}

/** The error of a message that a handler failed to handle, for good. */
export function handlerFailed({ topic, position }: Message, cause: unknown): HexbusError {
  const place = position === undefined ? '' : ` at position ${position}`;
  const text = `a listener of ${shorten(topic)} failed${place}: ${shorten(cause)}`;
  return new HexbusError('HEXBUS_HANDLER_FAILED', text, { cause });
}
