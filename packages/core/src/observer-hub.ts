import { EventEmitter } from 'eventemitter3';
import { attempt } from './attempt.ts';
import { assertField, assertFunction } from './bus/checks.ts';
import { HexbusError } from './errors.ts';

/** What the `error` observer is told at least. */
interface ErrorEvent {
  readonly error: unknown;
  /** How many calls of observers have thrown so far. */
  readonly observerFailures: number;
}

/** Tells observers what happens. Knows nothing of what it tells. An observer that fails harms neither the others nor who tells. */
export class ObserverHub<Events extends { readonly error: ErrorEvent }> {
  readonly #names: readonly (keyof Events & string)[];
  readonly #emitter = new EventEmitter();
  #failures = 0;

  constructor(names: readonly (keyof Events & string)[]) {
    this.#names = names;
  }

  /** Throws `HEXBUS_CONFIG` for a name that is none. Returns what ends it. */
  observe<Name extends keyof Events & string>(name: Name, observer: (event: Events[Name]) => void): () => void {
    assertField(this.#names.includes(name), 'event', name, `use ${this.#names.join(', ')}`);
    assertFunction('observer', observer);
    const failed = (cause: unknown): void => this.#failed(name, cause);
    const guarded = (event: Events[Name]): void => attempt(() => observer(event), failed);
    this.#emitter.on(name, guarded);
    this.observersChanged();
    return () => {
      this.#emitter.off(name, guarded);
      this.observersChanged();
    };
  }

  tell<Name extends keyof Events & string>(name: Name, event: Events[Name]): void {
    this.#emitter.emit(name, event);
  }

  /** Tells the `error` observer. */
  error(error: unknown, about?: Omit<Events['error'], keyof ErrorEvent>): void {
    this.#emitter.emit('error', { error, ...about, observerFailures: this.#failures });
  }

  removeAll(): void {
    this.#emitter.removeAllListeners();
    this.observersChanged();
  }

  protected hasObserver(name: keyof Events & string): boolean {
    return this.#emitter.listenerCount(name) > 0;
  }

  /** Called whenever an observer came or went. */
  protected observersChanged(): void {}

  #failed(name: string, cause: unknown): void {
    this.#failures += 1;
    // A failing error observer is only counted: telling it of its own failure could go on for ever.
    if (name === 'error') return;
    this.error(new HexbusError('HEXBUS_OBSERVER_FAILED', `an observer of ${name} threw`, { cause }));
  }
}
