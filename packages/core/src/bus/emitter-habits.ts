import { shorten } from '../errors.ts';
import type { Message } from '../message.ts';
import type { HandlerContext, Listener, Subscription } from './api.ts';
import { configError } from './options.ts';

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
  readonly #entries = new Map<string, Entry[]>();

  constructor(subscribe: Subscribe) {
    this.#subscribe = subscribe;
  }

  on(filter: string, listener: Listener, context: unknown): void {
    checkListener(listener);
    // One call fewer where there is nothing to bind.
    const handler: Listener =
      context === undefined ? listener : (message, handlerContext) => listener.call(context, message, handlerContext);
    const subscription = this.#subscribe(filter, handler);
    this.#add(filter, { listener, context, subscription });
  }

  once(filter: string, listener: Listener, context: unknown): void {
    checkListener(listener);
    const subscription: Retiring = this.#subscribe(filter, async (message, handlerContext) => {
      // Nothing repeats a message that is not retained, and its listener may emit again; a retained one is tried until it succeeds.
      if (message.position === undefined) subscription.retire();
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

function checkListener(listener: unknown): void {
  if (typeof listener !== 'function') throw configError('listener', `is ${shorten(listener)}`, 'pass a function');
}
