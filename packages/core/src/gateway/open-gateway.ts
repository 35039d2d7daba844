import type { Bus } from '../bus/api.ts';
import { configError } from '../bus/checks.ts';
import type { BusInternals } from '../bus/internals.ts';
import { type Cursor, formatCursor } from '../cursor.ts';
import type { ObserverHub } from '../observer-hub.ts';
import type { ConnectionEntry, ConnectionQuery } from '../ports/registry.ts';
import type { Transport, TransportHost } from '../ports/transport.ts';
import { closeCodes } from '../protocol/close-codes.ts';
import { addressOf } from './addresses.ts';
import { admit } from './admission/admission.ts';
import { Authenticator } from './admission/authenticator.ts';
import { ConnectionLimits } from './admission/connection-limits.ts';
import { Disconnects, mostRemembered } from './admission/disconnects.ts';
import type { FoundConnection, Identity, Outcome, RequestHandler, RequestOptions } from './api.ts';
import type { LiveConnection } from './connection/live-connection.ts';
import { Flusher } from './connection/outbox.ts';
import { drain } from './drain.ts';
import { Directory } from './nodes/directory.ts';
import { NodeCalls } from './nodes/node-calls.ts';
import { OpenCalls } from './nodes/open-calls.ts';
import { leaveMs, Presence } from './nodes/presence.ts';
import { Relays } from './nodes/relays.ts';
import { notFound, RemoteRequests } from './nodes/remote-requests.ts';
import { TakeOvers } from './nodes/take-overs.ts';
import { TimedRegistry } from './nodes/timed-registry.ts';
import { within } from './nodes/within.ts';
import type { GatewayObserverEvents } from './observers.ts';
import type { GatewaySettings } from './options.ts';
import type { GatewayParts } from './parts.ts';
import { Sessions } from './sessions/sessions.ts';
import { Tickets } from './sessions/tickets.ts';
import { CursorTexts } from './stream/cursor-texts.ts';
import { Matchers } from './stream/matchers.ts';
import { SharedTurns } from './stream/shared-turns.ts';
import { UserCursors } from './stream/user-cursors.ts';

/** How long after the last client was sent away the carriers have to close by themselves. */
const lingerMs = 500;

/** What an open gateway consists of: lets clients in, finds them, and sends them away. */
export class OpenGateway {
  readonly #settings: GatewaySettings;
  readonly #parts: GatewayParts;
  readonly #registry: TimedRegistry;
  readonly #presence: Presence;
  readonly #calls: NodeCalls;
  readonly #remote: RemoteRequests;
  /** From the handshake until the carrier is gone. */
  readonly #carried = new Set<LiveConnection>();
  /** From the handshake until the client has had its WELCOME. */
  readonly #entering = new Set<LiveConnection>();
  readonly #relays: Relays;
  readonly #takeOvers: TakeOvers;
  readonly #transportsClosed = new AbortController();
  #whenEmpty: (() => void) | undefined;
  #accepting = false;

  constructor(
    bus: Bus,
    internals: BusInternals,
    settings: GatewaySettings,
    node: string,
    observers: ObserverHub<GatewayObserverEvents>,
    handlers: ReadonlyMap<string, RequestHandler>,
  ) {
    this.#settings = settings;
    const { limits, timings, clock, broker, signer, secrets } = settings;
    const { side } = internals;
    const onError = (error: unknown): void => observers.error(error);
    const intervalMs = timings.userCursorMs;
    const maxRemembered = mostRemembered(limits);
    const disconnects = new Disconnects(clock, maxRemembered);
    const sessions = new Sessions({
      clock,
      resumeWindowMs: timings.resumeWindowMs,
      maxDetached: limits.maxSessions,
      maxRemembered,
      disconnects,
      onExpired: (session, userId, byTicket) => void this.#expired(session, userId, byTicket),
    });
    const { ticketMs } = timings;
    this.#parts = {
      bus,
      internals,
      node,
      settings,
      observers,
      handlers,
      authenticator: new Authenticator(settings, onError),
      limits: new ConnectionLimits(limits),
      sessions,
      tickets: new Tickets({ signer, secrets, sessions, disconnects, clock, ticketMs, maxUsed: limits.maxSessions }),
      directory: new Directory(),
      disconnects,
      flusher: new Flusher(clock),
      matchers: new Matchers(internals.topics),
      turns: new SharedTurns(clock),
      cursors: new CursorTexts(),
      userCursors:
        side === undefined ? undefined : new UserCursors({ side, intervalMs, maxUsers: limits.maxSessions, onError }),
      connected: (connection) => this.#connected(connection),
      admitted: (connection) => this.#parts.directory.add(connection, connection.addresses),
      welcomed: (connection, resumed) => this.#welcomed(connection, resumed),
      renewed: (connection) => void this.#presence.register(this.#entryOf(connection)),
      ended: (connection, code, reason) => this.#ended(connection, code, reason),
      gone: (connection) => this.#gone(connection),
    };
    const registry = new TimedRegistry(settings.registry, clock);
    this.#registry = registry;
    const entries = (): ConnectionEntry[] =>
      [...this.#parts.directory.all].map((connection) => this.#entryOf(connection));
    this.#presence = new Presence({ registry, node, clock, entries, onError });
    this.#calls = new NodeCalls(broker, node, {
      request: (connection, name, body, options) => this.#requestHere(connection, name, body, options),
      relayed: (transport, text) => this.#relays.answer(transport, text),
      failed: onError,
      takeOver: (connection, by) => this.#takeOvers.giveWay(connection, by),
    });
    this.#takeOvers = new TakeOvers({
      sessions,
      entryOf: (connection) => this.#entryOf(connection),
      register: (entry) => this.#presence.register(entry),
      findSession: (session) => this.find({ session }),
      tell: (other, by) => this.#calls.takeOver(other, by),
      onError,
    });
    this.#relays = new Relays({ calls: this.#calls, clock });
    this.#remote = new RemoteRequests({ node, registry, calls: this.#calls, clock, onError });
  }

  /** How many clients were let in and are there. */
  get count(): number {
    return this.#parts.directory.size;
  }

  countAt(address: string): number {
    return this.#parts.directory.countAt(address);
  }

  /** Rejects with the reason of the signal once that is aborted, whatever still opens. What has opened, or does so later, is closed by `close`. */
  open(signal: AbortSignal): Promise<void> {
    const timeoutMs = Number.POSITIVE_INFINITY;
    return new OpenCalls(this.#settings.clock).wait(
      () => this.#openParts(signal),
      { timeoutMs, signal },
      () => signal.throwIfAborted(),
    );
  }

  find(query: ConnectionQuery): Promise<readonly ConnectionEntry[]> {
    return this.#registry.find(query);
  }

  /** The same, with how slow those are that are connected here. */
  async findWithLag(query: ConnectionQuery): Promise<readonly FoundConnection[]> {
    const { directory } = this.#parts;
    return (await this.find(query)).map((entry) => {
      const here = directory.find(entry.id);
      return here === undefined ? entry : { ...entry, lag: here.lag, bufferedBytes: here.bufferedBytes };
    });
  }

  async request(
    target: { readonly connection: string } | { readonly session: string },
    name: string,
    body: unknown,
    options: RequestOptions,
  ): Promise<Outcome> {
    const { directory, sessions, observers } = this.#parts;
    const { timeoutMs = this.#settings.timings.requestTimeoutMs, signal } = options;
    const here = 'connection' in target ? directory.find(target.connection) : sessions.connectionOf(target.session);
    const outcome = await (here?.request(name, body, { timeoutMs, signal }) ??
      this.#remote.ask(target, name, body, { timeoutMs, signal }));
    const connection = here?.id ?? ('connection' in target ? target.connection : target.session);
    const status = outcome.status === 'error' ? outcome.code : outcome.status;
    observers.tell('requested', { connection, name, status });
    return outcome;
  }

  createTicket(identity: Identity): Promise<string> {
    return this.#parts.tickets.create(identity);
  }

  async cursorOf(userAddress: string): Promise<Cursor | undefined> {
    const { internals, userCursors } = this.#parts;
    if (!internals.topics.mayKeep(userAddress)) return undefined;
    const cursor = await userCursors?.cursorOf(userAddress);
    return cursor === undefined ? undefined : formatCursor(cursor.epoch, cursor.position);
  }

  disconnect(address: string, code: number, reason: string): number {
    const connections = [...this.#parts.directory.at(address)];
    const entering = [...this.#entering].filter(
      ({ reference: { userId } }) =>
        address === '@all' || (userId !== undefined && address === addressOf({ user: userId })),
    );
    const sessions = connections.map(({ reference: { session } }) => addressOf({ session }));
    this.#parts.disconnects.add([...sessions, address]);
    const all = new Set([...connections, ...entering]);
    for (const connection of all) connection.end(code, reason);
    return all.size;
  }

  async revoke(address: string, topic: string | undefined): Promise<number> {
    const connections = [...this.#parts.directory.at(address)];
    const counts = await Promise.all(connections.map((connection) => connection.revoke(topic)));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** Lets nobody in any more, sends all away over `drainMs`, and frees everything. */
  async close(drainMs: number): Promise<void> {
    const { clock, randomness, transports } = this.#settings;
    this.#accepting = false;
    await this.#settled(transports.map((transport) => () => transport.drain()));
    await drain({ clock, randomness, drainMs, connections: this.#carried });
    await this.#emptyWithin(Math.min(lingerMs, drainMs));
    for (const connection of [...this.#carried]) connection.terminate(closeCodes.restarting, 'the server restarts');
    this.#remote.end();
    this.#relays.end();
    await this.#settled([() => this.#presence.close(), () => within(clock, leaveMs, this.#calls.close())]);
    await this.#settled([() => this.#parts.userCursors?.close()]);
    // Last: whoever comes behind them finds the rest of the program, whose 404 ends an EventSource for good.
    await this.#settled(transports.map((transport) => () => transport.close()));
    this.#transportsClosed.abort();
    this.#parts.sessions.clear();
    this.#parts.tickets.clear();
    this.#parts.disconnects.clear();
  }

  /** Behind `close`: nobody waits for anything any more, and nobody is told. */
  end(): void {
    this.#registry.end();
  }

  /** Waits for all. What one of them throws or rejects with is told, and keeps no other from being done. */
  async #settled(all: readonly (() => unknown)[]): Promise<void> {
    const results = await Promise.allSettled(all.map(async (one) => one()));
    for (const result of results) if (result.status === 'rejected') this.#parts.observers.error(result.reason);
  }

  async #openParts(signal: AbortSignal): Promise<void> {
    await this.#presence.open(signal);
    await this.#calls.open();
    // It was closed while it opened, which not every broker takes back.
    if (signal.aborted) await this.#calls.close();
    signal.throwIfAborted();
    this.#accepting = true;
    for (const transport of this.#settings.transports) {
      await transport.open(this.#hostOf(transport));
      signal.throwIfAborted();
    }
  }

  #hostOf(transport: Transport): TransportHost {
    const alike = this.#settings.transports.filter(({ name }) => name === transport.name);
    // A public and an internal port may both have a transport of one kind.
    const name = `${alike.indexOf(transport)} ${transport.name}`;
    return {
      node: this.#parts.node,
      admit: (handshake, signal) => admit(this.#parts, handshake, signal, () => this.#accepting),
      relay: (node, text, { timeoutMs }) => this.#relays.relay(node, name, text, timeoutMs),
      onRelayed: (answer) => this.#relays.onRelayed(name, answer),
      error: (cause) => this.#parts.observers.error(cause),
      closed: this.#transportsClosed.signal,
    };
  }

  async #requestHere(connection: string, name: string, body: unknown, options: RequestOptions): Promise<Outcome> {
    return this.#parts.directory.find(connection)?.request(name, body, options) ?? notFound;
  }

  #connected(connection: LiveConnection): void {
    this.#carried.add(connection);
    this.#entering.add(connection);
  }

  #welcomed(connection: LiveConnection, resumed: boolean): void {
    const { observers } = this.#parts;
    this.#entering.delete(connection);
    if (resumed) void this.#takeOvers.begin(connection);
    else void this.#presence.register(this.#entryOf(connection));
    observers.tell(resumed ? 'resumed' : 'connected', connection.reference);
  }

  #ended(connection: LiveConnection, code: number, reason: string): void {
    const { directory, observers } = this.#parts;
    directory.remove(connection, connection.addresses);
    if (this.#entering.delete(connection)) return;
    this.#presence.unregister(connection.id);
    observers.tell('disconnected', { ...connection.reference, code, reason });
  }

  #gone(connection: LiveConnection): void {
    this.#carried.delete(connection);
    if (this.#carried.size === 0) this.#whenEmpty?.();
  }

  /** It may go on at another node, whose client came back there, or here while that was asked. */
  async #expired(session: string, userId: string | undefined, byTicket: boolean): Promise<void> {
    const { observers, sessions } = this.#parts;
    try {
      if ((await this.find({ session })).length > 0 || sessions.has(session)) return;
      if (byTicket) sessions.voidTicket(session);
    } catch (error) {
      observers.error(error);
    }
    observers.tell('sessionExpired', { session, userId });
  }

  async #emptyWithin(ms: number): Promise<void> {
    if (this.#carried.size === 0) return;
    await new Promise<void>((resolve) => {
      const cancel = this.#settings.clock.setTimer(resolve, ms, true);
      this.#whenEmpty = () => {
        cancel();
        resolve();
      };
    });
  }

  #entryOf(connection: LiveConnection): ConnectionEntry {
    const { info } = connection;
    if (info === undefined) throw configError('connection', connection.id, 'it was not let in yet');
    const { id, session, identity, capabilities, handshake, connectedAt } = info;
    const { transport } = handshake;
    const { node } = this.#parts;
    const generation = this.#parts.sessions.generationOf(session);
    return { id, node, session, userId: identity.userId, transport, capabilities, connectedAt, generation };
  }
}
