import { attempt, callbackFailed } from '../attempt.ts';
import { configError, isObject, isThenable } from '../bus/checks.ts';
import type { HexbusError } from '../errors.ts';
import type { ObserverHub } from '../observer-hub.ts';
import type { BridgeObserverEvents, BridgeResult, MessageRoute, SourceMessage } from './api.ts';
import { busIdOf } from './bus-id.ts';
import type { BridgeSettings } from './options.ts';

/** Calls the hooks of a bridge. What one throws is told. */
export class Hooks {
  readonly #settings: Pick<BridgeSettings, 'beforePublish' | 'afterPublish'>;
  readonly #observers: ObserverHub<BridgeObserverEvents>;
  #ended = false;

  constructor(
    settings: Pick<BridgeSettings, 'beforePublish' | 'afterPublish'>,
    observers: ObserverHub<BridgeObserverEvents>,
  ) {
    this.#settings = settings;
    this.#observers = observers;
  }

  /** What bears the body to publish; undefined when nothing is to be published. Throws when the hook did not answer, and has told it. */
  before(route: MessageRoute, message: SourceMessage): { readonly body: unknown } | undefined {
    const { beforePublish } = this.#settings;
    if (beforePublish === undefined) return message;
    const { topic, type } = route;
    const about = { type, topic, id: busIdOf(route, message), retryable: true };
    let answer: unknown;
    try {
      answer = beforePublish(topic, message.body, route, message);
    } catch (cause) {
      throw this.#told(callbackFailed('beforePublish', cause), about);
    }
    if (answer === false) return undefined;
    if (answer === true || answer === undefined) return message;
    if (isObject(answer) && 'body' in answer) return answer;
    if (isThenable(answer))
      Promise.resolve(answer).catch((cause) => this.#told(callbackFailed('beforePublish', cause), about));
    const instead = 'return { body }, a boolean or nothing';
    throw this.#told(configError('what beforePublish returned', answer, instead), about);
  }

  after(route: MessageRoute, body: unknown, result: BridgeResult): void {
    if (this.#ended) return;
    const { topic, type } = route;
    attempt(
      () => this.#settings.afterPublish?.(topic, body, result, route),
      (cause) => this.#told(callbackFailed('afterPublish', cause), { type, topic, id: result.id }),
    );
  }

  /** None is called any more. */
  end(): void {
    this.#ended = true;
  }

  #told(error: HexbusError, about: Partial<BridgeObserverEvents['error']>): HexbusError {
    this.#observers.error(error, about);
    return error;
  }
}
