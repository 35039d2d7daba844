import type { Message } from '../message.ts';
import type { HandlerContext, Listener, Subscription } from './api.ts';
import { assertFunction } from './checks.ts';

interface Entry {
  readonly listener: Listener;
  readonly context: unknown;
  readonly subscription: Subscription;
}

/** What `once` asks of a subscription beside the public verbs. */
interface Retiring extends Subscription {
  retire(): void;
}

type Subscribe = (filter: string, handler: (message: Message, context: HandlerContext) => unknown) => Retiring;

/** What `on`, `once` and `off` remember: which subscription serves which listener. */
export class EmitterHabits {
  readonly #subscribe: Subscribe;
  readonly #entries = new Map<string, Set<Entry>>();

  constructor(subscribe: Subscribe) {
    this.#subscribe = subscribe;
  }

  on(filter: string, listener: Listener, context: unknown): void {
    assertFunction('listener', listener);
    // One call fewer where there is nothing to bind.
    const handler: Listener =
      context === undefined ? listener : (message, handlerContext) => listener.call(context, message, handlerContext);
    const subscription = this.#subscribe(filter, handler);
    this.#add(filter, { listener, context, subscription });
  }

  once(filter: string, listener: Listener, context: unknown): void {
    assertFunction('listener', listener);
    let called = false;
    const subscription: Retiring = this.#subscribe(filter, async (message, handlerContext) => {
      // A pattern can bring a retained message and one that is not at the same time.
      if (called) return undefined;
      called = true;
      // Nothing repeats a message that is not retained, and its listener may emit again; a retained one is tried until it succeeds.
      if (message.position === undefined) subscription.retire();
      try {
        return await listener.call(context, message, handlerContext);
      } catch (error) {
        called = false;
        throw error;
      } finally {
        if (called) subscription.unsubscribe();
      }
    });
    this.#add(filter, { listener, context, subscription });
  }

  off(filter: string, listener: Listener | undefined, context: unknown): void {
    for (const entry of this.#entries.get(filter) ?? []) {
      if (listener !== undefined && entry.listener !== listener) continue;
      if (context !== undefined && entry.context !== context) continue;
      entry.subscription.unsubscribe();
    }
  }

  #add(filter: string, entry: Entry): void {
    const entries = this.#entries.get(filter) ?? new Set();
    this.#entries.set(filter, entries.add(entry));
    void entry.subscription.done.then(() => {
      entries.delete(entry);
      if (entries.size === 0 && this.#entries.get(filter) === entries) this.#entries.delete(filter);
    });
  }
}
