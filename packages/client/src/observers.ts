import type { LifecycleState } from '@hexbus/core';
import { assertFunction, attempt, configError, HexbusError, type WireGap } from '@hexbus/core/wire';

/** What `observe` tells, by name. */
export interface ClientObserverEvents {
  /** The state, or whether there is a connection, has changed. */
  readonly state: {
    readonly state: LifecycleState;
    readonly connected: boolean;
    /** Of the close before, if there was one. */
    readonly code?: number | undefined;
    readonly reason?: string | undefined;
    /** When the client will try again. */
    readonly retryMs?: number | undefined;
  };
  /**
   * Messages that some handlers will not get. `subscriptions`: topics as they were subscribed. `inbox`: messages addressed to this client may be
   * among them. `session-lost`: the server does not know the session any more, or another client has taken it over; what was addressed to it will not come here.
   */
  readonly gap: {
    readonly why: WireGap['why'] | 'session-lost';
    readonly subscriptions: readonly string[];
    readonly inbox: boolean;
    readonly topics?: readonly string[] | undefined;
    readonly from?: number | undefined;
    readonly to?: number | undefined;
  };
  /** Something failed that no promise tells of: the last try of a handler, a subscription that the server ended, the session store, an observer. */
  readonly error: {
    readonly error: unknown;
    readonly topic?: string | undefined;
    readonly messageId?: string | undefined;
  };
  /** A message was addressed to this client under a type that nobody handles. */
  readonly unhandled: { readonly topic: string; readonly id: string; readonly type?: string | undefined };
}

type Observer = (event: never) => unknown;

const names: readonly (keyof ClientObserverEvents)[] = ['state', 'gap', 'error', 'unhandled'];

/** Tells observers what happens. One that throws disturbs nothing. */
export class ClientObservers {
  readonly #observers = new Map<keyof ClientObserverEvents, Set<Observer>>();

  observe<Name extends keyof ClientObserverEvents>(
    name: Name,
    observer: (event: ClientObserverEvents[Name]) => void,
  ): () => void {
    if (!names.includes(name)) throw configError('observe', name, `use one of ${names.join(', ')}`);
    assertFunction('observer', observer);
    const observers = this.#observers.get(name) ?? new Set();
    // Wrapped, so that the same function may observe twice.
    const entry: Observer = (event) => observer(event);
    this.#observers.set(name, observers.add(entry));
    return () => void observers.delete(entry);
  }

  tell<Name extends keyof ClientObserverEvents>(name: Name, event: ClientObserverEvents[Name]): void {
    for (const observer of this.#observers.get(name) ?? [])
      attempt(
        () => observer(event as never),
        (cause) => this.#failed(name, cause),
      );
  }

  removeAll(): void {
    this.#observers.clear();
  }

  #failed(name: keyof ClientObserverEvents, cause: unknown): void {
    // Telling the observer of errors of its own failure could go on for ever.
    if (name === 'error') return;
    this.tell('error', { error: new HexbusError('HEXBUS_OBSERVER_FAILED', `an observer of ${name} threw`, { cause }) });
  }
}
