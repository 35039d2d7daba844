import type { CursorParts } from '../cursor.ts';
import type { Hello, ProtocolSession, WireError, WireReply } from '../ports/protocol.ts';
import type { Carrier } from '../ports/transport.ts';
import { createTopicMatcher } from '../retention.ts';
import type { ConnectionInfo, Identity } from './api.ts';
import { ClientAsks } from './client-asks.ts';
import { ClientSubscriptions } from './client-subscriptions.ts';
import { Deliveries } from './deliveries.ts';
import type { EventSender } from './event-sender.ts';
import { type Greeting, inboxId } from './greeting.ts';
import { MergedStream } from './merged-stream.ts';
import type { Outbox } from './outbox.ts';
import type { GatewayParts } from './parts.ts';
import type { PendingRequests } from './pending-requests.ts';
import type { Questions } from './questions.ts';
import { Rights } from './rights.ts';
import type { ServerEnd } from './sessions.ts';
import { parseToken, positionIn } from './token.ts';

export interface AdmittedClientOptions {
  readonly parts: GatewayParts;
  readonly connection: string;
  readonly greeting: Greeting;
  readonly hello: Hello;
  readonly carrier: Carrier;
  readonly protocol: ProtocolSession;
  readonly outbox: Outbox;
  readonly sender: EventSender;
  readonly pending: PendingRequests;
  /** False for a client that says nothing. */
  readonly canAnswer: boolean;
  readonly questions: Questions;
  /** Something that the client sent has no effect, through no fault of its own. */
  readonly onDropped: (what: string) => void;
  readonly onError: (error: unknown) => void;
}

/** What a connection has from WELCOME on: who its client is, what it follows, what it asks. */
export class AdmittedClient {
  readonly greeting: Greeting;
  readonly info: ConnectionInfo;
  readonly subscriptions: ClientSubscriptions;
  readonly asks: ClientAsks;
  readonly stream: MergedStream | undefined;
  readonly #deliveries: Deliveries;
  readonly #options: AdmittedClientOptions;
  #identity: Identity;
  #capabilities: readonly string[];
  #endFollowing: (() => void) | undefined;

  constructor(options: AdmittedClientOptions) {
    const { parts, connection, greeting, carrier, questions, sender, onDropped, onError } = options;
    this.#options = options;
    this.#identity = greeting.identity;
    this.greeting = greeting;
    this.#capabilities = this.#permitted();
    this.info = this.#describe(connection, carrier);
    const rights = new Rights({ parts, info: this.info, questions, onError });
    this.stream = this.#openStream();
    sender.stream = this.stream;
    const { protocol, outbox, pending, canAnswer } = options;
    const { handleTimeoutMs } = parts.internals;
    this.#deliveries = new Deliveries({ protocol, outbox, pending, handleTimeoutMs });
    this.subscriptions = new ClientSubscriptions({
      parts,
      rights,
      stream: this.stream,
      subscriber: sender,
      canAnswer,
      deliver: (id, message, signal) => this.#deliveries.deliver(id, message, signal),
      answer: (id, answer) => outbox.add(protocol.subscribed(id, answer)),
      refuse: (id, error) => this.#refuse(id, error),
    });
    this.asks = new ClientAsks({
      parts,
      info: this.info,
      rights,
      onDropped,
      onError,
      reply: (id, reply) => this.reply(id, reply),
    });
  }

  get identity(): Identity {
    return this.#identity;
  }

  /** Sends WELCOME, then whatever the client is to get. `last`: why the server ended the connection before this one. */
  begin(last: ServerEnd | undefined): void {
    const { parts, connection, greeting, hello, outbox, protocol, sender } = this.#options;
    const { session, secret, resumed, addresses, token, inboxStart, inboxHandled } = greeting;
    const { topics } = parts.internals;
    topics.add(addresses, sender);
    if (this.stream !== undefined) parts.internals.side?.followers.add(this.stream);
    if (inboxStart !== undefined)
      this.stream?.add(inboxId, addresses, createTopicMatcher(addresses, topics), inboxStart);
    if (inboxHandled !== undefined) this.#inboxHandled(inboxHandled);
    this.#followInbox();
    const { capabilities } = this.info;
    const { pingMs } = parts.settings.timings;
    outbox.add(
      protocol.welcome({ session, secret, connection, token: this.stream?.token, resumed, capabilities, pingMs, last }),
    );
    // A session that does not go on, or of which nobody knows how far it was, may have been addressed in vain.
    const goesOn = resumed && (token !== undefined || this.stream === undefined);
    if (hello.resume !== undefined && !goesOn) outbox.add(protocol.gap({ subs: [inboxId], why: 'reset' }));
    for (const subscription of hello.subscriptions) this.subscriptions.add(subscription, token);
  }

  /** The client has handled everything up to this token. False for a token that it cannot have. */
  acknowledge(text: string): boolean {
    const { stream } = this;
    const token = parseToken(text);
    if (stream === undefined || token === undefined) return false;
    const { epoch, position } = stream.position;
    // Nobody can have handled what was not sent; and what was sent in another epoch is no longer there.
    if (token.epoch !== epoch || token.position > position) return false;
    const sent = stream.sent(inboxId);
    if (sent !== undefined)
      this.#inboxHandled({ epoch, position: Math.min(positionIn(token, inboxId), sent.position) });
    return true;
  }

  /** The client has proved who it is once more. False when it is somebody else now. */
  renew(identity: Identity): boolean {
    if (identity.userId !== this.#identity.userId) return false;
    this.#identity = identity;
    this.#capabilities = this.#permitted();
    return true;
  }

  /** There is room in the outbox again. */
  onRoom(): void {
    this.#deliveries.onRoom();
    this.#options.sender.onRoom();
  }

  reply(id: number, reply: WireReply): void {
    const { outbox, protocol, onError } = this.#options;
    try {
      outbox.add(protocol.reply(id, reply));
    } catch (error) {
      // What a handler returned is nothing that JSON can carry.
      onError(error);
      const failed = { code: 'remote-error', message: 'the answer cannot be sent', retryable: false } as const;
      outbox.add(protocol.reply(id, { ok: false, error: failed }));
    }
  }

  end(): void {
    const { parts, greeting, sender } = this.#options;
    parts.internals.topics.remove(greeting.addresses, sender);
    this.subscriptions.end();
    this.asks.end();
    this.#endFollowing?.();
    if (this.stream === undefined) return;
    parts.internals.side?.followers.delete(this.stream);
    this.stream.end();
  }

  #inboxHandled(cursor: CursorParts): void {
    const { userAddress } = this.greeting;
    if (userAddress !== undefined) this.#options.parts.userCursors?.acknowledged(userAddress, cursor);
  }

  /** What it has handled, a client that says nothing tells by what it comes back with. */
  #followInbox(): void {
    const { parts, greeting, canAnswer } = this.#options;
    if (canAnswer || greeting.userAddress === undefined) return;
    this.#endFollowing = parts.userCursors?.sent.follow(greeting.userAddress, () => this.stream?.sent(inboxId));
  }

  #openStream(): MergedStream | undefined {
    const { parts, greeting, sender } = this.#options;
    const { side } = parts.internals;
    if (side === undefined) return undefined;
    const start = greeting.token ?? greeting.inboxStart ?? { epoch: side.tail.epoch, position: side.tail.head };
    return new MergedStream(side, sender, start);
  }

  /** The capabilities that were both offered and permitted. */
  #permitted(): readonly string[] {
    const permitted = new Set(this.#identity.capabilities);
    return [...new Set(this.#options.hello.capabilities)].filter((one) => permitted.has(one));
  }

  #describe(id: string, { handshake }: Carrier): ConnectionInfo {
    const identity = (): Identity => this.#identity;
    const capabilities = (): readonly string[] => this.#capabilities;
    return {
      id,
      session: this.greeting.session,
      get identity() {
        return identity();
      },
      get capabilities() {
        return capabilities();
      },
      handshake,
      connectedAt: this.#options.parts.settings.clock.now(),
    };
  }

  #refuse(id: number, error: WireError): void {
    this.reply(id, { ok: false, error });
  }
}
