import type { Bus } from '../bus/api.ts';
import { assertField, assertFunction, assertSignal, isText } from '../bus/checks.ts';
import { type BusInternals, busInternals } from '../bus/internals.ts';
import type { EventMap } from '../bus/topics.ts';
import type { Cursor } from '../cursor.ts';
import { HexbusError, shorten } from '../errors.ts';
import type { LifecycleState } from '../lifecycle.ts';
import { ObserverHub } from '../observer-hub.ts';
import { assertPattern } from '../pattern.ts';
import type { ConnectionQuery } from '../ports/registry.ts';
import { closeCodes } from '../protocol/close-codes.ts';
import { addressOf, askedOf } from './addresses.ts';
import { checkIdentity } from './admission/authenticator.ts';
import type {
  FoundConnection,
  Gateway,
  GatewayOptions,
  Identity,
  Outcome,
  PostOptions,
  PostReceipt,
  RequestHandler,
  RequestOptions,
} from './api.ts';
import { assertQuery } from './nodes/connection-query.ts';
import { type GatewayObserverEvents, gatewayObserverNames } from './observers.ts';
import { OpenGateway } from './open-gateway.ts';
import { type GatewaySettings, resolveGatewayOptions } from './options.ts';
import type { Target } from './target.ts';

/** The longest name of a request, and type of a posted message, in characters. */
const maxNameLength = 128;

/** Makes a gateway on a bus. Throws `HEXBUS_CONFIG` naming the field that is wrong. Nothing listens before `open`. */
export function createGateway<Events extends EventMap>(bus: Bus<Events>, options: GatewayOptions): Gateway {
  const holder = bus as unknown as { readonly [busInternals]: BusInternals } | undefined;
  const internals = holder?.[busInternals];
  assertField(holder !== undefined && internals !== undefined, 'bus', bus, 'pass what createBus returned');
  // An address has any number of connections, each with its own place in what was posted: no queue of one message at a time can serve them.
  const held = ['@all', '@user.x', '@session.x', '@connection.x'].find((address) => internals.topics.isHeld(address));
  assertField(
    held === undefined,
    `the bus's retain of ${held}`,
    'until-handled',
    'give addresses limits such as { maxCount }',
  );
  // What is posted goes to addresses, which no event map knows.
  return new HexGateway(bus as unknown as Bus, () => holder[busInternals], resolveGatewayOptions(options, internals));
}

class HexGateway implements Gateway {
  readonly node: string;
  readonly connections: Gateway['connections'];
  readonly #bus: Bus;
  /** As they are at that moment: what is retained is there only once the bus is open. */
  readonly #internals: () => BusInternals;
  readonly #settings: GatewaySettings;
  readonly #observers: ObserverHub<GatewayObserverEvents> = new ObserverHub(gatewayObserverNames);
  readonly #handlers = new Map<string, RequestHandler>();
  /** Gives the opening up when the gateway is closed meanwhile. */
  readonly #openingAborted = new AbortController();
  #state: LifecycleState = 'idle';
  #openGateway: OpenGateway | undefined;
  #opening: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #freeing: Promise<void> | undefined;

  constructor(bus: Bus, internals: () => BusInternals, settings: GatewaySettings) {
    this.#bus = bus;
    this.#internals = internals;
    this.#settings = settings;
    this.node = settings.randomness.id();
    const count = (): number => this.#openGateway?.count ?? 0;
    this.connections = {
      find: (query) => this.#find(query),
      get count() {
        return count();
      },
    };
  }

  get state(): LifecycleState {
    return this.#state;
  }

  open({ signal }: { readonly signal?: AbortSignal | undefined } = {}): Promise<void> {
    if (this.#opening !== undefined) return this.#opening;
    try {
      this.#assertMayOpen(signal);
    } catch (error) {
      return Promise.reject(error);
    }
    this.#opening = this.#open(signal);
    return this.#opening;
  }

  async post(target: Target, type: string, body: unknown, options: PostOptions = {}): Promise<PostReceipt> {
    const topic = addressOf(target);
    assertField(isText(type, maxNameLength), 'type', type, `use 1 to ${maxNameLength} printable characters`);
    const openGateway = this.#usable('post');
    const { id, headers, sender } = options;
    const receipt = await this.#bus.publish(topic, body, { id, headers, sender, type });
    const receivers = openGateway.countAt(topic);
    const { position } = receipt;
    this.#observers.tell('posted', {
      topic,
      id: receipt.id,
      ...(position === undefined ? {} : { position }),
      target,
      receivers,
    });
    return { ...receipt, receivers };
  }

  async request<Body = unknown>(
    target: { readonly connection: string } | { readonly session: string },
    name: string,
    body: unknown,
    options: RequestOptions = {},
  ): Promise<Outcome<Body>> {
    const asked = askedOf(target);
    assertField(isText(name, maxNameLength), 'name', name, `use 1 to ${maxNameLength} printable characters`);
    const { timeoutMs, signal } = options;
    assertSignal(signal);
    const valid = timeoutMs === undefined || (typeof timeoutMs === 'number' && timeoutMs >= 0);
    assertField(valid, 'timeoutMs', timeoutMs, 'use milliseconds from 0, or Infinity');
    try {
      // What the client answers is taken at its word, as the caller asked for it.
      return (await this.#usable('request').request(asked, name, body, options)) as Outcome<Body>;
    } catch (cause) {
      const message = `body of request ${shorten(name)} cannot be sent: ${shorten(cause)}; pass what JSON can carry`;
      throw cause instanceof HexbusError ? cause : new HexbusError('HEXBUS_INVALID_BODY', message, { cause });
    }
  }

  handle(name: string, handler: RequestHandler): () => void {
    assertField(isText(name, maxNameLength), 'name', name, `use 1 to ${maxNameLength} printable characters`);
    assertFunction('handler', handler);
    assertField(!this.#handlers.has(name), 'name', name, 'end the handler that it has first');
    this.#handlers.set(name, handler);
    return () => {
      if (this.#handlers.get(name) === handler) this.#handlers.delete(name);
    };
  }

  async createTicket(identity: Identity): Promise<string> {
    return this.#usable('createTicket').createTicket(checkIdentity(identity));
  }

  async cursorOf({ user }: { readonly user: string }): Promise<Cursor | undefined> {
    return this.#usable('cursorOf').cursorOf(addressOf({ user }));
  }

  async disconnect(target: Target, reason = 'ended by the server'): Promise<number> {
    assertField(typeof reason === 'string', 'reason', reason, 'use a text');
    return this.#usable('disconnect').disconnect(addressOf(target), closeCodes.ended, reason);
  }

  async revoke(target: Target, topic?: string): Promise<number> {
    if (topic !== undefined) assertPattern(topic);
    return this.#usable('revoke').revoke(addressOf(target), topic);
  }

  observe<Name extends keyof GatewayObserverEvents>(
    name: Name,
    observer: (event: GatewayObserverEvents[Name]) => void,
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

  #assertMayOpen(signal: unknown): void {
    if (this.#closing !== undefined) throw notOpen('open', this.#state);
    if (this.#bus.state !== 'open') {
      throw new HexbusError('HEXBUS_NOT_OPEN', `open: the bus is ${this.#bus.state}; await bus.open() first`);
    }
    assertSignal(signal);
  }

  async #open(given: AbortSignal | undefined): Promise<void> {
    this.#state = 'opening';
    const { signal: aborted } = this.#openingAborted;
    const signal = given === undefined ? aborted : AbortSignal.any([given, aborted]);
    const openGateway = new OpenGateway(
      this.#bus,
      this.#internals(),
      this.#settings,
      this.node,
      this.#observers,
      this.#handlers,
    );
    this.#openGateway = openGateway;
    try {
      await openGateway.open(signal);
      signal.throwIfAborted();
    } catch (error) {
      await this.#free(openGateway, 0);
      throw error;
    }
    this.#state = 'open';
  }

  async #close(): Promise<void> {
    const opening = this.#state === 'opening' ? this.#opening : undefined;
    if (this.#state !== 'closed') this.#state = 'closing';
    this.#openingAborted.abort(notOpen('open', this.#state));
    await opening?.catch(() => undefined);
    await this.#free(this.#openGateway, this.#settings.timings.drainMs);
  }

  /** Happens once: when the opening failed, or else when it is closed. */
  #free(openGateway: OpenGateway | undefined, drainMs: number): Promise<void> {
    this.#freeing ??= this.#freeNow(openGateway, drainMs);
    return this.#freeing;
  }

  async #freeNow(openGateway: OpenGateway | undefined, drainMs: number): Promise<void> {
    this.#state = 'closing';
    await openGateway?.close(drainMs);
    this.#handlers.clear();
    this.#observers.removeAll();
    openGateway?.end();
    this.#state = 'closed';
  }

  async #find(query: ConnectionQuery = {}): Promise<readonly FoundConnection[]> {
    assertQuery(query);
    return this.#usable('find').findWithLag(query);
  }

  /** While closing, those who are still connected may be spoken to. */
  #usable(verb: string): OpenGateway {
    const usable = this.#state === 'open' || (this.#state === 'closing' && this.#openGateway !== undefined);
    if (usable && this.#openGateway !== undefined) return this.#openGateway;
    throw notOpen(verb, this.#state);
  }
}

function notOpen(verb: string, state: LifecycleState): HexbusError {
  return state === 'closing' || state === 'closed'
    ? new HexbusError('HEXBUS_CLOSED', `${verb}: the gateway is ${state}; make a new one with createGateway`)
    : new HexbusError('HEXBUS_NOT_OPEN', `${verb}: the gateway is ${state}; await gateway.open() first`);
}
