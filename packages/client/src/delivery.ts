import type { CancelTimer, HandlerContext, Message } from '@hexbus/core';
import { HandlerRunner, HexbusError, setDeadline, type WireReply } from '@hexbus/core/wire';
import { type Asked, failure } from './answers.ts';
import { handlerFailure } from './message-work.ts';
import type { Work } from './pump.ts';
import type { Runtime } from './runtime.ts';

/** What a subscription remembers between deliveries. */
export interface DeliveryMemory {
  /** Topic, id and time of a message that was handled when nobody waited for the answer any more: it will come again. */
  handledUnheard: string | undefined;
}

/** One message of a held topic, which the server delivers until it is told that it was handled. Tries are the server's. */
export class Delivery implements Work, Asked {
  readonly id: number;
  readonly size: number;
  readonly perishable = true;
  readonly #message: Message;
  readonly #runtime: Runtime;
  readonly #memory: DeliveryMemory;
  readonly #handler: (message: Message, context: HandlerContext) => unknown;
  /** Of the time after which the server stops waiting. */
  readonly #cancelTimer: CancelTimer | undefined;
  #runner: HandlerRunner | undefined;

  constructor(
    frame: { readonly id: number; readonly message: Message; readonly timeoutMs: number },
    size: number,
    handler: (message: Message, context: HandlerContext) => unknown,
    memory: DeliveryMemory,
    runtime: Runtime,
  ) {
    this.id = frame.id;
    this.size = size;
    this.#message = frame.message;
    this.#handler = handler;
    this.#memory = memory;
    this.#runtime = runtime;
    const { timeoutMs } = frame;
    this.#cancelTimer = setDeadline(runtime.clock, () => this.#expire(timeoutMs), timeoutMs);
  }

  /** The handler was called, and has not ended. */
  get running(): boolean {
    return this.#runner !== undefined;
  }

  async run(): Promise<boolean> {
    const { answers, clock, observers } = this.#runtime;
    if (!answers.isOpen(this)) return true;
    const { topic, id, time } = this.#message;
    const key = JSON.stringify([topic, id, time]);
    if (this.#memory.handledUnheard === key) {
      this.#memory.handledUnheard = undefined;
      this.#reply({ ok: true, body: null });
      return true;
    }
    this.#runner = new HandlerRunner({
      handler: this.#handler,
      handling: { maxTries: 1, retryDelayMs: 0, handleTimeoutMs: Infinity },
      clock,
    });
    const outcome = await this.#runner.run(this.#message);
    this.#runner = undefined;
    if (outcome.status === 'handled') {
      if (!this.#reply({ ok: true, body: null })) this.#memory.handledUnheard = key;
    } else if (outcome.status === 'failed') {
      this.#reply(failure('remote-error', 'the handler failed'));
      observers.tell('error', handlerFailure(this.#message, outcome.error));
    } else {
      this.settle();
    }
    return true;
  }

  /** Nobody listens any more, so the server need not wait. */
  settle(): void {
    this.#reply(failure('cancelled', 'the subscription has ended'));
  }

  cancelled(): void {
    this.#cancelTimer?.();
    this.end();
  }

  /** The running call may still end well, and is remembered then. */
  end(): void {
    this.#runner?.end();
  }

  abandon(): void {
    this.#runner?.abandon();
  }

  /** Tells whether the server still waited for it. */
  #reply(reply: WireReply): boolean {
    this.#cancelTimer?.();
    return this.#runtime.answers.reply(this, reply);
  }

  #expire(timeoutMs: number): void {
    const { answers, observers } = this.#runtime;
    answers.forget(this);
    if (this.#runner === undefined) return;
    const what = `the handler took longer than the ${timeoutMs} ms that the server waits`;
    observers.tell('error', handlerFailure(this.#message, new HexbusError('HEXBUS_HANDLER_TIMEOUT', what)));
    this.#runner.abandon();
  }
}
