import type { Handler, LifecycleState, Message, Receipt } from '@hexbus/core';
import type { Outcome, RequestOptions } from '@hexbus/core/gateway';
import { assertFunction, Deferred, encodeAsk, encodePublish, HexbusError, shorten } from '@hexbus/core/wire';

import type {
  Client,
  ClientOnOptions,
  ClientPublishOptions,
  ClientRequestHandler,
  ClientSubscribeOptions,
  ClientSubscription,
} from './api.ts';
import { checkName, checkNumber, checkPattern, checkTopic, wireFrom } from './checks.ts';
import type { Close } from './connector.ts';
import { Conversation, type ConversationHost } from './conversation.ts';
import { type ClientObserverEvents, ClientObservers } from './observers.ts';
import { type ClientOptions, type ClientSettings, clientDefaults, resolveClientOptions } from './options.ts';
import { outcomeOf, receiptOf } from './outcomes.ts';
import { FollowedTopic } from './subscription.ts';

/** Makes a client, idle. Throws `HEXBUS_CONFIG` naming the field of an option that cannot be. */
export function createClient(options: ClientOptions): Client {
  return new GatewayClient(resolveClientOptions(options));
}

class GatewayClient implements Client, ConversationHost {
  readonly #settings: ClientSettings;
  readonly #observers = new ClientObservers();
  readonly #conversation: Conversation;
  readonly #opened = new Deferred();
  readonly #closed = new Deferred();
  #state: LifecycleState = 'idle';
  #isEnding = false;

  constructor(settings: ClientSettings) {
    this.#settings = settings;
    this.#conversation = new Conversation(settings, this.#observers, this);
    // Whoever does not await it learns of a refusal from the error observer.
    this.#opened.promise.catch(() => undefined);
  }

  get state(): LifecycleState {
    return this.#state;
  }

  get connected(): boolean {
    return this.#conversation.connector.connected;
  }

  get session(): string | undefined {
    return this.#conversation.keeper.urn;
  }

  get connection(): string | undefined {
    return this.connected ? this.#conversation.welcome?.connection : undefined;
  }

  get capabilities(): readonly string[] {
    return this.#conversation.welcome?.capabilities ?? [];
  }

  open(): Promise<void> {
    if (this.#state === 'idle') {
      this.#state = 'opening';
      this.#conversation.keeper.opened();
      this.#conversation.connector.connect();
      this.#tellState();
    }
    return this.#opened.promise;
  }

  subscribe<Body = unknown>(
    topic: string,
    handler: Handler<Message<Body>>,
    options: ClientSubscribeOptions = {},
  ): ClientSubscription {
    checkPattern(topic);
    assertFunction('handler', handler);
    const from = wireFrom(options.from ?? clientDefaults.from);
    this.#assertUsable();
    const conversation = this.#conversation;
    const { runtime } = conversation;
    const { id, covered } = conversation.idFor(topic);
    const subscription = new FollowedTopic({ id, topic, from }, handler as Handler, options, conversation, runtime);
    if (covered) runtime.progress.inherit(subscription);
    conversation.stream.add(subscription);
    conversation.ask(subscription);
    endOnAbort(subscription, options.signal);
    return subscription;
  }

  on<Body = unknown>(type: string, handler: Handler<Message<Body>>, { maxTries }: ClientOnOptions = {}): () => void {
    assertFunction('handler', handler);
    if (maxTries !== undefined) checkNumber('maxTries', maxTries, 1);
    this.#assertUsable();
    return this.#conversation.stream.inbox.on(type, handler as Handler, maxTries);
  }

  async publish(topic: string, body: unknown, options: ClientPublishOptions = {}): Promise<Receipt> {
    const { type, id: messageId } = options;
    checkTopic(topic);
    if (type !== undefined) checkName('type', type);
    if (messageId !== undefined) checkName('id', messageId);
    this.#assertUsable();
    const encode = (id: number): string => encodePublish(id, { topic, type, body, messageId });
    return receiptOf(
      topic,
      await this.#conversation.requests.ask(encode, { timeoutMs: this.#settings.timings.requestTimeoutMs }),
    );
  }

  async request<Body = unknown>(name: string, body: unknown, options: RequestOptions = {}): Promise<Outcome<Body>> {
    const { timeoutMs = this.#settings.timings.requestTimeoutMs, signal } = options;
    checkName('name', name);
    checkNumber('timeoutMs', timeoutMs, 0);
    const encode = (id: number): string => encodeAsk(name, body, id);
    return outcomeOf(await this.#conversation.requests.ask(encode, { timeoutMs, signal }));
  }

  handle(name: string, handler: ClientRequestHandler): () => void {
    assertFunction('handler', handler);
    this.#assertUsable();
    return this.#conversation.handlers.handle(name, handler);
  }

  observe<Name extends keyof ClientObserverEvents>(
    name: Name,
    observer: (event: ClientObserverEvents[Name]) => void,
  ): () => void {
    return this.#observers.observe(name, observer);
  }

  close(): Promise<void> {
    if (!this.#isEnding) void this.#end('ended', new HexbusError('HEXBUS_CLOSED', 'the client was closed'));
    return this.#closed.promise;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  welcomed(): void {
    if (this.#state === 'opening') this.#state = 'open';
    this.#opened.resolve();
    this.#tellState();
  }

  lost(close: Close, retryMs: number | undefined): void {
    if (this.#state === 'closing') void this.#conversation.connector.close();
    this.#tellState({ ...close, retryMs });
  }

  refused(close: Close): void {
    if (this.#isEnding) return;
    const what = `the server ended the connection for good (${close.code} ${shorten(close.reason)})`;
    const error = new HexbusError('HEXBUS_REFUSED', what);
    void this.#end('failed', error, close);
    this.#observers.tell('error', { error });
  }

  async #end(state: 'ended' | 'failed', error: HexbusError, close?: Close): Promise<void> {
    const { stream, handlers } = this.#conversation;
    // First: running handlers and observers that learn of it may call close.
    this.#isEnding = true;
    this.#state = 'closing';
    this.#opened.reject(error);
    const halted = Promise.all([stream.halt(state, error), handlers.halt()]);
    await undefined;
    this.#tellState(close);
    const timeUp = new Deferred();
    const { clock, timings } = this.#settings;
    const cancelTimer = clock.setTimer(timeUp.resolve, timings.closeTimeoutMs, true);
    await Promise.race([halted, timeUp.promise]);
    cancelTimer();
    stream.abandon();
    handlers.abandon();
    await this.#conversation.close();
    this.#state = 'closed';
    this.#tellState(close);
    this.#observers.removeAll();
    this.#closed.resolve();
  }

  #assertUsable(): void {
    if (this.#isEnding) throw new HexbusError('HEXBUS_CLOSED', `the client is ${this.#state}; make a new one`);
  }

  #tellState(about: Partial<Close> & { readonly retryMs?: number | undefined } = {}): void {
    this.#observers.tell('state', { state: this.#state, connected: this.connected, ...about });
  }
}

function endOnAbort(subscription: ClientSubscription, signal: AbortSignal | undefined): void {
  if (signal === undefined) return;
  const end = (): void => subscription.unsubscribe();
  if (signal.aborted) end();
  signal.addEventListener('abort', end);
  void subscription.done.then(() => signal.removeEventListener('abort', end));
}
