import {
  type HexbusError,
  matchesPattern,
  patternsOverlap,
  readSubscribed,
  type ServerFrame,
  type WireGap,
  type WireReply,
  type WireSubscription,
} from '@hexbus/core/wire';
import { failure } from './answers.ts';
import { placeOf } from './high-water.ts';
import { Inbox } from './inbox.ts';
import type { Step } from './progress.ts';
import type { Runtime } from './runtime.ts';
import type { FollowedTopic } from './subscription.ts';

type FrameOf<Kind extends ServerFrame['kind']> = Extract<ServerFrame, { readonly kind: Kind }>;

/** The id under which the server names what is addressed to this client. */
const inboxId = 0;

/** A token that is a cursor: nothing of the connection is catching up. */
const plainToken = /^[\w-]+\.\d+$/;

/** Everything that the server sends in one order, and whom it is for. */
export class Stream {
  readonly inbox: Inbox;
  readonly #runtime: Runtime;
  readonly #subscriptions = new Map<number, FollowedTopic>();
  #connection = 0;
  #halted = false;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
    this.inbox = new Inbox(runtime);
  }

  /** Counts the connections that began. */
  get connection(): number {
    return this.#connection;
  }

  /** Those for which the present token holds. */
  get covered(): readonly (readonly [number, string])[] {
    const covered = [...this.#subscriptions.values()].filter((each) => this.#runtime.progress.covers(each));
    return covered.map(({ id, topic }) => [id, topic]);
  }

  add(subscription: FollowedTopic): void {
    this.#subscriptions.set(subscription.id, subscription);
  }

  remove(subscription: FollowedTopic): void {
    this.#subscriptions.delete(subscription.id);
    this.#runtime.progress.forget(subscription);
  }

  /** A connection begins that resumes at the present token, if there is one. What to ask for; nothing where it brings no stream. */
  begin(streams: boolean): readonly WireSubscription[] {
    this.#connection += 1;
    return streams ? [...this.#subscriptions.values()].map((subscription) => this.wish(subscription, true)) : [];
  }

  /** What to ask for, on a connection that has resumed at the present token or not. */
  wish(subscription: FollowedTopic, resumed: boolean): WireSubscription {
    const { id, topic, from } = subscription;
    return { id, topic, from: resumed && this.#runtime.progress.covers(subscription) ? 'covered' : from };
  }

  event({ message, cursor }: FrameOf<'event'>, size: number): void {
    const at = placeOf(cursor);
    const step = this.#begin(cursor);
    if (message.topic.startsWith('@')) this.inbox.offer(message, at, size, step);
    else {
      for (const subscription of this.#subscriptions.values()) {
        if (subscription.attached && matchesPattern(subscription.topic, message.topic))
          subscription.offer(message, at, size, step);
      }
    }
    this.#end(step);
  }

  eventFor({ message, cursor, subs, token }: FrameOf<'event-for'>, size: number): void {
    const at = placeOf(cursor);
    const step = this.#begin(token);
    for (const id of subs) {
      if (id === inboxId) this.inbox.offer(message, at, size, step);
      else this.#subscriptions.get(id)?.offer(message, at, size, step);
    }
    this.#end(step);
  }

  delivery(frame: FrameOf<'delivery'>, size: number): void {
    const subscription = this.#subscriptions.get(frame.sub);
    if (subscription !== undefined) {
      subscription.deliver(frame, size);
      return;
    }
    const asked = { id: frame.id, cancelled: (): void => undefined };
    this.#runtime.answers.begin(asked);
    this.#runtime.answers.reply(asked, failure('cancelled', 'the subscription has ended'));
  }

  gap(gap: WireGap): void {
    const { subs, topics, why, token, to } = gap;
    const step = this.#begin(token);
    // What was received before the last token that was handled may be gone from the history by now: nothing of it is lost.
    const inbox =
      !this.inbox.seen.has(to) && (subs?.includes(inboxId) ?? topics?.some((topic) => topic.startsWith('@')) ?? true);
    if (inbox && why === 'reset') this.inbox.seen.clear();
    const isConcerned = ({ id, topic, attached, seen, lossy }: FollowedTopic): boolean =>
      !seen.has(to) &&
      (subs === undefined
        ? attached &&
          (topics?.some((lost) => patternsOverlap(lost, topic)) ?? (why === 'reset' || lossy || /[*>]/.test(topic)))
        : subs.includes(id));
    this.#lost(gap, inbox, step, isConcerned);
    this.#end(step);
  }

  /** The client itself took nothing for a while. */
  missed(): void {
    this.#lost({ why: 'dropped' }, this.inbox.seen.lossy, undefined, ({ lossy }) => lossy);
  }

  /** How far the stream is, from a frame that brings nothing else. */
  token(token: string | undefined): void {
    this.#end(this.#begin(token));
  }

  /** The answer to a subscription, which travels in the stream. Tells whether it was one. */
  replied(id: number, reply: WireReply): boolean {
    const subscription = this.#subscriptions.get(id);
    if (subscription === undefined) return false;
    if (!reply.ok) {
      this.#runtime.progress.leaveOut(subscription);
      subscription.refused(reply.error);
      return true;
    }
    subscription.answered(reply.body);
    this.#end(this.#begin(readSubscribed(reply.body).token, subscription));
    return true;
  }

  /** The connection is gone. */
  detach(): void {
    for (const subscription of this.#subscriptions.values()) subscription.detach();
  }

  /** Starts no handler any more. Resolves when the running calls have ended. */
  async halt(state: 'ended' | 'failed', error: HexbusError): Promise<void> {
    this.#halted = true;
    const all = [...this.#subscriptions.values()];
    await Promise.all([this.inbox.halt(), ...all.map((subscription) => subscription.halt(state, error))]);
  }

  /** Nobody waits for the running calls any more. */
  abandon(): void {
    this.inbox.abandon();
    for (const subscription of this.#subscriptions.values()) subscription.abandon();
  }

  #lost(
    gap: WireGap,
    inbox: boolean,
    step: Step | undefined,
    isConcerned: (subscription: FollowedTopic) => boolean,
  ): void {
    const concerned = [...this.#subscriptions.values()].filter(isConcerned);
    for (const subscription of concerned) subscription.lost(gap, step);
    const { topics, from, to, why } = gap;
    const subscriptions = concerned.map(({ topic }) => topic);
    if (inbox || subscriptions.length > 0)
      this.#runtime.observers.tell('gap', { why, subscriptions, inbox, topics, from, to });
  }

  #begin(token: string | undefined, covers?: FollowedTopic): Step | undefined {
    // What comes now is not handled, so nothing of it may count.
    return token === undefined || this.#halted
      ? undefined
      : this.#runtime.progress.begin(token, this.#connection, covers);
  }

  /** Everything that the frame brought waits in its place. */
  #end(step: Step | undefined): void {
    if (step === undefined) return;
    if (plainToken.test(step.token)) for (const subscription of this.#subscriptions.values()) subscription.settled();
    this.#runtime.progress.settle(step);
  }
}
