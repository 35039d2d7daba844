import type { Message } from '../message.ts';
import type { Handler, Subscription } from './api.ts';

interface Delivered {
  readonly message: Message;
  settle(): void;
}

/**
 * A subscription as an iterator: one message is with the consumer at a time, and asking for the next settles it. A message with which the loop was left
 * is not settled. Rejects with the error of a subscription that failed.
 */
export class MessageIterator implements AsyncIterableIterator<Message> {
  readonly #subscription: Subscription;
  #current: Delivered | undefined;
  #waiting: ((delivered: Delivered | undefined) => void)[] = [];
  readonly #offered = new Set<Delivered>();
  #finished = false;

  constructor(subscribe: (handler: Handler) => Subscription) {
    this.#subscription = subscribe((message, { signal }) => this.#offer(message, signal));
    void this.#subscription.done.then(() => this.#finish());
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Message, undefined>> {
    this.#current?.settle();
    this.#current = undefined;
    const delivered = this.#takeOffered() ?? (this.#finished ? undefined : await this.#next());
    if (delivered !== undefined) {
      // The next one was asked for already if another call waits.
      if (this.#waiting.length > 0) delivered.settle();
      else this.#current = delivered;
      return { done: false, value: delivered.message };
    }
    if (this.#subscription.state === 'failed') throw this.#subscription.error;
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<Message, undefined>> {
    this.#subscription.unsubscribe();
    this.#offered.clear();
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
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        // What nobody has taken yet is not given any more: it comes again, or the subscription has ended.
        this.#offered.delete(delivered);
        reject(signal.reason);
      };
      const delivered: Delivered = {
        message,
        settle: () => {
          signal.removeEventListener('abort', leave);
          resolve();
        },
      };
      signal.addEventListener('abort', leave, { once: true });
      const waiting = this.#waiting.shift();
      if (waiting === undefined) this.#offered.add(delivered);
      else waiting(delivered);
    });
  }

  #finish(): void {
    this.#finished = true;
    for (const resolve of this.#waiting.splice(0)) resolve(undefined);
  }
}
