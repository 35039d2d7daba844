import type { Bus, Receipt } from '../bus/api.ts';
import { configError, isObject } from '../bus/checks.ts';
import type { EndingListener, HandlingOutcome, Hear } from '../bus/endings.ts';
import { type BusInternals, busInternals } from '../bus/internals.ts';
import { reasonOf } from '../bus/observers.ts';
import { type ErrorCode, isHexbusError, shorten } from '../errors.ts';
import type { ObserverHub } from '../observer-hub.ts';
import type { BridgeObserverEvents, BridgeResult, MessageRoute, SourceMessage } from './api.ts';
import { busIdOf } from './bus-id.ts';
import type { Hooks } from './hooks.ts';

/** Why the bus refuses a message for what it is, however often it comes. */
const refusals: readonly ErrorCode[] = ['HEXBUS_INVALID_BODY', 'HEXBUS_BODY_TOO_LARGE', 'HEXBUS_CONFIG'];

/** The bus as a bridge uses it. */
export interface BridgedBus {
  readonly state: Bus['state'];
  /** As they are at that moment: the held queues are there only once the bus is open. */
  readonly [busInternals]: Pick<BusInternals, 'topics' | 'side' | 'publishHeard' | 'endings' | 'clock'>;
}

/** Takes messages into the bus, one call each, and tells how they end. */
export class Intake {
  readonly #bus: BridgedBus;
  readonly #routes: readonly MessageRoute[];
  readonly #hooks: Hooks;
  readonly #observers: ObserverHub<BridgeObserverEvents>;
  readonly #pending = new Set<Promise<unknown>>();

  constructor(
    bus: BridgedBus,
    routes: readonly MessageRoute[],
    hooks: Hooks,
    observers: ObserverHub<BridgeObserverEvents>,
  ) {
    this.#bus = bus;
    this.#routes = routes;
    this.#hooks = hooks;
    this.#observers = observers;
  }

  /** Settles as a `SourceHandler` promises. Up to the publish it runs inside this call, so that messages keep their order. */
  take(route: MessageRoute, message: SourceMessage): Promise<void> {
    return this.#track(this.#take(route, message));
  }

  /** Resolves when nothing is on its way into the bus, and what reached listeners directly has ended. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#pending);
  }

  /** A message of a held topic has ended. What a bound dropped tells no type. */
  readonly ended: EndingListener = (message, ending) => {
    const { topic, id, position } = message;
    const isOurs = (route: MessageRoute): boolean =>
      route.topic === topic && (!('body' in message) || route.type === message.type);
    const route = this.#routes.find(isOurs);
    if (route === undefined) return;
    const reference = position === undefined ? { id } : { id, position };
    const body = 'body' in message ? message.body : undefined;
    this.#hooks.after(
      route,
      body,
      ending.status === 'dropped' ? { ...reference, ...ending, why: 'bound' } : { ...reference, ...ending },
    );
  };

  async #take(route: MessageRoute, given: SourceMessage): Promise<void> {
    if (!isObject(given) || !('body' in given)) {
      const error = configError(`what the source gave for ${shorten(route.type)}`, given, 'give an object with a body');
      this.#refused(route, undefined, undefined, error);
      return;
    }
    const { sender, headers } = given;
    const id = busIdOf(route, given);
    const answer = this.#hooks.before(route, given);
    if (answer === undefined) this.#dropped(route, given.body, id, { why: 'vetoed' });
    else if (this.#isUnwanted(route)) this.#dropped(route, answer.body, id, { why: 'no-listener' });
    else await this.#publish(route, { body: answer.body, id, sender, headers });
  }

  /** The queue of a held topic would keep what the route says not to save. */
  #isUnwanted({ topic, saveHistory }: MessageRoute): boolean {
    const { topics, side } = this.#bus[busInternals];
    if (saveHistory === true || this.#bus.state !== 'open' || !topics.isHeld(topic)) return false;
    return (side?.heldQueues.get(topic)?.listeners ?? 0) === 0;
  }

  async #publish(route: MessageRoute, { body, id, sender, headers }: SourceMessage): Promise<void> {
    const { type, topic } = route;
    const hear: Hear = (message, reached, outcomes) => {
      void this.#track(
        outcomes.then((all) => this.#hooks.after(route, message.body, { id: message.id, ...resultOf(reached, all) })),
      );
    };
    try {
      const receipt = await this.#bus[busInternals].publishHeard(topic, body, { id, type, sender, headers }, hear);
      this.#published(route, body, receipt);
    } catch (error) {
      if (refusals.some((code) => isHexbusError(error, code))) {
        this.#refused(route, body, id, error);
        return;
      }
      this.#observers.error(error, { type, topic, id, retryable: true });
      throw error;
    }
  }

  /** What is held ends later, what has no position has reached its listeners, and a duplicate is not new. */
  #published(route: MessageRoute, body: unknown, { id, position, duplicate }: Receipt): void {
    if (duplicate || position === undefined || this.#bus[busInternals].topics.isHeld(route.topic)) return;
    this.#hooks.after(route, body, { id, position, status: 'retained' });
  }

  #refused(route: MessageRoute, body: unknown, id: string | undefined, error: unknown): void {
    const { type, topic } = route;
    this.#observers.error(error, { type, topic, id, retryable: false });
    this.#dropped(route, body, id, { why: 'refused', error });
  }

  #dropped(
    route: MessageRoute,
    body: unknown,
    id: string | undefined,
    reason: { readonly why: 'no-listener' | 'vetoed' | 'refused'; readonly error?: unknown },
  ): void {
    this.#hooks.after(route, body, { ...(id === undefined ? {} : { id }), status: 'dropped', ...reason });
  }

  #track<Result>(work: Promise<Result>): Promise<Result> {
    const done = (): void => void this.#pending.delete(work);
    this.#pending.add(work);
    // Heard here, so that a source that does not look at the promise leaves no rejection behind.
    work.then(done, done);
    return work;
  }
}

/** What became of a message whose listeners were called directly. */
function resultOf(
  reached: boolean,
  outcomes: readonly HandlingOutcome[],
): Extract<BridgeResult, { status: 'handled' | 'dead' | 'dropped' }> {
  const failed = outcomes.find((outcome) => outcome.status === 'failed');
  if (failed !== undefined) return { status: 'dead', reason: reasonOf(failed.error) };
  const results = outcomes.flatMap((outcome) => (outcome.status === 'handled' ? [outcome.result] : []));
  // Whom it reached without an outcome sends it on, as a gateway does.
  const left = !reached || (outcomes.length > 0 && results.length === 0);
  return left ? { status: 'dropped', why: 'no-listener' } : { status: 'handled', results };
}
