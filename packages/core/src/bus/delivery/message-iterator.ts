import { HexbusError } from '../../errors.ts';
import type { Message } from '../../message.ts';
import type { Handler, Subscription } from '../api.ts';
import { busDefaults } from '../options.ts';

interface Delivered {
  readonly message: Message;
  readonly signal: AbortSignal;
  settle(): void;
  fail(reason: unknown): void;
}

/**
 * A subscription as an iterator: one message is with the consumer at a time, and asking for the next settles it. A message with which the loop was left
 * is not settled. Rejects with the error of a subscription that failed. What is not retained waits here for a slow consumer, up to a bound; what
 * comes beyond it is refused, as by a listener that fails.
 */
export class MessageIterator implements AsyncIterableIterator<Message> {
  readonly #subscription: Subscription;
  #current: Delivered | undefined;
  #waiting: ((delivered: Delivered | undefined) => void)[] = [];
  readonly #offered = new Set<Delivered>();
  readonly #unsettled = new Set<Delivered>();
  #finished = false;
  readonly #leave = ({ target }: Event): void => {
    for (const delivered of this.#unsettled) {
      if (delivered.signal !== target) continue;
      this.#unsettled.delete(delivered);
      // What nobody has taken yet is not given any more.
      this.#offered.delete(delivered);
      delivered.fail(delivered.signal.reason);
    }
  };

  constructor(subscribe: (handler: Handler) => Subscription) {
    this.#subscription = subscribe((message, { signal }) => this.#offer(message, signal));
    void this.#subscription.done.then(() => this.#finish());
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Message, undefined>> {
    this.#settle(this.#current);
    this.#current = undefined;
    const delivered = this.#takeOffered() ?? (this.#finished ? undefined : await this.#next());
    if (delivered !== undefined) {
      // The next one was asked for already if another call waits.
      if (this.#waiting.length > 0) this.#settle(delivered);
      else this.#current = delivered;
      return { done: false, value: delivered.message };
    }
    if (this.#subscription.state === 'failed') throw this.#subscription.error;
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<Message, undefined>> {
    this.#subscription.unsubscribe();
    await this.#subscription.done;
    return { done: true, value: undefined };
  }

  #takeOffered(): Delivered | undefined {
    const [first] = this.#offered;
    if (first !== undefined) this.#offered.delete(first);
    return first;
  }

  #next(): Promise<Delivered | undefined> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** The handler of the subscription: its call lasts as long as the consumer has the message. */
  #offer(message: Message, signal: AbortSignal): Promise<void> {
    if (message.position === undefined && this.#offered.size >= busDefaults.maxIterated) {
      throw new HexbusError('HEXBUS_OVERLOADED', `${busDefaults.maxIterated} messages wait for the iterator`);
    }
    // One listener: all calls of what is not retained share a signal.
    signal.addEventListener('abort', this.#leave);
    return new Promise((settle, fail) => {
      const delivered = { message, signal, settle, fail };
      this.#unsettled.add(delivered);
      const waiting = this.#waiting.shift();
      if (waiting === undefined) this.#offered.add(delivered);
      else waiting(delivered);
    });
  }

  #settle(delivered: Delivered | undefined): void {
    if (delivered !== undefined && this.#unsettled.delete(delivered)) delivered.settle();
  }

  #finish(): void {
    this.#finished = true;
    for (const resolve of this.#waiting.splice(0)) resolve(undefined);
  }
}
