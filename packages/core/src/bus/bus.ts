import { type Cursor, formatCursor } from '../cursor.ts';
import { endsInTime } from '../ends-in-time.ts';
import { HexbusError, shorten } from '../errors.ts';
import type { LifecycleState } from '../lifecycle.ts';
import type { Message } from '../message.ts';
import { isPattern } from '../pattern.ts';
import type { Head, HistoryStore } from '../ports/history-store.ts';
import type {
  Bus,
  DeadLetter,
  Handler,
  Listener,
  Page,
  PublishOptions,
  ReadOptions,
  Receipt,
  SubscribeOptions,
  TopicStats,
} from './api.ts';
import { assertSignal } from './checks.ts';
import { Deferred } from './deferred.ts';
import { DeadLetters } from './delivery/dead-letters.ts';
import { MessageIterator } from './delivery/message-iterator.ts';
import type { BusSubscription } from './delivery/subscription.ts';
import { EmitterHabits } from './emitter-habits.ts';
import type { CallOutcomes, Hear } from './endings.ts';
import { type BusInternals, busInternals } from './internals.ts';
import { assertName, NamedCursors } from './log/named-cursors.ts';
import { RetainedSide } from './log/retained-side.ts';
import { type ObserverEvents, Observers } from './observers.ts';
import { type BusOptions, type BusSettings, resolveBusOptions } from './options.ts';
import { encodeMessage } from './publishing/encode.ts';
import { LocalMessage, LocalOrigin } from './publishing/local-message.ts';
import { checkPublishOptions, validateBody } from './publishing/publish-checks.ts';
import { normalizeFilter, Subscriptions } from './subscriptions.ts';
import { type Subscriber, type TopicEntry, TopicTable } from './topic-table.ts';
import type { EventMap } from './topics.ts';

/**
 * Makes a bus. Without a history it is open at once and retains nothing; with one it waits for `open`. Throws `HEXBUS_CONFIG` naming the field that
 * is wrong. Nothing is started and no file touched before `open`.
 */
export function createBus<Events extends EventMap = Record<string, unknown>>(options: BusOptions = {}): Bus<Events> {
  // The event map only narrows the types of these methods.
  return new HexBus(resolveBusOptions(options)) as unknown as Bus<Events>;
}

const noOptions: Readonly<Record<string, never>> = {};

class HexBus implements Bus {
  readonly #settings: BusSettings;
  readonly #topics: TopicTable;
  readonly #observers = new Observers();
  readonly #names: NamedCursors;
  readonly #subscriptions: Subscriptions;
  readonly #habits: EmitterHabits;
  readonly #origin: LocalOrigin;
  readonly #openingAborted = new AbortController();
  #side: RetainedSide | undefined;
  #state: LifecycleState;
  #opening: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor(settings: BusSettings) {
    this.#settings = settings;
    this.#topics = new TopicTable(settings.topics);
    this.#origin = new LocalOrigin(settings.clock, settings.randomness.id());
    this.#names = new NamedCursors(settings.clock, () => this.#side?.writer.request());
    this.#subscriptions = new Subscriptions({
      settings,
      topics: this.#topics,
      names: this.#names,
      observers: this.#observers,
      side: () => this.#side,
    });
    this.#habits = new EmitterHabits((filter, handler) => this.subscribe(filter, handler));
    this.#state = settings.history === undefined ? 'open' : 'idle';
    // Not a member of the class: bundlers keep a class, and all that it uses, for a computed key that they cannot tell to be harmless.
    Object.defineProperty(this, busInternals, { get: () => this.#internals });
  }

  get state(): LifecycleState {
    return this.#state;
  }

  get cursor(): Cursor | undefined {
    return this.#side === undefined ? undefined : formatCursor(this.#side.tail.epoch, this.#side.tail.head);
  }

  open(
    options: { readonly signal?: AbortSignal | undefined; readonly newEpoch?: boolean | undefined } = noOptions,
  ): Promise<void> {
    if (this.#opening !== undefined) return this.#opening;
    const { history } = this.#settings;
    if (this.#closing !== undefined) return Promise.reject(closedError('open'));
    try {
      assertSignal(options.signal);
    } catch (error) {
      return Promise.reject(error);
    }
    this.#opening = history === undefined ? Promise.resolve() : this.#open(history, options);
    return this.#opening;
  }

  // Not async: the frame of an async function and its await took 400 of the 1,600 bytes that a publish in flight held.
  publish(topic: string, body: unknown, options: PublishOptions = noOptions): Promise<Receipt> {
    try {
      // To ask for busy subscriptions is to look at them all.
      if (this.#state !== 'open') this.#assertOpen('publish', this.#subscriptions.busy);
      const entry = this.#topics.get(topic);
      if (options !== noOptions) checkPublishOptions(options);
      options.signal?.throwIfAborted();
      const valid = validateBody(entry, body);
      if (this.#side === undefined || entry.retention === undefined) {
        return Promise.resolve(this.#publishLocally(entry, valid, options));
      }
      const id = options.id ?? this.#origin.nextId();
      const message = encodeMessage(topic, valid, id, options, this.#settings.maxBodyBytes);
      return this.#side.writer.append(message, options.signal);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  emit(topic: string, body: unknown): boolean {
    if (this.#closing !== undefined) this.#assertOpen('emit', this.#subscriptions.busy);
    const entry = this.#topics.get(topic);
    if (entry.retention !== undefined) {
      throw new HexbusError('HEXBUS_RETAINED', `${shorten(topic)} is retained; use publish`);
    }
    const valid = entry.schema === undefined ? body : validateBody(entry, body);
    return this.#callAll(entry, new LocalMessage(this.#origin, topic, valid));
  }

  subscribe(
    filter: string | readonly string[],
    handler: Handler,
    options: SubscribeOptions = noOptions,
  ): BusSubscription {
    if (this.#closing !== undefined) throw closedError('subscribe');
    return this.#subscriptions.subscribe(filter, handler, options);
  }

  messages(filter: string | readonly string[], options: SubscribeOptions = noOptions): AsyncIterableIterator<Message> {
    // The consumer's own work between two messages is no handler that hangs.
    const patient = { ...options, handleTimeoutMs: options.handleTimeoutMs ?? Infinity };
    return new MessageIterator((handler) => this.subscribe(filter, handler, patient));
  }

  async read(filter: string | readonly string[], options: ReadOptions = noOptions): Promise<Page> {
    const side = this.#openSide('read');
    const normalized = normalizeFilter(filter);
    for (const entry of normalized) if (!isPattern(entry)) this.#retainedEntry(entry);
    return side.reader.read(normalized, options);
  }

  on(filter: string, listener: Listener, context?: unknown): this {
    this.#habits.on(filter, listener, context);
    return this;
  }

  once(filter: string, listener: Listener, context?: unknown): this {
    this.#habits.once(filter, listener, context);
    return this;
  }

  off(filter: string, listener?: Listener, context?: unknown): this {
    this.#habits.off(filter, listener, context);
    return this;
  }

  async stats(topic: string): Promise<TopicStats> {
    const entry = this.#topics.get(topic);
    const listeners =
      entry.retention?.kind === 'until-handled'
        ? (this.#side?.heldQueues.get(topic)?.listeners ?? 0)
        : entry.subscribers.length;
    if (entry.retention === undefined) {
      this.#assertOpen('stats', false);
      return { topic, waiting: 0, dead: 0, listeners, first: undefined, last: undefined, head: this.cursor };
    }
    const { count, dead, first, last } = await this.#openSide('stats').history.summarize(topic);
    return { topic, waiting: count, dead, listeners, first, last, head: this.cursor };
  }

  async deadLetters(
    topic: string,
    options: { readonly limit?: number; readonly after?: number } = noOptions,
  ): Promise<readonly DeadLetter[]> {
    return this.#deadLetters('deadLetters', topic).list(options);
  }

  async requeue(topic: string, positions?: readonly number[]): Promise<number> {
    return this.#deadLetters('requeue', topic).requeue(positions);
  }

  async discard(topic: string, positions: readonly number[]): Promise<number> {
    return this.#deadLetters('discard', topic).discard(positions);
  }

  async forget(name: string): Promise<void> {
    const side = this.#openSide('forget');
    assertName(name);
    this.#names.assertFree(name);
    await side.writer.deleteCursor(name);
  }

  observe<Name extends keyof ObserverEvents>(name: Name, observer: (event: ObserverEvents[Name]) => void): () => void {
    return this.#observers.observe(name, observer);
  }

  close(): Promise<void> {
    if (this.#closing !== undefined) return this.#closing;
    // Known before anything of the user's runs, which may close and subscribe again.
    const closing = new Deferred();
    this.#closing = closing.promise;
    closing.resolve(this.#close());
    return closing.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  get #internals(): BusInternals {
    const { clock, randomness, handling } = this.#settings;
    return {
      topics: this.#topics,
      clock,
      randomness,
      handleTimeoutMs: handling.handleTimeoutMs,
      side: this.#side,
      endings: this.#observers.endings,
      publishHeard: (topic, body, options, hear) => this.#publishHeard(topic, body, options, hear),
    };
  }

  async #open(
    history: HistoryStore,
    options: { readonly signal?: AbortSignal | undefined; readonly newEpoch?: boolean | undefined },
  ): Promise<void> {
    this.#state = 'opening';
    const { signal: aborted } = this.#openingAborted;
    const { retention, deduplication } = this.#settings;
    let head: Head | undefined;
    try {
      const signal = options.signal === undefined ? aborted : AbortSignal.any([options.signal, aborted]);
      head = await history.open({ retention, deduplication, signal, newEpoch: options.newEpoch });
      signal.throwIfAborted();
      this.#side = new RetainedSide({
        settings: this.#settings,
        history,
        head,
        topics: this.#topics,
        names: this.#names,
        observers: this.#observers,
        subscriptions: this.#subscriptions,
      });
      this.#state = 'open';
      for (const subscription of this.#subscriptions.all) subscription.begin(this.#side);
    } catch (error) {
      for (const subscription of this.#subscriptions.all) subscription.fail(error);
      // One that refused to open is as it was, and may be open for another bus.
      const close = head === undefined ? Promise.resolve() : history.close();
      const closed = close.catch((closeError: unknown) => this.#observers.error(closeError));
      // What `close` has begun it also ends.
      if (this.#closing === undefined) {
        this.#closing = closed;
        this.#state = 'closed';
      }
      await closed;
      throw error;
    }
  }

  async #close(): Promise<void> {
    const opening = this.#state === 'opening' ? this.#opening : undefined;
    this.#opening = undefined;
    this.#state = 'closing';
    this.#openingAborted.abort(closedError('open'));
    try {
      if (opening !== undefined) {
        await this.#historyAnswers(opening.catch(() => undefined));
      }
      const { all } = this.#subscriptions;
      const queues = [...(this.#side?.heldQueues.values() ?? [])];
      for (const subscription of all) subscription.unsubscribe();
      await this.#endsInTime(Promise.all([...all.map(({ done }) => done), ...queues.map((queue) => queue.end())]));
      for (const subscription of this.#subscriptions.all) subscription.abandon();
      for (const queue of this.#side?.heldQueues.values() ?? []) queue.abandon();
      await this.#historyAnswers(this.#side?.close());
    } finally {
      // Whoever waits for the end of one waits no longer.
      for (const subscription of this.#subscriptions.all) subscription.finish();
      this.#topics.clear();
      this.#observers.removeAll();
      this.#state = 'closed';
    }
  }

  #endsInTime(work: Promise<unknown> | undefined): Promise<boolean> {
    return endsInTime(this.#settings.clock, work, this.#settings.closeTimeoutMs);
  }

  /** If the history takes too long, whoever waits for it is told, and nothing more is asked of it. */
  async #historyAnswers(work: Promise<unknown> | undefined): Promise<void> {
    if (await this.#endsInTime(work)) return;
    const error = new HexbusError(
      'HEXBUS_OUTCOME_UNKNOWN',
      'the history does not answer; publishes, settlements and cursors that it has not confirmed may not be committed',
      { retryable: true },
    );
    this.#side?.writer.abandon(error);
    throw error;
  }

  #publishLocally(entry: TopicEntry, body: unknown, options: PublishOptions): Receipt {
    const message = new LocalMessage(this.#origin, entry.topic, body, options);
    this.#callAll(entry, message);
    return { id: message.id, topic: entry.topic, duplicate: false };
  }

  /** A second `publish`, since to ask in the first one whether anybody hears made it slower by a tenth. */
  async #publishHeard(topic: string, body: unknown, options: PublishOptions, hear: Hear): Promise<Receipt> {
    const entry = this.#topics.get(topic);
    if (this.#side !== undefined && entry.retention !== undefined) return this.publish(topic, body, options);
    if (this.#state !== 'open') this.#assertOpen('publish', this.#subscriptions.busy);
    checkPublishOptions(options);
    const message = new LocalMessage(this.#origin, topic, validateBody(entry, body), options);
    const outcomes: CallOutcomes = [];
    const reached = this.#callAll(entry, message, outcomes);
    hear(message, reached, Promise.all(outcomes));
    return { id: message.id, topic, duplicate: false };
  }

  /** Tells whether there was anybody to call. */
  #callAll(entry: TopicEntry, message: LocalMessage, outcomes?: CallOutcomes): boolean {
    const { subscribers } = entry;
    const { deliveredWanted } = this.#observers;
    for (let index = 0; index < subscribers.length; index++) {
      (subscribers[index] as Subscriber).call(message, deliveredWanted, outcomes);
    }
    if (this.#observers.publishedWanted)
      this.#observers.tell('published', { topic: entry.topic, id: message.id, duplicate: false });
    return subscribers.length > 0;
  }

  #deadLetters(verb: string, topic: string): DeadLetters {
    const side = this.#openSide(verb);
    const entry = this.#retainedEntry(topic);
    if (entry.retention?.kind === 'until-handled') return new DeadLetters(side, topic);
    throw new HexbusError('HEXBUS_NOT_RETAINED', `${verb}: ${shorten(topic)} is not held; retain it 'until-handled'`);
  }

  #retainedEntry(topic: string): TopicEntry {
    const entry = this.#topics.get(topic);
    if (entry.retention !== undefined) return entry;
    throw new HexbusError('HEXBUS_NOT_RETAINED', `${shorten(topic)} keeps no history; give it a retain policy`);
  }

  #openSide(verb: string): RetainedSide {
    this.#assertOpen(verb, false);
    if (this.#side !== undefined) return this.#side;
    throw new HexbusError('HEXBUS_NOT_RETAINED', `${verb}: this bus has no history; pass one to createBus`);
  }

  /** While closing, only what a running handler may still do is allowed. */
  #assertOpen(verb: string, alsoWhileClosing: boolean): void {
    if (this.#state === 'open' || (this.#state === 'closing' && alsoWhileClosing)) return;
    if (this.#closing !== undefined) throw closedError(verb);
    throw new HexbusError('HEXBUS_NOT_OPEN', `${verb}: the bus is ${this.#state}; await bus.open() first`);
  }
}

function closedError(verb: string): HexbusError {
  return new HexbusError('HEXBUS_CLOSED', `${verb}: the bus is closing or closed; make a new one with createBus`);
}
