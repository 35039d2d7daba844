import type { Subscriber } from '../../bus/topic-table.ts';
import type { CursorParts } from '../../cursor.ts';
import type { Hello, WireReply, WireSubscription } from '../../ports/protocol.ts';
import { Rights } from '../admission/rights.ts';
import type { ConnectionInfo, Identity } from '../api.ts';
import { ClientAsks } from '../requests/client-asks.ts';
import type { ServerEnd } from '../sessions/sessions.ts';
import { ClientSubscriptions, type Follower } from '../stream/client-subscriptions.ts';
import { Deliveries } from '../stream/deliveries.ts';
import type { EventSender } from '../stream/event-sender.ts';
import { MergedStream } from '../stream/merged-stream.ts';
import { parseToken, positionIn, type Token } from '../stream/token.ts';
import type { ClientLine } from './client-line.ts';
import { type Greeting, inboxId } from './greeting.ts';

/** What a connection has from WELCOME on: who its client is, what it follows, what it asks. */
export class AdmittedClient implements Follower {
  /** Where it receives. */
  readonly addresses: readonly string[];
  readonly stream: MergedStream | undefined;
  readonly rights: Rights;
  readonly subscriptions: ClientSubscriptions;
  readonly #line: ClientLine;
  readonly #sender: EventSender;
  readonly #userAddress: string | undefined;
  /** Where subscriptions go on that it covers. */
  readonly #token: Token | undefined;
  /** The capabilities that it has offered. */
  readonly #offered: readonly string[];
  readonly #info: { -readonly [Field in keyof ConnectionInfo]: ConnectionInfo[Field] };
  #asks: ClientAsks | undefined;
  #deliveries: Deliveries | undefined;
  #endFollowing: (() => void) | undefined;

  constructor(line: ClientLine, sender: EventSender, greeting: Greeting, { capabilities }: Hello) {
    const { id, carrier, parts } = line;
    const { session, identity, addresses, userAddress, token } = greeting;
    this.#line = line;
    this.#sender = sender;
    this.addresses = addresses;
    this.#userAddress = userAddress;
    this.#token = token;
    this.#offered = capabilities;
    this.#info = {
      id,
      session,
      identity,
      capabilities: permitted(capabilities, identity),
      handshake: carrier.handshake,
      connectedAt: parts.settings.clock.now(),
    };
    this.rights = new Rights(line, this.#info);
    this.stream = this.#openStream(greeting);
    sender.stream = this.stream;
    this.subscriptions = new ClientSubscriptions(line, this);
  }

  get info(): ConnectionInfo {
    return this.#info;
  }

  get subscriber(): Subscriber {
    return this.#sender;
  }

  /** What it asks. Made when it asks first, as most clients only follow. */
  get asks(): ClientAsks {
    this.#asks ??= new ClientAsks(this.#line, {
      info: this.#info,
      rights: this.rights,
      reply: (id, reply) => this.reply(id, reply),
    });
    return this.#asks;
  }

  get deliveries(): Deliveries {
    this.#deliveries ??= new Deliveries(this.#line);
    return this.#deliveries;
  }

  /** Sends WELCOME, then whatever the client is to get. `last`: why the server ended the connection before this one. */
  begin(greeting: Greeting, hello: Hello, last: ServerEnd | undefined): void {
    const { parts, id: connection, outbox, protocol } = this.#line;
    const { session, secret, resumed, addresses, token, inboxStart, inboxHandled } = greeting;
    const { topics, side } = parts.internals;
    topics.add(addresses, this.#sender);
    if (this.stream !== undefined) side?.followers.add(this.stream);
    if (inboxStart !== undefined) {
      const matches = (topic: string): boolean => addresses.includes(topic);
      this.stream?.add(inboxId, addresses, { only: undefined, matches }, inboxStart);
    }
    if (inboxHandled !== undefined) this.#inboxHandled(inboxHandled);
    this.#followInbox();
    const { capabilities } = this.#info;
    const { pingMs } = parts.settings.timings;
    outbox.add(
      protocol.welcome({ session, secret, connection, token: this.stream?.token, resumed, capabilities, pingMs, last }),
    );
    // A session that does not go on, or of which nobody knows how far it was, may have been addressed in vain.
    const goesOn = resumed && (token !== undefined || this.stream === undefined);
    if (hello.resume !== undefined && !goesOn) outbox.add(protocol.gap({ subs: [inboxId], why: 'reset' }));
    for (const subscription of hello.subscriptions) this.subscribe(subscription);
  }

  subscribe(subscription: WireSubscription): void {
    this.subscriptions.add(subscription, this.#token);
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
    if (identity.userId !== this.#info.identity.userId) return false;
    this.#info.identity = identity;
    this.#info.capabilities = permitted(this.#offered, identity);
    return true;
  }

  /**
   * Its rights of a topic, or all of them, may be others now: ends what it follows and may not any more. Resolves with how much, once what it has
   * published as it was allowed before is through.
   */
  async reauthorize(topic: string | undefined): Promise<number> {
    this.rights.revoked();
    const [refused] = await Promise.all([this.subscriptions.reauthorize(topic), this.#asks?.published(topic)]);
    return refused;
  }

  /** There is room in the outbox again. */
  onRoom(): void {
    this.#deliveries?.onRoom();
    this.#sender.onRoom();
  }

  reply(id: number, reply: WireReply): void {
    const { outbox, protocol } = this.#line;
    try {
      outbox.add(protocol.reply(id, reply));
    } catch (error) {
      // What a handler returned is nothing that JSON can carry.
      this.#line.onError(error);
      const failed = { code: 'remote-error', message: 'the answer cannot be sent', retryable: false } as const;
      outbox.add(protocol.reply(id, { ok: false, error: failed }));
    }
  }

  end(): void {
    const { topics, side } = this.#line.parts.internals;
    topics.remove(this.addresses, this.#sender);
    this.subscriptions.end();
    this.#asks?.end();
    this.#endFollowing?.();
    if (this.stream === undefined) return;
    side?.followers.delete(this.stream);
    this.stream.end();
  }

  #inboxHandled(cursor: CursorParts): void {
    if (this.#userAddress !== undefined) this.#line.parts.userCursors?.acknowledged(this.#userAddress, cursor);
  }

  /** What it has handled, a client that says nothing tells by what it comes back with. */
  #followInbox(): void {
    const { parts, canAnswer } = this.#line;
    if (canAnswer || this.#userAddress === undefined) return;
    this.#endFollowing = parts.userCursors?.sent.follow(this.#userAddress, () => this.stream?.sent(inboxId));
  }

  #openStream({ token, inboxStart }: Greeting): MergedStream | undefined {
    const { internals, turns } = this.#line.parts;
    const { side } = internals;
    if (side === undefined) return undefined;
    const start = token ?? inboxStart ?? { epoch: side.tail.epoch, position: side.tail.head };
    return new MergedStream(side, this.#sender, start, turns);
  }
}

/** The capabilities that were both offered and permitted. */
function permitted(offered: readonly string[], { capabilities }: Identity): readonly string[] {
  const found = new Set(capabilities);
  return [...new Set(offered)].filter((one) => found.has(one));
}
