import type { CancelTimer } from '@hexbus/core';
import { configError, HexbusError, setDeadline, shorten } from '@hexbus/core/wire';
import { type Asked, failure } from './answers.ts';
import type { ClientRequestHandler } from './api.ts';
import type { Runtime } from './runtime.ts';

/** Answers what the server asks, by name. */
export class RequestHandlers {
  readonly #runtime: Runtime;
  readonly #handlers = new Map<string, ClientRequestHandler>();
  readonly #running = new Map<RunningRequest, Promise<void>>();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  handle(name: string, handler: ClientRequestHandler): () => void {
    if (this.#handlers.has(name)) throw configError('name', name, 'end its handler first');
    this.#handlers.set(name, handler);
    return () => {
      if (this.#handlers.get(name) === handler) this.#handlers.delete(name);
    };
  }

  requested(name: string, body: unknown, id: number, timeoutMs: number): void {
    const { answers, clock } = this.#runtime;
    const request = new RunningRequest(id);
    answers.begin(request);
    const handler = this.#handlers.get(name);
    if (handler === undefined) {
      answers.reply(request, failure('no-handler', `nothing handles ${shorten(name)}`));
      return;
    }
    request.cancelTimer = setDeadline(clock, () => this.#overdue(request, name), timeoutMs);
    this.#run(handler, body, request, name);
  }

  /** The same without an answer. */
  notified(name: string, body: unknown): void {
    const handler = this.#handlers.get(name);
    if (handler !== undefined) this.#run(handler, body, new RunningRequest(0), name);
  }

  /** Starts nothing any more. Resolves when the running ones have ended. */
  async halt(): Promise<void> {
    this.#handlers.clear();
    await Promise.all(this.#running.values());
  }

  /** Nobody waits for the running ones any more. */
  abandon(): void {
    for (const request of this.#running.keys()) request.cancelled();
  }

  #run(handler: ClientRequestHandler, body: unknown, request: RunningRequest, name: string): void {
    const ended = (): void => {
      request.ended();
      this.#running.delete(request);
    };
    this.#running.set(request, this.#answer(handler, body, request, name).then(ended));
  }

  async #answer(handler: ClientRequestHandler, body: unknown, request: RunningRequest, name: string): Promise<void> {
    const { answers, observers } = this.#runtime;
    const { signal } = request.controller;
    try {
      const answer = await handler(body, { signal });
      answers.reply(request, { ok: true, body: answer ?? null });
    } catch (cause) {
      answers.reply(request, failure('remote-error', 'the handler failed'));
      // What a handler throws after an abort is most likely the reason of it.
      if (signal.aborted) return;
      const error = new HexbusError('HEXBUS_HANDLER_FAILED', `the handler of ${shorten(name)} failed`, { cause });
      observers.tell('error', { error });
    }
  }

  #overdue(request: RunningRequest, name: string): void {
    this.#runtime.answers.forget(request);
    const what = `the server waits no longer for the handler of ${shorten(name)}`;
    request.controller.abort(new HexbusError('HEXBUS_HANDLER_TIMEOUT', what));
  }
}

class RunningRequest implements Asked {
  readonly id: number;
  readonly controller = new AbortController();
  cancelTimer: CancelTimer | undefined;

  constructor(id: number) {
    this.id = id;
  }

  cancelled(): void {
    this.ended();
    this.controller.abort(new HexbusError('HEXBUS_CLOSED', 'the server waits no longer'));
  }

  ended(): void {
    this.cancelTimer?.();
  }
}
