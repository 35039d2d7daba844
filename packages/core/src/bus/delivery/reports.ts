import { attempt, callbackFailed } from '../../attempt.ts';
import type { Message } from '../../message.ts';
import type { FeedSignal } from '../log/feed.ts';
import type { Gap, Reset } from '../log/losses.ts';
import { type MessageReference, type Observers, referenceOf, type SubscriptionReference } from '../observers.ts';

/** The callbacks with which a subscriber asks to be told of signals. */
export interface SignalCallbacks {
  readonly onGap?: ((gap: Gap) => void) | undefined;
  readonly onReset?: ((reset: Reset) => void) | undefined;
  readonly onCaughtUp?: (() => void) | undefined;
}

/** Tells what happens in one subscription: signals to its callbacks and the observers, all else to the observers. */
export class Reports {
  readonly #callbacks: SignalCallbacks;
  readonly #observers: Observers;
  readonly #subscription: SubscriptionReference;

  constructor(callbacks: SignalCallbacks, observers: Observers, subscription: SubscriptionReference) {
    this.#callbacks = callbacks;
    this.#observers = observers;
    this.#subscription = subscription;
  }

  /** Because of `message`, if one is given. */
  error(error: unknown, message?: MessageReference): void {
    const subscription = this.#subscription;
    this.#observers.error(error, message === undefined ? { subscription } : { message, subscription });
  }

  delivered(message: Message, result: unknown): void {
    if (!this.#observers.deliveredWanted) return;
    this.#observers.tell('delivered', { ...referenceOf(message), subscription: this.#subscription, result });
  }

  retried(message: Message, attempt: number, error: unknown): void {
    this.#observers.tell('retried', { ...referenceOf(message), subscription: this.#subscription, attempt, error });
  }

  signal(signal: FeedSignal): void {
    const subscription = this.#subscription;
    const { onGap, onReset } = this.#callbacks;
    if (signal.kind === 'gap') {
      this.#observers.tell('gap', { ...signal.gap, subscription });
      this.#call('onGap', () => onGap?.(signal.gap));
    } else {
      this.#observers.tell('reset', { ...signal.reset, subscription });
      this.#call('onReset', () => onReset?.(signal.reset));
    }
  }

  caughtUp(): void {
    this.#call('onCaughtUp', () => this.#callbacks.onCaughtUp?.());
  }

  /** What a callback throws disturbs nothing else. */
  #call(name: string, callback: () => unknown): void {
    attempt(callback, (cause) => this.error(callbackFailed(name, cause)));
  }
}
