import {
  encodeAcknowledge,
  encodeAuthenticate,
  encodePong,
  encodeSubscribe,
  encodeUnsubscribe,
  type Hello,
  HexbusError,
  type Reconnect,
  type ServerFrame,
  type Welcome,
} from '@hexbus/core/wire';
import { Acknowledgements } from './acknowledgements.ts';
import { Answers } from './answers.ts';
import { Backlog } from './backlog.ts';
import { type Close, Connector, type ConnectorHost } from './connector.ts';
import type { ClientObservers } from './observers.ts';
import type { ClientSettings } from './options.ts';
import { Progress } from './progress.ts';
import { RequestHandlers } from './request-handlers.ts';
import { Requests } from './requests.ts';
import type { Runtime } from './runtime.ts';
import { SessionKeeper } from './session-keeper.ts';
import { Stream } from './stream.ts';
import type { FollowedTopic, SubscriptionHost } from './subscription.ts';

/** What the client is told of the connection. */
export interface ConversationHost {
  welcomed(): void;
  /** `retryMs`: when the next attempt begins; undefined while handlers catch up. */
  lost(close: Close, retryMs: number | undefined): void;
  /** For good. */
  refused(close: Close): void;
}

/** What is said on a connection, and what of it outlives the connection. */
export class Conversation implements ConnectorHost, SubscriptionHost {
  readonly keeper: SessionKeeper;
  readonly connector: Connector;
  readonly requests: Requests;
  readonly handlers: RequestHandlers;
  readonly stream: Stream;
  readonly runtime: Runtime;
  readonly acknowledgements: Acknowledgements;
  readonly #settings: ClientSettings;
  readonly #observers: ClientObservers;
  readonly #host: ConversationHost;
  /** Subscriptions of an earlier client for which the inherited token holds; nobody's from the first HELLO on. */
  #inherited: (readonly [id: number, topic: string])[];
  #welcome: Welcome | undefined;
  /** What HELLO said, if it said any. */
  #resumedAt: string | undefined;
  /** Too much waits to be handled: until it is, connections are there for asking only, and their streams are passed over. */
  #catchingUp = false;
  /** How far handling was when the last connection with a stream began. */
  #handledBefore: string | undefined;
  /** What the server was told last on this connection: quiet ones get the same token with every PING. */
  #acknowledged: string | undefined;

  constructor(settings: ClientSettings, observers: ClientObservers, host: ConversationHost) {
    const { clock, limits, timings } = settings;
    this.#settings = settings;
    this.#observers = observers;
    this.#host = host;
    this.keeper = new SessionKeeper(settings.session, observers);
    const { token, covered = [] } = this.keeper.inherited ?? {};
    this.#inherited = [...covered];
    this.connector = new Connector(settings, this);
    this.acknowledgements = new Acknowledgements(clock, timings.acknowledgeMs, () => this.#acknowledge());
    const send = (frame: string): boolean => this.connector.send(frame);
    const lastId = Math.max(0, ...covered.map(([id]) => id));
    this.requests = new Requests(clock, lastId, (frame) => this.connector.sendAsk(frame));
    this.runtime = {
      settings,
      clock,
      handling: { ...timings, maxTries: limits.maxTries },
      observers,
      backlog: new Backlog(limits, () => this.#caughtUp()),
      progress: new Progress(token, () => this.acknowledgements.due()),
      answers: new Answers(send),
    };
    this.handlers = new RequestHandlers(this.runtime);
    this.stream = new Stream(this.runtime);
  }

  /** The last one. */
  get welcome(): Welcome | undefined {
    return this.#welcome;
  }

  /** The id for a new subscription, and whether the inherited token holds for it. */
  idFor(topic: string): { readonly id: number; readonly covered: boolean } {
    const index = this.#inherited.findIndex(([, other]) => other === topic);
    const [known] = index < 0 ? [] : this.#inherited.splice(index, 1);
    return known === undefined ? { id: this.requests.nextId(), covered: false } : { id: known[0], covered: true };
  }

  ask(subscription: FollowedTopic): void {
    // The next HELLO says it.
    if (this.#catchingUp) return;
    const resumed = this.#resumedAt === this.runtime.progress.token;
    this.connector.sendSoon(encodeSubscribe(this.stream.wish(subscription, resumed)));
  }

  ended(subscription: FollowedTopic, answered: Promise<void> | undefined): void {
    this.stream.remove(subscription);
    // At once: of a page that is killed now, the next would give this place to another subscription to the topic.
    if (this.#welcome !== undefined) this.#save();
    // What the server has ended it knows already.
    if (subscription.state !== 'ended') return;
    const { connection } = this.stream;
    const tell = (): void => {
      // HELLO of a later connection has not asked for it.
      if (connection === this.stream.connection && !this.#catchingUp)
        this.connector.sendSoon(encodeUnsubscribe(subscription.id));
    };
    if (answered === undefined) tell();
    else void answered.then(tell);
  }

  hello(): Hello {
    this.#inherited = [];
    const { token } = this.runtime.progress;
    this.#resumedAt = token;
    const subscriptions = this.stream.begin(!this.#catchingUp);
    const { capabilities } = this.#settings;
    return { subscriptions, capabilities, ...this.keeper.place(token) };
  }

  welcomed(welcome: Welcome): void {
    const isNew = this.#welcome === undefined && this.keeper.inherited === undefined;
    this.#welcome = welcome;
    this.keeper.welcomed(welcome);
    // A token that was resumed at stays until the stream brings one that covers what was asked for.
    if (this.#resumedAt === undefined && !this.#catchingUp) this.stream.token(welcome.token);
    if (!this.#catchingUp) this.#handledBefore = this.runtime.progress.handled;
    this.#save();
    if (!isNew && !welcome.resumed)
      this.#observers.tell('gap', { why: 'session-lost', subscriptions: [], inbox: true });
    this.#host.welcomed();
  }

  received(frame: ServerFrame, size: number): void {
    if (!this.#catchingUp && this.#streamed(frame, size)) {
      if (this.runtime.backlog.full) this.#overflow();
      return;
    }
    switch (frame.kind) {
      case 'delivery':
        this.stream.delivery(frame, size);
        break;
      case 'notification':
        this.handlers.notified(frame.name, frame.body);
        break;
      case 'request':
        this.handlers.requested(frame.name, frame.body, frame.id, frame.timeoutMs);
        break;
      case 'reply':
        this.requests.replied(frame.id, frame.reply);
        break;
      case 'cancel':
        this.runtime.answers.cancel(frame.id);
        break;
      case 'expiring':
        if (this.#settings.tokenRenews) void this.#renew();
        break;
      case 'ping':
        this.connector.send(encodePong());
        break;
    }
  }

  lost(close: Close, how: Reconnect, retryMs: number | undefined): void {
    if (how === 'new-session') this.keeper.forget();
    this.#detach();
    this.#host.lost(close, retryMs);
  }

  refused(close: Close): void {
    this.#detach();
    this.keeper.ended();
    this.#host.refused(close);
  }

  failed(error: unknown): void {
    this.#observers.tell('error', { error });
  }

  /** Hangs up and leaves nothing behind. What was handled is acknowledged before. */
  async close(): Promise<void> {
    this.acknowledgements.end();
    this.#save();
    this.#detach();
    await this.connector.close();
  }

  /** Takes what the frame says of the stream. Tells whether that is all. */
  #streamed(frame: ServerFrame, size: number): boolean {
    switch (frame.kind) {
      case 'event':
        this.stream.event(frame, size);
        return true;
      case 'event-for':
        this.stream.eventFor(frame, size);
        return true;
      case 'gap':
        this.stream.gap(frame.gap);
        return true;
      case 'reply':
        return this.stream.replied(frame.id, frame.reply);
      case 'ping':
        this.stream.token(frame.token);
        return false;
      default:
        return false;
    }
  }

  /** Handlers may wait for answers, so the connection stays for those. */
  #overflow(): void {
    this.#catchingUp = true;
    if (this.requests.idle) this.connector.pause('too much waits to be handled');
  }

  #caughtUp(): void {
    if (!this.#catchingUp) return;
    this.#catchingUp = false;
    this.stream.missed();
    const { handled } = this.runtime.progress;
    // Else what cannot be handled would come again and again.
    this.connector.restart('what waited is handled', handled !== undefined && handled === this.#handledBefore);
  }

  #detach(): void {
    this.#acknowledged = undefined;
    this.requests.clear();
    this.runtime.answers.clear();
    this.stream.detach();
  }

  #acknowledge(): void {
    const { handled, connection } = this.runtime.progress;
    // One that an earlier connection brought says nothing to this one.
    if (handled !== undefined && handled !== this.#acknowledged && connection === this.stream.connection) {
      if (this.connector.send(encodeAcknowledge(handled), true)) this.#acknowledged = handled;
    }
    this.#save();
  }

  #save(): void {
    this.keeper.save(this.runtime.progress.token, this.stream.covered);
  }

  async #renew(): Promise<void> {
    const { token, timings } = this.#settings;
    try {
      const credential = await token();
      if (credential === undefined) return;
      const settled = await this.requests.ask((id) => encodeAuthenticate(id, credential), {
        timeoutMs: timings.requestTimeoutMs,
      });
      if (settled.how !== 'replied' || settled.reply.ok) return;
      const { code, message } = settled.reply.error;
      this.failed(new HexbusError('HEXBUS_REFUSED', `the server refused the fresh token (${code}): ${message}`));
    } catch (error) {
      this.failed(error);
    }
  }
}
