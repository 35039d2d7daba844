import { attempt } from '../attempt.ts';
import type { Bus } from '../bus/api.ts';
import { assertField, configError } from '../bus/checks.ts';
import { busInternals } from '../bus/internals.ts';
import type { EventMap, TopicOf } from '../bus/topics.ts';
import { endsInTime } from '../ends-in-time.ts';
import { HexbusError } from '../errors.ts';
import type { LifecycleState } from '../lifecycle.ts';
import { ObserverHub } from '../observer-hub.ts';
import type {
  BridgeObserverEvents,
  MessageBridge,
  MessageBridgeOptions,
  MessageRoute,
  MessageSource,
  SourceHandler,
} from './api.ts';
import { Hooks } from './hooks.ts';
import { type BridgedBus, Intake } from './intake.ts';
import { type BridgeSettings, resolveBridgeOptions } from './options.ts';

/** Makes a bridge from a source to a bus, idle. Throws `HEXBUS_CONFIG` naming the field that is wrong. Nothing is listened to before `open`. */
export function createMessageBridge<Events extends EventMap = Record<string, unknown>>(
  bus: Bus<Events>,
  options: MessageBridgeOptions<TopicOf<Events>>,
): MessageBridge {
  const bridged = bus as unknown as BridgedBus | undefined;
  const topics = bridged?.[busInternals]?.topics;
  assertField(bridged !== undefined && topics !== undefined, 'bus', bus, 'pass what createBus returned');
  // The event map only narrows the topics of routes and hooks.
  return new HexMessageBridge(bridged, resolveBridgeOptions(options as unknown as MessageBridgeOptions, bus, topics));
}

class HexMessageBridge implements MessageBridge {
  readonly #bus: BridgedBus;
  readonly #settings: BridgeSettings;
  readonly #observers = new ObserverHub<BridgeObserverEvents>(['error']);
  readonly #hooks: Hooks;
  readonly #intake: Intake;
  readonly #stops: (() => unknown)[] = [];
  #state: LifecycleState = 'idle';
  #opening: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor(bus: BridgedBus, settings: BridgeSettings) {
    this.#bus = bus;
    this.#settings = settings;
    this.#hooks = new Hooks(settings, this.#observers);
    this.#intake = new Intake(bus, settings.messages, this.#hooks, this.#observers);
  }

  get state(): LifecycleState {
    return this.#state;
  }

  open(): Promise<void> {
    this.#opening ??= this.#closing === undefined ? this.#open() : Promise.reject(bridgeClosed());
    return this.#opening;
  }

  observe<Name extends keyof BridgeObserverEvents>(
    name: Name,
    observer: (event: BridgeObserverEvents[Name]) => void,
  ): () => void {
    return this.#observers.observe(name, observer);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #open(): Promise<void> {
    this.#state = 'opening';
    try {
      const { state, [busInternals]: internals } = this.#bus;
      if (state === 'closing' || state === 'closed')
        throw new HexbusError('HEXBUS_CLOSED', `open: the bus is ${state}; make a bridge to a new one`);
      internals.endings.add(this.#intake.ended);
      for (const route of this.#settings.messages) this.#listen(route);
      this.#state = 'open';
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  #listen(route: MessageRoute): void {
    const { source } = this.#settings;
    const handler: SourceHandler = (message) => {
      if (this.#closing === undefined) return this.#intake.take(route, message);
      const refused = Promise.reject(bridgeClosed());
      refused.catch(() => undefined);
      return refused;
    };
    this.#stops.push(listen(source, route.type, handler));
  }

  async #close(): Promise<void> {
    this.#state = 'closing';
    const { clock } = this.#bus[busInternals];
    await endsInTime(clock, this.#intake.idle(), this.#settings.closeTimeoutMs);
    this.#bus[busInternals].endings.delete(this.#intake.ended);
    this.#hooks.end();
    // Until now it was refused, and has kept what it has; a client that is closed next, in this turn, keeps it for the one after it.
    for (const stop of this.#stops) attempt(stop, (error) => this.#observers.error(error));
    this.#state = 'closed';
    this.#observers.removeAll();
  }
}

/** What cannot be saved now is refused until it can. */
const handling = { maxTries: Infinity } as const;

/** Returns what ends it. */
function listen(source: MessageSource, type: string, handler: SourceHandler): () => unknown {
  if (busInternals in source) {
    // The third argument of its `on` is the `this` of the listener.
    const subscription = (source as unknown as Bus).subscribe(type, handler, handling);
    return () => subscription.unsubscribe();
  }
  const returned = source.on(type, handler, handling);
  if (typeof returned === 'function') return returned as () => unknown;
  if (typeof source.off === 'function') return () => source.off?.(type, handler);
  throw configError('source', returned, 'its on must return what ends it, or it must have an off');
}

function bridgeClosed(): HexbusError {
  return new HexbusError(
    'HEXBUS_CLOSED',
    'the message bridge is closing or closed; make a new one with createMessageBridge',
  );
}
