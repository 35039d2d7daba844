import { systemRandomness } from '@hexbus/core';
import { type Admission, type Handshake, readProtocols, type TransportHost } from '@hexbus/core/gateway';
import { allowHeaders, allowOrigin } from './cors.ts';
import { isEmbedded } from './embedding.ts';
import { comment, eventOf, retryOf } from './event-stream.ts';
import { Exchange, type Refusal } from './exchange.ts';
import { handshakeOf } from './handshake.ts';
import { channelOf, headerOf, type SseRequest, type SseResponse } from './http.ts';
import { type LinkKey, readLinkKey, writeLinkKey } from './link-key.ts';
import { type Command, type CommandStatus, Links } from './links.ts';
import { type SseSettings, sseDefaults } from './options.ts';
import { endIn, type Post, sequenceOf, textsIn } from './post.ts';
import { SseCarrier } from './sse-carrier.ts';
import { openStream, type Stream } from './stream.ts';

interface Admitted {
  readonly handshake: Handshake;
  readonly admission: Extract<Admission, { accepted: true }>;
  readonly links: Links;
}

/** Answers every request: opens streams, and brings what clients POST to where their stream is. */
export class Reception {
  readonly #settings: SseSettings;
  readonly #exchanges = new Set<Exchange>();
  readonly #carriers = new Set<SseCarrier>();
  /** What was asked last on each connection. */
  readonly #latest = new WeakMap<object, SseRequest>();
  #open: { readonly host: TransportHost; readonly links: Links } | undefined;
  #draining = false;

  constructor(settings: SseSettings) {
    this.#settings = settings;
  }

  open(host: TransportHost): void {
    this.#open = { host, links: new Links(host) };
  }

  drain(): void {
    this.#draining = true;
  }

  /** Ends everything that is under way. Resolves when every listener was told. */
  async close(): Promise<void> {
    for (const exchange of this.#exchanges) exchange.drop();
    const carriers = [...this.#carriers];
    for (const carrier of carriers) carrier.terminate();
    await Promise.all(carriers.map(({ gone }) => gone));
  }

  /** Is told of every request that the transport sees, also of those that others answer. */
  see(request: SseRequest, response: SseResponse): void {
    this.#latest.set(channelOf(request, response), request);
  }

  take(request: SseRequest, response: SseResponse): void {
    this.see(request, response);
    // Sent before the one before it was answered. Of a response whose turn never comes nobody tells that its client went.
    if (response.socket === null) response.once('socket', () => this.#begin(request, response));
    else this.#begin(request, response);
  }

  #begin(request: SseRequest, response: SseResponse): void {
    const { maxMessageBytes, bodyTimeoutMs } = this.#settings;
    const exchange = new Exchange(request, response, { maxBytes: maxMessageBytes, timeoutMs: bodyTimeoutMs });
    this.#exchanges.add(exchange);
    void this.#answer(exchange)
      .catch((error: unknown) => {
        this.#open?.host.error(error);
        exchange.drop();
      })
      .finally(() => this.#exchanges.delete(exchange));
  }

  async #answer(exchange: Exchange): Promise<void> {
    const { request, response } = exchange;
    if (exchange.isOver) return;
    const isAllowed = allowOrigin(request, response, this.#settings.origins);
    if (!isAllowed) exchange.refuse({ status: 403, reason: 'this origin is not allowed' });
    else if (isEmbedded(request)) exchange.refuse({ status: 403, reason: 'other pages may not embed this' });
    else if (request.method === 'GET') await this.#follow(exchange);
    else if (request.method === 'POST') await this.#post(exchange);
    else if (request.method === 'OPTIONS') {
      allowHeaders(request, response);
      exchange.accept(204);
    } else {
      response.setHeader('Allow', 'GET, POST, OPTIONS');
      exchange.refuse({ status: 405, reason: 'the method must be GET or POST' });
    }
  }

  /** An EventSource: it only listens, and is gone for good when it gets another status than 200. */
  async #follow(exchange: Exchange): Promise<void> {
    const refuse = (refusal: Refusal): void => {
      if (![429, 503].includes(refusal.status)) exchange.refuse(refusal);
      else exchange.answer('text/event-stream', `${retryOf(jittered(refusal.retryAfterMs))}\n`);
    };
    const beginning = retryOf(jittered(this.#settings.retryMs)) + comment;
    const admitted = await this.#admit(exchange, [], refuse);
    if (admitted !== undefined) this.#connect(exchange, admitted, refuse, beginning);
  }

  async #post(exchange: Exchange): Promise<void> {
    const { request } = exchange;
    const type = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
    if (type !== 'application/x-ndjson') {
      exchange.refuse({ status: 415, reason: 'the content type must be application/x-ndjson' });
    } else if (headerOf(request, 'hexbus-link') !== undefined) await this.#receive(exchange);
    else if (headerOf(request, 'hexbus-sequence') === undefined) await this.#openLink(exchange);
    else exchange.refuse({ status: 401, reason: 'the link is missing' });
  }

  /** A client that will POST more: its first texts come with its question, and are read when it has its place. */
  async #openLink(exchange: Exchange): Promise<void> {
    const refuse = (refusal: Refusal): void => exchange.refuse(refusal);
    const protocols = readProtocols(headerOf(exchange.request, 'hexbus-protocol'));
    if (protocols === undefined) return refuse({ status: 400, reason: 'the protocols are malformed' });
    if (exchange.isTooLong) return refuse(tooLongRefusal);
    const admitted = await this.#admit(exchange, protocols, refuse);
    if (admitted === undefined) return;
    const { admission, links } = admitted;
    const texts = await this.#textsOf(exchange);
    if (texts === 'too long') refuse(tooLongRefusal);
    if (texts === undefined || texts === 'too long') return admission.abandon();
    const key = links.create();
    const { protocol } = admission;
    const told = { link: writeLinkKey(key), protocol, maxBodyBytes: this.#settings.maxMessageBytes };
    const beginning = eventOf({ event: 'open', text: JSON.stringify(told) });
    const carrier = this.#connect(exchange, admitted, refuse, beginning);
    if (carrier !== undefined) links.hold(key, carrier, texts);
  }

  /** What a client POSTs on its link, also while nobody new is let in. */
  async #receive(exchange: Exchange): Promise<void> {
    const { request } = exchange;
    const key = readLinkKey(headerOf(request, 'hexbus-link') ?? '');
    const sequence = sequenceOf(headerOf(request, 'hexbus-sequence'));
    const end = endIn(request);
    if (key === undefined || sequence === undefined || end === 'malformed') {
      return exchange.refuse({ status: 400, reason: 'the link, the sequence or the close code is malformed' });
    }
    const links = this.#open?.links;
    if (links === undefined) return exchange.refuse(refusalOf(409));
    const expected = await links.expects(key, sequence, exchange.signal);
    const status = expected === 100 ? await this.#bring(exchange, links, key, { sequence, end }) : expected;
    if (status === 202) exchange.accept(202);
    else if (status !== undefined) exchange.refuse(refusalOf(status));
  }

  /** Apart from who awaits it, so that nothing holds the texts but who takes them. Undefined: the client was told. */
  async #bring(
    exchange: Exchange,
    links: Links,
    key: LinkKey,
    post: Omit<Post, 'texts'>,
  ): Promise<CommandStatus | undefined> {
    const isRead = links.read(key, () => exchange.refuse(refusalOf(503)));
    const texts = await this.#textsOf(exchange);
    isRead();
    if (texts === undefined) return undefined;
    const command: Command = texts === 'too long' ? { tooLong: true } : { post: { ...post, texts } };
    return links.run(key, command, exchange.signal);
  }

  /** The texts in the body. Undefined: there are none, and the client was told. */
  async #textsOf(exchange: Exchange): Promise<readonly string[] | 'too long' | undefined> {
    const body = await exchange.body();
    const texts = body instanceof Buffer ? textsIn(body) : undefined;
    if (texts !== undefined) return texts;
    if (body === 'too long') return body;
    if (body === 'taken') {
      exchange.refuse({ status: 500, reason: 'the body was read before: mount this before what reads bodies' });
    } else if (body === 'too slow') exchange.refuse({ status: 408, reason: 'the body came too slowly' });
    else exchange.refuse({ status: 400, reason: 'the body is not UTF-8' });
    return undefined;
  }

  /** Asks the host. Undefined: the client is not let in, and was told. */
  async #admit(
    exchange: Exchange,
    protocols: readonly string[],
    refuse: (refusal: Refusal) => void,
  ): Promise<Admitted | undefined> {
    if (this.#open === undefined || this.#refusal !== undefined) {
      refuse(this.#refusal ?? notOpenRefusal);
      return undefined;
    }
    const { host, links } = this.#open;
    const handshake = this.#handshakeOf(exchange, protocols, host);
    if (handshake === undefined) {
      refuse(failedRefusal);
      return undefined;
    }
    const admission = await host.admit(handshake, exchange.signal);
    if (admission.accepted) return { handshake, admission, links };
    refuse(admission);
    return undefined;
  }

  /** Undefined: the program could not tell the client's address. */
  #handshakeOf({ request }: Exchange, protocols: readonly string[], host: TransportHost): Handshake | undefined {
    try {
      return handshakeOf(request, protocols, this.#settings);
    } catch (error) {
      host.error(error);
      return undefined;
    }
  }

  /** Undefined: the client is gone or is not let in any more, and was told. */
  #connect(
    exchange: Exchange,
    { handshake, admission }: Admitted,
    refuse: (refusal: Refusal) => void,
    beginning: string,
  ): SseCarrier | undefined {
    const { request, response } = exchange;
    const { protocol, connect } = admission;
    if (this.#refusal !== undefined) refuse(this.#refusal);
    else if (handshake.protocols.length > 0 && !handshake.protocols.includes(protocol)) {
      refuse({ status: 400, reason: 'no common protocol' });
      // What was asked meanwhile would never be answered behind a stream, and may be any number of questions.
    } else if (this.#latest.get(channelOf(request, response)) !== request) exchange.drop();
    let stream: Stream | undefined;
    try {
      if (!exchange.isOver) stream = openStream(exchange, beginning, this.#settings.chunked);
    } finally {
      if (stream === undefined) admission.abandon();
    }
    if (stream === undefined) return undefined;
    const carrier = new SseCarrier(stream, handshake, protocol, this.#settings);
    this.#carriers.add(carrier);
    carrier.start(connect, this.#forget);
    return carrier;
  }

  /** One for all carriers, so that nothing of an exchange lives as long as they do. */
  readonly #forget = (carrier: SseCarrier): void => void this.#carriers.delete(carrier);

  /** Why nobody is let in any more. */
  get #refusal(): Refusal | undefined {
    return this.#draining ? drainingRefusal : undefined;
  }
}

const drainingRefusal: Refusal = {
  status: 503,
  reason: 'the server is going down',
  retryAfterMs: sseDefaults.drainRetryAfterMs,
};
const notOpenRefusal: Refusal = { ...drainingRefusal, reason: 'the server is not open yet' };
const failedRefusal: Refusal = { ...drainingRefusal, reason: 'the server failed' };
const tooLongRefusal: Refusal = { status: 413, reason: 'too much in one message' };

function refusalOf(status: Exclude<CommandStatus, 202>): Refusal {
  if (status === 413) return tooLongRefusal;
  if (status === 503) return { status, reason: 'a repeat of this POST came in its place' };
  if (status === 403) return { status, reason: 'the key of the link is wrong' };
  return { status: 409, reason: 'there is no such link, or other POSTs come first; open a new one' };
}

/** Those who went together do not come back together. */
function jittered(afterMs: number = sseDefaults.drainRetryAfterMs): number {
  return Math.round(afterMs * (1 + systemRandomness.fraction()));
}
