import { EventEmitter } from 'eventemitter3';
import { HexbusError } from '../errors.ts';
import type { Message } from '../message.ts';
import { assertField, assertFunction } from './checks.ts';
import type { Gap, Reset } from './losses.ts';

/** Which message an event is about. Bodies are left out, so that no observer can change one. */
export interface MessageReference {
  readonly topic: string;
  readonly id: string;
  /** Absent where the topic is not retained. */
  readonly position?: number;
}

/** Whom an event is about: a subscription's filter, and its durable name if it has one. */
export interface SubscriptionReference {
  readonly filter: readonly string[];
  readonly name?: string;
}

export interface ObserverEvents {
  /** A publish was committed or, where nothing is retained, its listeners were called. */
  readonly published: MessageReference & { readonly duplicate: boolean };
  /** A handler succeeded. `result` is what it returned. */
  readonly delivered: MessageReference & { readonly subscription: SubscriptionReference; readonly result: unknown };
  /** A message was appended to a held topic that had no listener. */
  readonly held: MessageReference;
  /** A message of a held topic was removed because its listeners are done with it. */
  readonly handled: MessageReference & { readonly results: readonly unknown[] };
  /** A try failed and another follows. */
  readonly retried: MessageReference & {
    readonly subscription: SubscriptionReference;
    readonly attempt: number;
    readonly error: unknown;
  };
  /** A message of a held topic used up its tries and was set aside. */
  readonly dead: MessageReference & { readonly reason: string };
  /** A bound of a held topic removed a waiting message. */
  readonly dropped: MessageReference;
  readonly gap: Gap & { readonly subscription: SubscriptionReference };
  readonly reset: Reset & { readonly subscription: SubscriptionReference };
  /** Something failed that no promise tells of: the last try of a handler, a listener of `emit`, an observer, a store behind a subscription. */
  readonly error: {
    readonly error: unknown;
    readonly message?: MessageReference;
    readonly subscription?: SubscriptionReference;
    /** How many calls of observers have thrown so far. */
    readonly observerFailures: number;
  };
}

/** What identifies a message in events. */
export function referenceOf(message: Message): MessageReference {
  const { topic, id, position } = message;
  return position === undefined ? { topic, id } : { topic, id, position };
}

export const observerNames: readonly (keyof ObserverEvents)[] = [
  'published',
  'delivered',
  'held',
  'handled',
  'retried',
  'dead',
  'dropped',
  'gap',
  'reset',
  'error',
];

type AnyObserver = (event: never) => void;

/** Tells observers what happens. Knows nothing of what it tells. */
export class Observers {
  readonly #emitter = new EventEmitter();
  #failures = 0;
  /** Asked for every emit: a field costs less there than a look-up. */
  #publishedWanted = false;
  #deliveredWanted = false;

  get publishedWanted(): boolean {
    return this.#publishedWanted;
  }

  get deliveredWanted(): boolean {
    return this.#deliveredWanted;
  }

  observe<Name extends keyof ObserverEvents>(name: Name, observer: (event: ObserverEvents[Name]) => void): () => void {
    assertField(observerNames.includes(name), 'event', name, `use ${observerNames.join(', ')}`);
    assertFunction('observer', observer);
    const guarded = (event: ObserverEvents[Name]): void => this.#guard(name, observer as AnyObserver, event);
    this.#emitter.on(name, guarded);
    this.#countWanted();
    return () => {
      this.#emitter.off(name, guarded);
      this.#countWanted();
    };
  }

  tell<Name extends keyof ObserverEvents>(name: Name, event: ObserverEvents[Name]): void {
    this.#emitter.emit(name, event);
  }

  /** Tells the `error` observer. */
  error(
    error: unknown,
    about: { readonly message?: MessageReference; readonly subscription?: SubscriptionReference } = {},
  ): void {
    this.tell('error', { error, ...about, observerFailures: this.#failures });
  }

  removeAll(): void {
    this.#emitter.removeAllListeners();
    this.#countWanted();
  }

  #countWanted(): void {
    this.#publishedWanted = this.#emitter.listenerCount('published') > 0;
    this.#deliveredWanted = this.#emitter.listenerCount('delivered') > 0;
  }

  #guard(name: keyof ObserverEvents, observer: AnyObserver, event: unknown): void {
    try {
      const returned: unknown = (observer as (event: unknown) => unknown)(event);
      // An async observer's rejection must not become an unhandled one.
      if (returned instanceof Promise) returned.catch((error: unknown) => this.#failed(name, error));
    } catch (error) {
      this.#failed(name, error);
    }
  }

  #failed(name: keyof ObserverEvents, cause: unknown): void {
    this.#failures += 1;
    // A failing error observer is only counted: telling it of its own failure could go on for ever.
    if (name === 'error') return;
    this.error(new HexbusError('HEXBUS_OBSERVER_FAILED', `an observer of ${name} threw`, { cause }));
  }
}
