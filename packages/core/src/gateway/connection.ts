import type {
  Hello,
  ProtocolHost,
  ProtocolSession,
  WireProtocol,
  WireReply,
  WireSubscription,
} from '../ports/protocol.ts';
import type { Carrier, CarrierListener } from '../ports/transport.ts';
import { closeCodes, reconnectAfter } from '../protocol/close-codes.ts';
import { AdmittedClient } from './admitted-client.ts';
import type { ConnectionInfo, Outcome, RequestOptions } from './api.ts';
import type { ClientMessage } from './client-asks.ts';
import { ClientRequests } from './client-requests.ts';
import { comeBackAfter } from './come-back.ts';
import type { Release } from './connection-limits.ts';
import { Entrance } from './entrance.ts';
import { EventSender } from './event-sender.ts';
import type { Greeting, Refusal } from './greeting.ts';
import { Heartbeat } from './heartbeat.ts';
import { IdentityWatch } from './identity-watch.ts';
import { InboundGate } from './inbound-gate.ts';
import { Linger } from './linger.ts';
import type { LiveConnection } from './live-connection.ts';
import type { ConnectionReference } from './observers.ts';
import { Outbox } from './outbox.ts';
import type { GatewayParts } from './parts.ts';
import { PendingRequests } from './pending-requests.ts';
import type { Questions } from './questions.ts';
import { Renewals } from './renewals.ts';
import type { ServerEnd } from './sessions.ts';
import type { Told } from './told.ts';
import { refusal } from './wire-errors.ts';

export interface ConnectionOptions {
  readonly parts: GatewayParts;
  readonly carrier: Carrier;
  readonly protocol: WireProtocol;
  readonly told: Told;
  readonly questions: Questions;
  /** Gives the place back that it takes. */
  readonly release: Release;
}

/**
 * One live client: joins its carrier, its protocol and what it follows and asks. Begins with the client's HELLO; ends once, by whoever ends it first,
 * and leaves nothing behind. Knows no sockets and no frames.
 */
export class Connection implements LiveConnection, ProtocolHost, CarrierListener {
  readonly id: string;
  readonly #parts: GatewayParts;
  readonly #carrier: Carrier;
  readonly #protocol: ProtocolSession;
  readonly #told: Told;
  readonly #questions: Questions;
  readonly #release: Release;
  readonly #outbox: Outbox;
  readonly #sender: EventSender;
  readonly #gate: InboundGate;
  readonly #heartbeat: Heartbeat;
  readonly #identityWatch: IdentityWatch;
  readonly #pending: PendingRequests;
  readonly #requests: ClientRequests;
  readonly #renewals: Renewals;
  readonly #entrance: Entrance;
  readonly #linger: Linger;
  #releaseUser: Release | undefined;
  #client: AdmittedClient | undefined;
  #ended = false;
  /** What the frame that is being read costs of the client's rate. */
  #frameCost = 1;
  #ignored = 0;

  constructor({ parts, carrier, protocol, told, questions, release }: ConnectionOptions) {
    const { limits, timings, clock, randomness } = parts.settings;
    this.id = randomness.id();
    this.#parts = parts;
    this.#carrier = carrier;
    this.#told = told;
    this.#questions = questions;
    this.#release = release;
    this.#protocol = protocol.open(this, told.hello);
    this.#gate = new InboundGate(carrier, limits, clock);
    this.#outbox = new Outbox({
      carrier,
      flusher: parts.flusher,
      maxBytes: limits.maxOutboxBytes,
      onHeldBack: () => this.#heartbeat.watchDraining(),
      onFull: () => this.#gate.shut('outbox'),
      onRoom: () => this.#onRoom(),
    });
    this.#sender = new EventSender({
      protocol: this.#protocol,
      outbox: this.#outbox,
      cursors: parts.cursors,
      onDropped: ({ topic, id }) => parts.observers.tell('dropped', { ...this.reference, topic, id }),
      onError: (error) => this.#error(error),
    });
    this.#heartbeat = new Heartbeat({
      clock,
      timings,
      isDeaf: () => this.#gate.isShut || told.hello !== undefined,
      isHeldBack: () => this.#outbox.isHeldBack,
      drains: () => this.#outbox.drains(),
      onPing: () => this.#ping(),
      onDead: () => this.terminate(closeCodes.heartbeatTimeout, 'no sign of life'),
      onStalled: () => this.#onStalled(),
    });
    this.#identityWatch = new IdentityWatch({
      clock,
      timings,
      onExpiring: (inMs) => this.#outbox.add(this.#protocol.expiring(inMs)),
      onExpired: () => this.end(closeCodes.tokenExpired, 'the identity has expired'),
    });
    this.#linger = new Linger({
      clock,
      stallTimeoutMs: timings.stallTimeoutMs,
      drains: () => this.#outbox.drains(),
      onStalled: () => carrier.terminate(),
    });
    this.#pending = new PendingRequests({
      clock,
      maxPending: limits.maxPendingRequests,
      cancel: (id) => this.#outbox.add(this.#protocol.cancel(id)),
    });
    this.#requests = new ClientRequests({
      protocol: this.#protocol,
      outbox: this.#outbox,
      pending: this.#pending,
      requestTimeoutMs: timings.requestTimeoutMs,
      canAnswer: told.hello === undefined,
    });
    this.#renewals = new Renewals({
      renew: (token) => this.#renew(token),
      reply: (id, reply) => this.#client?.reply(id, reply),
    });
    this.#entrance = new Entrance({
      parts,
      connection: this.id,
      handshake: carrier.handshake,
      told,
      questions,
      onGreeted: (greeting, hello) => this.#admit(greeting, hello),
      onFailed: (code, reason) => this.end(code, reason),
      onError: (error) => this.#error(error),
    });
  }

  get info(): ConnectionInfo | undefined {
    return this.#client?.info;
  }

  get addresses(): readonly string[] {
    return this.#client?.greeting.addresses ?? [];
  }

  get reference(): ConnectionReference {
    return {
      connection: this.id,
      session: this.#client?.greeting.session ?? '',
      userId: (this.#client?.identity ?? this.#told.identity)?.userId,
      transport: this.#carrier.handshake.transport,
    };
  }

  /** Hears what the handshake said, or starts to wait for HELLO. */
  begin(): void {
    this.#entrance.begin();
    if (this.#told.hello !== undefined) this.hello(this.#told.hello);
  }

  request(name: string, body: unknown, options: RequestOptions): Promise<Outcome> {
    return this.#requests.ask(name, body, options);
  }

  passUserPlace(): Release | undefined {
    const place = this.#releaseUser;
    this.#releaseUser = undefined;
    return place;
  }

  async revoke(topic: string | undefined): Promise<number> {
    const refused = await this.#client?.subscriptions.reauthorize(topic);
    // What was encoded before goes out before this resolves.
    this.#outbox.flush();
    return refused ?? 0;
  }

  end(code: number, reason: string, afterMs: number = comeBackAfter(code, this.#parts.settings.randomness)): void {
    if (this.#ended) return;
    this.#outbox.add(this.#protocol.bye({ code, reason, reconnect: reconnectAfter(code) !== 'no', afterMs }));
    this.#outbox.flush();
    this.#letGo(code, reason, { code, reason });
    this.#linger.begin();
    this.#carrier.close(code, reason);
  }

  terminate(code: number, reason: string): void {
    this.#letGo(code, reason, { code, reason });
    this.#carrier.terminate();
  }

  received(text: string): void {
    if (this.#ended) return;
    this.#heartbeat.alive();
    if (!this.#entrance.keeps(text)) this.#receive(text);
  }

  drained(): void {
    this.#outbox.drained();
  }

  closed(code: number, reason: string): void {
    this.#letGo(code, reason, undefined);
    this.#linger.end();
    this.#release();
    this.passUserPlace()?.();
    this.#parts.gone(this);
  }

  hello(hello: Hello): void {
    this.#frameCost += hello.subscriptions.length;
    this.#entrance.hello(hello);
  }

  subscribe(subscription: WireSubscription): void {
    this.#admitted()?.subscriptions.add(subscription);
  }

  unsubscribe(id: number): void {
    this.#admitted()?.subscriptions.remove(id);
  }

  acknowledge(token: string): void {
    if (this.#admitted()?.acknowledge(token) === false) this.ignored('an acknowledgement of what was not sent');
  }

  ask(name: string, body: unknown, id?: number): void {
    this.#admitted()?.asks.ask(name, body, id);
  }

  publish(id: number, message: ClientMessage): void {
    this.#admitted()?.asks.publish(id, message);
  }

  reply(id: number, reply: WireReply): void {
    // How many of these come is for the server to say, which has asked.
    if (this.#pending.settle(id, reply)) this.#frameCost = 0;
    else this.ignored('a reply that nobody waits for', this.#pending.wasAsked(id));
  }

  cancel(id: number): void {
    this.#admitted()?.asks.cancel(id);
    this.#renewals.cancel(id);
  }

  authenticate(id: number, token: string): void {
    if (this.#admitted() !== undefined) this.#renewals.add(id, token);
  }

  ping(): void {
    if (this.#admitted() !== undefined) this.#outbox.add(this.#protocol.pong());
  }

  violated(code: number, reason: string): void {
    const { address } = this.#carrier.handshake;
    this.#parts.observers.tell('rejected', { why: reason, address, connection: this.id });
    this.end(code, reason);
  }

  ignored(what: string, mayHaveCrossed = false): void {
    this.#parts.observers.tell('ignored', { ...this.reference, what });
    if (mayHaveCrossed) return;
    this.#ignored += 1;
    if (this.#ignored > this.#parts.settings.limits.maxIgnored)
      this.end(closeCodes.malformed, 'too much without effect');
  }

  #admit(greeting: Greeting | Refusal, hello: Hello): void {
    if (this.#ended) return;
    if ('code' in greeting) {
      this.violated(greeting.code, greeting.reason);
      return;
    }
    const { userId } = greeting.identity;
    const { sessions, limits } = this.#parts;
    // Nobody must wait for her own dead connection.
    const before = sessions.connectionOf(greeting.session);
    const place = before?.passUserPlace() ?? (userId === undefined ? undefined : limits.claimUser(userId));
    if (typeof place === 'string') {
      this.violated(closeCodes.connectionLimit, place);
      return;
    }
    this.#releaseUser = place;
    const client = new AdmittedClient({
      parts: this.#parts,
      connection: this.id,
      greeting,
      hello,
      carrier: this.#carrier,
      protocol: this.#protocol,
      outbox: this.#outbox,
      sender: this.#sender,
      pending: this.#pending,
      canAnswer: this.#told.hello === undefined,
      questions: this.#questions,
      onDropped: (what) => this.ignored(what, true),
      onError: (error) => this.#error(error),
    });
    this.#client = client;
    const byTicket = this.#told.ticket?.session === greeting.session;
    const last = sessions.attach({ ...greeting, userId, byTicket }, this);
    client.begin(last);
    // What was said so far is for this client alone; what it has missed may be the same for many, who then share a batch.
    this.#outbox.flush();
    this.#identityWatch.watch(greeting.identity);
    this.#heartbeat.start();
    this.#parts.admitted(this, greeting.resumed);
    for (const text of this.#entrance.opened()) this.#receive(text);
  }

  async #renew(token: string): Promise<WireReply | undefined> {
    const { authenticator } = this.#parts;
    const found = await authenticator.byToken(token, this.#carrier.handshake, this.#questions);
    const client = this.#admitted();
    if (client === undefined) return undefined;
    if (found === 'refused' || found === 'failed')
      return refusal('unauthenticated', 'the token was not accepted', found === 'failed');
    if (!client.renew(found)) {
      this.end(closeCodes.forbidden, 'a connection keeps its user');
      return undefined;
    }
    this.#identityWatch.watch(found);
    this.#parts.renewed(this);
    // What it has followed as who it was may be forbidden now.
    await client.subscriptions.reauthorize(undefined);
    return { ok: true, body: null };
  }

  #receive(text: string): void {
    if (this.#ended) return;
    this.#frameCost = 1;
    this.#protocol.receive(text);
    if (!this.#ended) this.#gate.charge(this.#frameCost, text.length);
  }

  /** The client, if it was let in and is still there. */
  #admitted(): AdmittedClient | undefined {
    return this.#ended ? undefined : this.#client;
  }

  #ping(): void {
    this.#ignored = 0;
    if (this.#outbox.hasRoom) this.#outbox.add(this.#protocol.ping(this.#client?.stream?.token));
  }

  #onRoom(): void {
    this.#gate.open('outbox');
    this.#client?.onRoom();
  }

  #onStalled(): void {
    this.#parts.observers.tell('stalled', { ...this.reference, bufferedBytes: this.#carrier.bufferedBytes });
    this.terminate(closeCodes.slowConsumer, 'took nothing for too long');
  }

  #error(error: unknown): void {
    this.#parts.observers.error(error, { connection: this.reference });
  }

  /** `last`: what a client that comes back is told. */
  #letGo(code: number, reason: string, last: ServerEnd | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#entrance.end();
    this.#questions.end();
    this.#heartbeat.end();
    this.#identityWatch.end();
    this.#gate.end();
    this.#outbox.end();
    const client = this.#client;
    if (client === undefined) this.#told.ticket?.giveBack();
    else {
      client.end();
      this.#parts.sessions.detach(client.greeting.session, this, last);
    }
    this.#pending.disconnect();
    this.#parts.ended(this, client !== undefined, code, reason);
  }
}
