import { configError, isObject } from '../bus/checks.ts';
import { isThenable } from '../bus/handler-runner.ts';
import { HexbusError } from '../errors.ts';
import type { ObserverHub } from '../observer-hub.ts';
import type { BridgeObserverEvents, BridgeResult, MessageRoute, SourceMessage } from './api.ts';
import { busIdOf } from './bus-id.ts';
import type { BridgeSettings } from './options.ts';

/** Calls the hooks of a bridge. What one throws is told, and disturbs nothing else. */
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

  /** What bears the body to publish; undefined when nothing is to be published. */
  before(route: MessageRoute, message: SourceMessage): { readonly body: unknown } | undefined {
    const { beforePublish } = this.#settings;
    if (beforePublish === undefined) return message;
    const { topic, type } = route;
    const about = { type, topic, id: busIdOf(route, message) };
    const answer: unknown = this.#call('beforePublish', about, () =>
      beforePublish(topic, message.body, route, message),
    );
    if (answer === false) return undefined;
    if (isObject(answer) && 'body' in answer) return answer;
    if (answer !== undefined && answer !== true)
      this.#observers.error(
        configError('what beforePublish returned', answer, 'return { body }, a boolean or nothing'),
        about,
      );
    return message;
  }

  after(route: MessageRoute, body: unknown, result: BridgeResult): void {
    if (this.#ended) return;
    const { topic, type } = route;
    const about = { type, topic, id: result.id };
    this.#call('afterPublish', about, () => this.#settings.afterPublish?.(topic, body, result, route));
  }

  /** None is called any more. */
  end(): void {
    this.#ended = true;
  }

  #call(name: string, about: { readonly type: string; readonly topic: string }, hook: () => unknown): unknown {
    const failed = (cause: unknown): void =>
      this.#observers.error(new HexbusError('HEXBUS_HANDLER_FAILED', `${name} threw`, { cause }), about);
    try {
      const returned = hook();
      if (isThenable(returned)) Promise.resolve(returned).catch(failed);
      return returned;
    } catch (cause) {
      failed(cause);
      return undefined;
    }
  }
}
