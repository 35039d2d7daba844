import { HexbusError } from '../errors.ts';
import type { FeedSignal } from './feed.ts';
import type { Gap, Reset } from './losses.ts';
import type { Observers, SubscriptionReference } from './observers.ts';

/** The callbacks with which a subscriber asks to be told of signals. */
export interface SignalCallbacks {
  readonly onGap?: ((gap: Gap) => void) | undefined;
  readonly onReset?: ((reset: Reset) => void) | undefined;
  readonly onCaughtUp?: (() => void) | undefined;
}

/** Tells a subscriber and the observers of signals. What a callback throws is told to the `error` observer and disturbs nothing else. */
export class Signals {
  readonly #callbacks: SignalCallbacks;
  readonly #observers: Observers;
  readonly #subscription: SubscriptionReference;

  constructor(callbacks: SignalCallbacks, observers: Observers, subscription: SubscriptionReference) {
    this.#callbacks = callbacks;
    this.#observers = observers;
    this.#subscription = subscription;
  }

  tell(signal: FeedSignal): void {
    const { onGap, onReset } = this.#callbacks;
    if (signal.kind === 'gap') {
      this.#observers.tell('gap', { ...signal.gap, subscription: this.#subscription });
      this.#call('onGap', () => onGap?.(signal.gap));
    } else {
      this.#observers.tell('reset', { ...signal.reset, subscription: this.#subscription });
      this.#call('onReset', () => onReset?.(signal.reset));
    }
  }

  caughtUp(): void {
    this.#call('onCaughtUp', () => this.#callbacks.onCaughtUp?.());
  }

  #call(name: string, callback: () => unknown): void {
    const failed = (cause: unknown): void => {
      const error = new HexbusError('HEXBUS_HANDLER_FAILED', `${name} threw`, { cause });
      this.#observers.error(error, { subscription: this.#subscription });
    };
    try {
      const returned = callback();
      if (returned instanceof Promise) returned.catch(failed);
    } catch (cause) {
      failed(cause);
    }
  }
}
