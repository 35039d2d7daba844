import type { Hello, ProtocolSession, WireProtocol, WireReply } from '../ports/protocol.ts';
import type { Carrier, CarrierListener } from '../ports/transport.ts';
import { closeCodes, reconnectAfter } from '../protocol/close-codes.ts';
import { AdmittedClient } from './admitted-client.ts';
import type { ConnectionInfo, Outcome, RequestOptions } from './api.ts';
import { ClientFrames } from './client-frames.ts';
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
export class Connection implements LiveConnection, CarrierListener {
  readonly id: string;
  readonly #parts: GatewayParts;
  readonly #carrier: Carrier;
  readonly #protocol: ProtocolSession;
  readonly #frames: ClientFrames;
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

  constructor({ parts, carrier, protocol, told, questions, release }: ConnectionOptions) {
    const { limits, timings, clock, randomness } = parts.settings;
    this.id = randomness.id();
    this.#parts = parts;
    this.#carrier = carrier;
    this.#told = told;
    this.#questions = questions;
    this.#release = release;
    this.#pending = new PendingRequests({
      clock,
      maxPending: limits.maxPendingRequests,
      cancel: (id) => this.#outbox.add(this.#protocol.cancel(id)),
    });
    this.#renewals = new Renewals({
      renew: (token) => this.#renew(token),
      reply: (id, reply) => this.#client?.reply(id, reply),
    });
    this.#frames = new ClientFrames({
      client: () => this.#admitted(),
      pending: this.#pending,
      renewals: this.#renewals,
      maxIgnored: limits.maxIgnored,
      onHello: (hello) => this.#entrance.hello(hello),
      onPing: () => this.#outbox.add(this.#protocol.pong()),
      onIgnored: (what) => parts.observers.tell('ignored', { ...this.reference, what }),
      onFailed: (code, reason) => this.end(code, reason),
      onViolated: (code, reason) => this.#reject(code, reason),
    });
    this.#protocol = protocol.open(this.#frames, told.hello);
    this.#gate = new InboundGate(carrier, limits, clock);
    this.#outbox = new Outbox({
      carrier,
      flusher: parts.flusher,
      maxBytes: limits.maxOutboxBytes,
      onHeldBack: () => this.#heartbeat.watchDraining(),
      onFull: () => this.#gate.setOutboxFull(true),
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
    this.#requests = new ClientRequests({
      protocol: this.#protocol,
      outbox: this.#outbox,
      pending: this.#pending,
      requestTimeoutMs: timings.requestTimeoutMs,
      canAnswer: told.hello === undefined,
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
    if (this.#told.hello !== undefined) this.#entrance.hello(this.#told.hello);
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

  /** Ends a client that broke the protocol, or may not come in. */
  #reject(code: number, reason: string): void {
    const { address } = this.#carrier.handshake;
    this.#parts.observers.tell('rejected', { why: reason, address, connection: this.id });
    this.end(code, reason);
  }

  #admit(greeting: Greeting | Refusal, hello: Hello): void {
    if (this.#ended) return;
    if ('code' in greeting) {
      this.#reject(greeting.code, greeting.reason);
      return;
    }
    const { userId } = greeting.identity;
    const { sessions, limits, disconnects } = this.#parts;
    if (disconnects.since(this.#told.began, greeting.addresses)) {
      this.#reject(closeCodes.ended, 'the session has ended');
      return;
    }
    // Nobody must wait for her own dead connection.
    const before = sessions.connectionOf(greeting.session);
    const place = before?.passUserPlace() ?? (userId === undefined ? undefined : limits.claimUser(userId));
    if (typeof place === 'string') {
      this.#reject(closeCodes.connectionLimit, place);
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
      onDropped: (what) => this.#frames.ignored(what, true),
      onError: (error) => this.#error(error),
    });
    this.#client = client;
    this.#parts.admitted(this);
    const byTicket = this.#told.ticket?.session === greeting.session;
    const last = sessions.attach({ ...greeting, userId, byTicket }, this);
    if (!this.#ended) client.begin(last);
    // The program was asked and told things on the way, and may have ended it.
    if (this.#ended) return;
    // What was said so far is for this client alone; what it has missed may be the same for many, who then share a batch.
    this.#outbox.flush();
    this.#identityWatch.watch(greeting.identity);
    this.#heartbeat.start();
    this.#parts.welcomed(this, greeting.resumed);
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
    const cost = this.#frames.read(text, this.#protocol);
    if (!this.#ended && cost > 0) this.#gate.charge(cost, text.length);
  }

  /** The client, if it was let in and is still there. */
  #admitted(): AdmittedClient | undefined {
    return this.#ended ? undefined : this.#client;
  }

  #ping(): void {
    this.#frames.renew();
    if (this.#outbox.hasRoom) this.#outbox.add(this.#protocol.ping(this.#client?.stream?.token));
  }

  #onRoom(): void {
    this.#gate.setOutboxFull(false);
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
    this.#parts.ended(this, code, reason);
  }
}
