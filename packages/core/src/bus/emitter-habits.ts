import type { Message } from '../message.ts';
import type { HandlerContext, Listener, Subscription } from './api.ts';

interface Entry {
  readonly listener: Listener;
  readonly context: unknown;
  readonly subscription: Subscription;
}

type Subscribe = (filter: string, handler: (message: Message, context: HandlerContext) => unknown) => Subscription;

/** What `on`, `once` and `off` remember: which subscription serves which listener. */
export class EmitterHabits {
  readonly #subscribe: Subscribe;
  readonly #entries = new Map<string, Entry[]>();

  constructor(subscribe: Subscribe) {
    this.#subscribe = subscribe;
  }

  on(filter: string, listener: Listener, context: unknown): void {
    const subscription = this.#subscribe(filter, (message, handlerContext) =>
      listener.call(context, message, handlerContext),
    );
    this.#add(filter, { listener, context, subscription });
  }

  once(filter: string, listener: Listener, context: unknown): void {
    const subscription: Subscription = this.#subscribe(filter, async (message, handlerContext) => {
      // Nothing repeats a message that is not retained, and its listener may emit again; a retained one is tried until it succeeds.
      if (message.position === undefined) subscription.unsubscribe();
      const result = await listener.call(context, message, handlerContext);
      subscription.unsubscribe();
      return result;
    });
    this.#add(filter, { listener, context, subscription });
  }

  off(filter: string, listener: Listener | undefined, context: unknown): void {
    for (const entry of [...(this.#entries.get(filter) ?? [])]) {
      if (listener !== undefined && entry.listener !== listener) continue;
      if (context !== undefined && entry.context !== context) continue;
      entry.subscription.unsubscribe();
    }
  }

  #add(filter: string, entry: Entry): void {
    const entries = this.#entries.get(filter);
    if (entries === undefined) this.#entries.set(filter, [entry]);
    else entries.push(entry);
    void entry.subscription.done.then(() => this.#remove(filter, entry));
  }

  #remove(filter: string, entry: Entry): void {
    const rest = (this.#entries.get(filter) ?? []).filter((other) => other !== entry);
    if (rest.length === 0) this.#entries.delete(filter);
    else this.#entries.set(filter, rest);
  }
}
