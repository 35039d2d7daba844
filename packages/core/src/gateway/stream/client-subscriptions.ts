import type { Subscription } from '../../bus/api.ts';
import { parseFrom, resolveStart, type StartQuery } from '../../bus/delivery/start.ts';
import type { FeedStart } from '../../bus/log/feed.ts';
import type { Subscriber } from '../../bus/topic-table.ts';
import { formatCursor } from '../../cursor.ts';
import { HexbusError } from '../../errors.ts';
import { assertPattern, isPattern, patternsOverlap } from '../../pattern.ts';
import type { WireError, WireFrom, WireSubscription } from '../../ports/protocol.ts';
import { closeCodes } from '../../protocol/close-codes.ts';
import type { Rights, Verdict } from '../admission/rights.ts';
import type { ClientLine } from '../connection/client-line.ts';
import { notAllowed, wireErrorOf } from '../requests/wire-errors.ts';
import type { Deliveries } from './deliveries.ts';
import type { MergedStream } from './merged-stream.ts';
import { positionIn, type Token } from './token.ts';

/** What a client is told of the beginning of a subscription. Absent where nothing is retained. */
export interface SubscriptionAnswer {
  readonly start?: string;
  readonly head?: string;
  readonly token?: string;
  /** Its messages wait until they are handled. */
  readonly held?: true;
}

/** Whose subscriptions these are. */
export interface Follower {
  readonly rights: Rights;
  /** Undefined where the bus has no history. */
  readonly stream: MergedStream | undefined;
  /** Gets the messages of every subscription. */
  readonly subscriber: Subscriber;
  /** What hands the messages of held topics to the client. */
  readonly deliveries: Deliveries;
}

/** One subscription of a client. `active` from the moment at which its messages may be sent. */
interface ClientSubscription {
  readonly id: number;
  readonly topic: string;
  /** It goes on where the token of a resume covers it. */
  readonly covered: boolean;
  active: boolean;
  held: Subscription | undefined;
}

const unanswerable: WireError = {
  code: 'invalid',
  message: 'messages of this topic want answers, which this client cannot give',
  retryable: false,
};

/** What one client follows by name: asks for each whether it may, finds where it begins, and ends what is revoked. */
export class ClientSubscriptions {
  readonly #line: ClientLine;
  readonly #follower: Follower;
  readonly #all = new Map<number, ClientSubscription>();
  #ended = false;

  constructor(line: ClientLine, follower: Follower) {
    this.#line = line;
    this.#follower = follower;
  }

  /** `token`: where subscriptions go on that it covers. Takes effect at once where `authorize` answers at once and the start is known. */
  add({ id, topic, from }: WireSubscription, token?: Token): void {
    const { maxSubscriptions } = this.#line.parts.settings.limits;
    if (this.#ended) return;
    if (this.#all.size >= maxSubscriptions) {
      this.#tellRefused(id, {
        code: 'limit',
        message: `a client has at most ${maxSubscriptions} subscriptions`,
        retryable: false,
      });
      return;
    }
    const subscription: ClientSubscription = { id, topic, covered: from === 'covered', active: false, held: undefined };
    let start: StartQuery | FeedStart;
    try {
      assertPattern(topic);
      start = startOf(id, from, token);
    } catch (error) {
      this.#tellRefused(id, wireErrorOf(error));
      return;
    }
    this.#all.set(id, subscription);
    const begun = this.#begin(subscription, start);
    if (begun instanceof Promise) void begun;
  }

  remove(id: number): void {
    const subscription = this.#all.get(id);
    if (subscription === undefined) return;
    this.#all.delete(id);
    this.#stop(subscription);
  }

  /** Asks again for what overlaps a topic, or for all, and ends what is refused. Resolves with how many were. */
  async reauthorize(topic: string | undefined): Promise<number> {
    const { rights } = this.#follower;
    let refused = 0;
    const asked = [...this.#all.values()].filter(
      (one) => one.active && (topic === undefined || patternsOverlap(topic, one.topic)),
    );
    await Promise.all(
      asked.map(async (subscription) => {
        const verdict = await rights.toFollow(subscription.topic);
        if (verdict === 'allowed' || this.#all.get(subscription.id) !== subscription) return;
        this.#refuseBy(verdict, subscription);
        refused += 1;
      }),
    );
    return refused;
  }

  end(): void {
    this.#ended = true;
    const all = [...this.#all.values()];
    this.#all.clear();
    for (const subscription of all) this.#stop(subscription);
  }

  #begin(subscription: ClientSubscription, start: StartQuery | FeedStart): void | Promise<void> {
    const { topic } = subscription;
    const verdict = this.#follower.rights.toFollow(topic);
    if (verdict instanceof Promise) return this.#beginWhenAllowed(subscription, start, verdict);
    if (this.#ended) return;
    if (verdict === 'allowed') return this.#beginAllowed(subscription, start);
    this.#refuseBy(verdict, subscription);
  }

  async #beginWhenAllowed(
    subscription: ClientSubscription,
    start: StartQuery | FeedStart,
    asked: Promise<Verdict>,
  ): Promise<void> {
    const { rights } = this.#follower;
    const { revocations } = rights;
    const verdict = await asked;
    if (this.#all.get(subscription.id) !== subscription) return;
    if (revocations !== rights.revocations) await this.#begin(subscription, start);
    else if (verdict === 'allowed') await this.#beginAllowed(subscription, start);
    else this.#refuseBy(verdict, subscription);
  }

  #beginAllowed(subscription: ClientSubscription, start: StartQuery | FeedStart): void | Promise<void> {
    const { id, topic } = subscription;
    const { stream, subscriber } = this.#follower;
    const { topics, side } = this.#line.parts.internals;
    const isHeld = !isPattern(topic) && topics.isHeld(topic);
    if (isHeld && !this.#line.canAnswer) {
      this.#refuse(subscription, unanswerable);
      return;
    }
    if (isHeld && (start === 'now' || subscription.covered)) {
      this.#attach(subscription);
      return;
    }
    if (stream !== undefined && side !== undefined && !isHeld && topics.mayKeep(topic)) {
      const now = { epoch: side.tail.epoch, position: side.tail.head };
      if (start === 'now') this.#follow(subscription, now);
      else if ('position' in start) this.#follow(subscription, start);
      else return this.#beginLocated(subscription, start);
      return;
    }
    if (start !== 'now' && !subscription.covered) {
      const message = 'this topic keeps no history, so there is nothing to begin with but now';
      this.#refuse(subscription, { code: 'invalid', message, retryable: false });
      return;
    }
    topics.add([topic], subscriber);
    subscription.active = true;
    this.#answer(id, {});
  }

  /** The start is for the history to find. Meanwhile rights may be revoked, so they are asked again then. */
  async #beginLocated(subscription: ClientSubscription, query: Exclude<StartQuery, 'now' | FeedStart>): Promise<void> {
    const { parts } = this.#line;
    const { side } = parts.internals;
    if (side === undefined) return;
    const { rights } = this.#follower;
    const { revocations } = rights;
    try {
      const start = await parts.turns.run(async () => {
        // It may have ended while others had their turn.
        if (this.#all.get(subscription.id) !== subscription) return undefined;
        const now = { epoch: side.tail.epoch, position: side.tail.head };
        return resolveStart(side.history, [subscription.topic], query, now);
      });
      if (start === undefined || this.#all.get(subscription.id) !== subscription) return;
      if (revocations === rights.revocations) this.#follow(subscription, start);
      else await this.#begin(subscription, start);
    } catch (error) {
      parts.observers.error(error);
      if (this.#all.get(subscription.id) === subscription) this.#refuse(subscription, wireErrorOf(error));
    }
  }

  #follow(subscription: ClientSubscription, start: FeedStart): void {
    const { id, topic } = subscription;
    const { stream, subscriber } = this.#follower;
    const { matchers, internals } = this.#line.parts;
    const { topics, side } = internals;
    if (stream === undefined || side === undefined) return;
    topics.add([topic], subscriber);
    subscription.active = true;
    stream.add(id, [topic], matchers.take(topic), start);
    this.#answer(id, {
      start: formatCursor(start.epoch, start.position),
      head: formatCursor(side.tail.epoch, side.tail.head),
      token: stream.token,
    });
  }

  #attach(subscription: ClientSubscription): void {
    const { id, topic } = subscription;
    const { deliveries } = this.#follower;
    try {
      const { bus } = this.#line.parts;
      subscription.held = bus.subscribe(topic, (message, { signal }) => deliveries.deliver(id, message, signal));
      subscription.active = true;
      this.#answer(id, { held: true });
    } catch (error) {
      this.#refuse(subscription, wireErrorOf(error));
    }
  }

  #refuseBy(verdict: Exclude<Verdict, 'allowed'>, subscription: ClientSubscription): void {
    this.#refuse(subscription, notAllowed(verdict, 'following'));
    // Who only listens asks again by coming back.
    if (verdict === 'unknown' && !this.#line.canAnswer)
      this.#line.end(closeCodes.overloaded, 'what may be followed could not be found out');
  }

  #refuse(subscription: ClientSubscription, error: WireError): void {
    this.remove(subscription.id);
    this.#tellRefused(subscription.id, error);
  }

  #answer(id: number, answer: SubscriptionAnswer): void {
    const { outbox, protocol } = this.#line;
    outbox.add(protocol.subscribed(id, answer));
  }

  /** There is no such subscription, or no longer. */
  #tellRefused(id: number, error: WireError): void {
    const { outbox, protocol } = this.#line;
    outbox.add(protocol.reply(id, { ok: false, error }));
  }

  #stop({ id, topic, active, held }: ClientSubscription): void {
    if (!active) return;
    held?.unsubscribe();
    if (held !== undefined) return;
    const { stream, subscriber } = this.#follower;
    const { internals, matchers } = this.#line.parts;
    internals.topics.remove([topic], subscriber);
    if (stream?.has(id) !== true) return;
    stream.remove(id);
    matchers.release(topic);
  }
}

function startOf(id: number, from: WireFrom, token: Token | undefined): StartQuery | FeedStart {
  if (from !== 'covered') return parseFrom(from);
  if (token !== undefined) return { epoch: token.epoch, position: positionIn(token, id) };
  throw new HexbusError(
    'HEXBUS_INVALID_CURSOR',
    'nothing is covered without a token to resume at; begin anywhere else',
  );
}
