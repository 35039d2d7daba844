import type { Message } from '../../message.ts';
import type { Hello, ProtocolSession, WireProtocol, WireReply } from '../../ports/protocol.ts';
import type { Carrier, CarrierListener } from '../../ports/transport.ts';
import { closeCodes, reconnectAfter } from '../../protocol/close-codes.ts';
import { comeBackAfter } from '../admission/come-back.ts';
import type { Release } from '../admission/connection-limits.ts';
import type { Questions } from '../admission/questions.ts';
import type { ConnectionInfo, Outcome, RequestOptions } from '../api.ts';
import type { ConnectionReference } from '../observers.ts';
import type { GatewayParts } from '../parts.ts';
import { askClient } from '../requests/client-requests.ts';
import { PendingRequests } from '../requests/pending-requests.ts';
import { refusal } from '../requests/wire-errors.ts';
import type { ServerEnd } from '../sessions/sessions.ts';
import type { CursorTexts } from '../stream/cursor-texts.ts';
import { EventSender, type EventSenderHost } from '../stream/event-sender.ts';
import { AdmittedClient } from './admitted-client.ts';
import { ClientFrames, type ClientFramesHost } from './client-frames.ts';
import type { ClientLine } from './client-line.ts';
import { Entrance, type EntranceHost } from './entrance.ts';
import type { Greeting, Refusal } from './greeting.ts';
import { Heartbeat, type HeartbeatHost } from './heartbeat.ts';
import { IdentityWatch, type IdentityWatchHost } from './identity-watch.ts';
import { InboundGate } from './inbound-gate.ts';
import { Linger } from './linger.ts';
import type { LiveConnection } from './live-connection.ts';
import { Outbox, type OutboxOwner } from './outbox.ts';
import { Renewals } from './renewals.ts';
import type { Told } from './told.ts';

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
 * and leaves nothing behind. Knows no sockets and no frames. What its parts tell it are methods, since closures for each take time and memory when
 * many clients come.
 */
export class Connection
  implements
    LiveConnection,
    CarrierListener,
    ClientLine,
    ClientFramesHost,
    EntranceHost,
    EventSenderHost,
    HeartbeatHost,
    IdentityWatchHost,
    OutboxOwner
{
  readonly id: string;
  readonly parts: GatewayParts;
  readonly carrier: Carrier;
  readonly protocol: ProtocolSession;
  readonly outbox: Outbox;
  readonly questions: Questions;
  readonly #told: Told;
  readonly #release: Release;
  readonly #frames: ClientFrames;
  readonly #sender: EventSender;
  readonly #gate: InboundGate;
  readonly #heartbeat: Heartbeat;
  readonly #identityWatch: IdentityWatch;
  /** Until WELCOME. */
  #entrance: Entrance | undefined;
  #client: AdmittedClient | undefined;
  #releaseUser: Release | undefined;
  #pending: PendingRequests | undefined;
  #renewals: Renewals | undefined;
  #linger: Linger | undefined;
  #ended = false;

  constructor({ parts, carrier, protocol, told, questions, release }: ConnectionOptions) {
    const { limits, timings, clock, randomness } = parts.settings;
    this.id = randomness.id();
    this.parts = parts;
    this.carrier = carrier;
    this.questions = questions;
    this.#told = told;
    this.#release = release;
    this.#frames = new ClientFrames(this, limits.maxIgnored);
    this.protocol = protocol.open(this.#frames, told.hello);
    this.outbox = new Outbox(carrier, parts.flusher, limits.maxOutboxBytes, this);
    this.#sender = new EventSender(this);
    this.#gate = new InboundGate(carrier, limits, clock);
    this.#heartbeat = new Heartbeat(clock, timings, this);
    this.#identityWatch = new IdentityWatch(clock, timings, this);
    this.#entrance = new Entrance(this, told, this);
  }

  get info(): ConnectionInfo | undefined {
    return this.#client?.info;
  }

  get addresses(): readonly string[] {
    return this.#client?.addresses ?? [];
  }

  get reference(): ConnectionReference {
    return {
      connection: this.id,
      session: this.info?.session ?? '',
      userId: (this.info?.identity ?? this.#told.identity)?.userId,
      transport: this.carrier.handshake.transport,
    };
  }

  get admitted(): AdmittedClient | undefined {
    return this.#ended ? undefined : this.#client;
  }

  get lag(): number {
    return this.#client?.stream?.lag ?? 0;
  }

  get bufferedBytes(): number {
    return this.outbox.bytes;
  }

  get canAnswer(): boolean {
    return this.#told.hello === undefined;
  }

  get cursors(): CursorTexts {
    return this.parts.cursors;
  }

  get isDeaf(): boolean {
    return this.#gate.isShut || !this.canAnswer;
  }

  /** Made when the client is asked first. */
  get pending(): PendingRequests {
    if (this.#pending === undefined) {
      const { limits, clock } = this.parts.settings;
      const cancel = (id: number): void => this.outbox.add(this.protocol.cancel(id));
      this.#pending = new PendingRequests({ clock, maxPending: limits.maxPendingRequests, cancel });
      if (this.#ended) this.#pending.disconnect();
    }
    return this.#pending;
  }

  /** Made when the client first brings a fresh credential. */
  get renewals(): Renewals {
    this.#renewals ??= new Renewals({
      renew: (token) => this.#renew(token),
      reply: (id, reply) => this.#client?.reply(id, reply),
    });
    return this.#renewals;
  }

  /** Hears what the handshake said, or starts to wait for HELLO. */
  begin(): void {
    this.#entrance?.begin();
    if (this.#told.hello !== undefined) this.onHello(this.#told.hello);
  }

  request(name: string, body: unknown, options: RequestOptions): Promise<Outcome> {
    return askClient(this, name, body, options);
  }

  passUserPlace(): Release | undefined {
    const place = this.#releaseUser;
    this.#releaseUser = undefined;
    return place;
  }

  async revoke(topic: string | undefined): Promise<number> {
    const refused = await this.#client?.reauthorize(topic);
    // What was encoded before goes out before this resolves.
    this.outbox.flush();
    return refused ?? 0;
  }

  end(code: number, reason: string, afterMs: number = comeBackAfter(code, this.parts.settings.randomness)): void {
    if (this.#ended) return;
    this.outbox.add(this.protocol.bye({ code, reason, reconnect: reconnectAfter(code) !== 'no', afterMs }));
    this.outbox.flush();
    this.#letGo(code, reason, { code, reason });
    const { clock, timings } = this.parts.settings;
    this.#linger = new Linger(this.carrier, this.outbox);
    this.#linger.begin(clock, timings.stallTimeoutMs);
    this.carrier.close(code, reason);
  }

  terminate(code: number, reason: string): void {
    this.#letGo(code, reason, { code, reason });
    this.carrier.terminate();
  }

  received(text: string): void {
    if (this.#ended) return;
    this.#heartbeat.alive();
    if (this.#entrance?.keeps(text) !== true) this.#receive(text);
  }

  drained(): void {
    this.outbox.drained();
  }

  closed(code: number, reason: string): void {
    this.#letGo(code, reason, undefined);
    this.#linger?.end();
    this.#release();
    this.passUserPlace()?.();
    this.parts.gone(this);
  }

  /** Ends a client that broke the protocol, or may not come in. */
  reject(code: number, reason: string): void {
    const { address } = this.carrier.handshake;
    this.parts.observers.tell('rejected', { why: reason, address, connection: this.id });
    this.end(code, reason);
  }

  onHello(hello: Hello): void {
    this.#entrance?.hello(hello);
  }

  onGreeted(greeting: Greeting | Refusal, hello: Hello): void {
    if (this.#ended) return;
    if ('code' in greeting) {
      this.reject(greeting.code, greeting.reason);
      return;
    }
    const { userId } = greeting.identity;
    const { sessions, limits, disconnects } = this.parts;
    if (disconnects.since(this.#told.began, greeting.addresses)) {
      this.reject(closeCodes.ended, 'the session has ended');
      return;
    }
    // Nobody must wait for her own dead connection.
    const before = sessions.connectionOf(greeting.session);
    const place = before?.passUserPlace() ?? (userId === undefined ? undefined : limits.claimUser(userId));
    if (typeof place === 'string') {
      this.reject(closeCodes.connectionLimit, place);
      return;
    }
    this.#releaseUser = place;
    const client = new AdmittedClient(this, this.#sender, greeting, hello);
    this.#client = client;
    this.parts.admitted(this);
    const byTicket = this.#told.ticket?.session === greeting.session;
    const last = sessions.attach({ ...greeting, userId, byTicket }, this);
    if (!this.#ended) client.begin(greeting, hello, last);
    // The program was asked and told things on the way, and may have ended it.
    if (this.#ended) return;
    // What was said so far is for this client alone; what it has missed may be the same for many, who then share a batch.
    this.outbox.flush();
    this.#identityWatch.watch(greeting.identity);
    this.#heartbeat.start();
    this.parts.welcomed(this, greeting.resumed);
    const early = this.#entrance?.opened() ?? [];
    this.#entrance = undefined;
    for (const text of early) this.#receive(text);
  }

  onPing(): void {
    this.outbox.add(this.protocol.pong());
  }

  onIgnored(what: string, mayHaveCrossed: boolean): void {
    this.#frames.ignored(what, mayHaveCrossed);
  }

  tellIgnored(what: string): void {
    this.parts.observers.tell('ignored', { ...this.reference, what });
  }

  onBeat(): void {
    this.#frames.renew();
    if (this.outbox.hasRoom) this.outbox.add(this.protocol.ping(this.#client?.stream?.token));
  }

  onDead(): void {
    this.terminate(closeCodes.heartbeatTimeout, 'no sign of life');
  }

  onStalled(): void {
    this.parts.observers.tell('stalled', { ...this.reference, bufferedBytes: this.carrier.bufferedBytes });
    this.terminate(closeCodes.slowConsumer, 'took nothing for too long');
  }

  onExpiring(inMs: number): void {
    this.outbox.add(this.protocol.expiring(inMs));
  }

  onExpired(): void {
    this.end(closeCodes.tokenExpired, 'the identity has expired');
  }

  onHeldBack(): void {
    this.#heartbeat.watchDraining();
  }

  onFull(): void {
    this.#gate.setOutboxFull(true);
  }

  onRoom(): void {
    this.#gate.setOutboxFull(false);
    this.#client?.onRoom();
  }

  onDropped({ topic, id }: Message): void {
    this.parts.observers.tell('dropped', { ...this.reference, topic, id });
  }

  onError(error: unknown): void {
    this.parts.observers.error(error, { connection: this.reference });
  }

  async #renew(token: string): Promise<WireReply | undefined> {
    const { authenticator } = this.parts;
    const found = await authenticator.byToken(token, this.carrier.handshake, this.questions);
    const client = this.admitted;
    if (client === undefined) return undefined;
    if (found === 'refused' || found === 'failed')
      return refusal('unauthenticated', 'the token was not accepted', found === 'failed');
    if (!client.renew(found)) {
      this.end(closeCodes.forbidden, 'a connection keeps its user');
      return undefined;
    }
    this.#identityWatch.watch(found);
    this.parts.renewed(this);
    // What it has followed as who it was may be forbidden now.
    await client.reauthorize(undefined);
    return { ok: true, body: null };
  }

  #receive(text: string): void {
    if (this.#ended) return;
    const cost = this.#frames.read(text, this.protocol);
    if (!this.#ended && cost > 0) this.#gate.charge(cost, text.length);
  }

  /** `last`: what a client that comes back is told. */
  #letGo(code: number, reason: string, last: ServerEnd | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#entrance?.end();
    this.questions.end();
    this.#heartbeat.end();
    this.#identityWatch.end();
    this.#gate.end();
    this.outbox.end();
    const client = this.#client;
    if (client === undefined) this.#told.ticket?.giveBack();
    else {
      client.end();
      this.parts.sessions.detach(client.info.session, this, last);
    }
    this.#pending?.disconnect();
    this.parts.ended(this, code, reason);
  }
}
