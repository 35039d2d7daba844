import { type Hello, HexbusError, type Welcome } from '@hexbus/core/wire';
import type { ClientObservers } from './observers.ts';
import { readSavedSession, type SavedSession, type SessionStore } from './session.ts';

/** The session that the client has, and its copy in the store. */
export class SessionKeeper {
  /** What an earlier client left. */
  readonly inherited: SavedSession | undefined;
  readonly #store: SessionStore;
  readonly #observers: ClientObservers;
  #tellLoadFailure: (() => void) | undefined;
  #current: { readonly session: string; readonly secret: string } | undefined;

  constructor(store: SessionStore, observers: ClientObservers) {
    this.#store = store;
    this.#observers = observers;
    this.inherited = this.#load();
    this.#current = this.inherited;
  }

  /** Somebody listens by now. */
  opened(): void {
    this.#tellLoadFailure?.();
  }

  get urn(): string | undefined {
    return this.#current?.session;
  }

  /** What to say in order to go on with it or, when another client has it, at least where it was. */
  place(token: string | undefined): Pick<Hello, 'resume' | 'lastToken'> {
    if (this.#current === undefined) return { lastToken: token };
    const { session, secret } = this.#current;
    return { resume: { session, secret, token } };
  }

  welcomed({ session, secret }: Welcome): void {
    this.#current = { session, secret };
  }

  /** Another connection has it now. */
  forget(): void {
    this.#current = undefined;
  }

  /** The server has ended it. */
  ended(): void {
    this.forget();
    this.#write(undefined);
  }

  save(token: string | undefined, covered: SavedSession['covered']): void {
    const { resume } = this.place(token);
    if (resume !== undefined) this.#write({ ...resume, covered });
  }

  #load(): SavedSession | undefined {
    try {
      return readSavedSession(this.#store.load());
    } catch (cause) {
      this.#tellLoadFailure = () => this.#failed(cause);
      return undefined;
    }
  }

  #write(session: SavedSession | undefined): void {
    try {
      this.#store.save(session);
    } catch (cause) {
      this.#failed(cause);
    }
  }

  #failed(cause: unknown): void {
    const error = new HexbusError('HEXBUS_CONFIG', 'the session store threw; the client goes on without', { cause });
    this.#observers.tell('error', { error });
  }
}
