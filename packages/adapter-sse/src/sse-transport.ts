import { HexbusError, systemRandomness } from '@hexbus/core';
import type { Admission, Handshake, Transport, TransportHost } from '@hexbus/core/gateway';
import { allowHeaders, allowOrigin } from './cors.ts';
import { comment, eventOf, retryOf } from './event-stream.ts';
import { Exchange, type Refusal } from './exchange.ts';
import { takePath } from './guest.ts';
import { handshakeOf, protocolsOf } from './handshake.ts';
import { headerOf, type SseRequest, type SseResponse } from './http.ts';
import { readLink, writeLink } from './link.ts';
import { type Deed, Links } from './links.ts';
import { resolveSseOptions, type SseSettings, type SseTransportOptions, sseDefaults } from './options.ts';
import { OwnServer } from './own-server.ts';
import { endIn, sequenceOf, textsIn } from './post.ts';
import { SseCarrier } from './sse-carrier.ts';
import { openStream } from './stream.ts';

export interface SseTransport extends Transport {
  /** Where clients can connect; undefined while nobody listens, and where the program mounts `handler`. */
  readonly port: number | undefined;
  /**
   * Answers one request, whatever its path is: for a route of the program, which lets GET, POST and OPTIONS through and leaves the body unread.
   * Refuses while the transport is not open.
   */
  readonly handler: (request: SseRequest, response: SseResponse) => void;
}

/** Takes event streams on a server of the program, on one of its own, or where the program mounts it. Throws `HEXBUS_CONFIG` for options that do not fit. */
export function createSseTransport(options: SseTransportOptions = {}): SseTransport {
  return new EventStreamTransport(resolveSseOptions(options));
}

type Accepted = Extract<Admission, { accepted: true }>;

class EventStreamTransport implements SseTransport {
  readonly name = 'sse';
  readonly #settings: SseSettings;
  readonly #exchanges = new Set<Exchange>();
  readonly #carriers = new Set<SseCarrier>();
  #own: OwnServer | undefined;
  #giveBack: () => void = () => {};
  #host: TransportHost | undefined;
  #links: Links | undefined;
  #opening: Promise<void> | undefined;
  #draining = false;
  #closing: Promise<void> | undefined;

  constructor(settings: SseSettings) {
    this.#settings = settings;
  }

  get port(): number | undefined {
    const { place } = this.#settings;
    const server = place !== undefined && 'port' in place ? this.#own?.server : place;
    const address = server?.address();
    return typeof address === 'object' ? address?.port : undefined;
  }

  open(host: TransportHost): Promise<void> {
    if (this.#closing !== undefined) return Promise.reject(closedError());
    if (this.#opening !== undefined) {
      return Promise.reject(new HexbusError('HEXBUS_CONFIG', 'the transport was opened before; make another'));
    }
    this.#host = host;
    this.#links = new Links(host);
    this.#opening = this.#listen();
    return this.#opening;
  }

  drain(): void {
    this.#draining = true;
  }

  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  readonly handler = (request: SseRequest, response: SseResponse): void => {
    const { maxMessageBytes, bodyTimeoutMs } = this.#settings;
    const exchange = new Exchange(request, response, { maxBytes: maxMessageBytes, timeoutMs: bodyTimeoutMs });
    this.#exchanges.add(exchange);
    void this.#answer(exchange).finally(() => this.#exchanges.delete(exchange));
  };

  async #listen(): Promise<void> {
    const { place, path } = this.#settings;
    if (place !== undefined && 'port' in place) {
      this.#own = new OwnServer({ ...this.#settings, ...place }, this.handler);
      await this.#own.listen();
    } else if (place !== undefined) this.#giveBack = takePath(place, path, this.handler);
    if (this.#closing !== undefined) throw closedError();
  }

  async #end(): Promise<void> {
    await this.#opening?.catch(() => {});
    this.#giveBack();
    for (const exchange of this.#exchanges) exchange.drop();
    const carriers = [...this.#carriers];
    for (const carrier of carriers) carrier.terminate();
    await Promise.all(carriers.map(({ gone }) => gone));
    await this.#own?.close();
  }

  async #answer(exchange: Exchange): Promise<void> {
    const { request, response } = exchange;
    const isAllowed = allowOrigin(request, response, this.#settings.origins);
    if (!isAllowed) exchange.refuse({ status: 403, reason: 'this origin is not allowed' });
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
      else exchange.answer('text/event-stream', retryOf(jittered(refusal.retryAfterMs)));
    };
    const handshake = handshakeOf(exchange.request, [], this.#settings);
    const beginning = retryOf(this.#settings.retryMs) + comment;
    await this.#admit(exchange, handshake, refuse, (admission) => {
      this.#connect(exchange, admission, handshake, beginning);
    });
  }

  async #post(exchange: Exchange): Promise<void> {
    const { request } = exchange;
    const type = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
    if (type !== 'application/x-ndjson') {
      exchange.refuse({ status: 415, reason: 'the content type must be application/x-ndjson' });
    } else if (headerOf(request, 'hexbus-link') !== undefined) await this.#take(exchange);
    else if (headerOf(request, 'hexbus-sequence') === undefined) await this.#begin(exchange);
    else exchange.refuse({ status: 401, reason: 'the link is missing' });
  }

  /** A client that will POST more: its first texts come with its question. */
  async #begin(exchange: Exchange): Promise<void> {
    const refuse = (refusal: Refusal): void => exchange.refuse(refusal);
    const protocols = protocolsOf(exchange.request);
    if (protocols === undefined) return refuse({ status: 400, reason: 'the protocols are malformed' });
    if (this.#refusal !== undefined) return refuse(this.#refusal);
    const texts = await this.#textsOf(exchange);
    if (texts === undefined) return;
    if (texts === 'too long') return refuse(tooLongRefusal);
    const handshake = handshakeOf(exchange.request, protocols, this.#settings);
    await this.#admit(exchange, handshake, refuse, (admission, links) => {
      const link = links.create();
      const { protocol } = admission;
      const told = { link: writeLink(link), protocol, maxBodyBytes: this.#settings.maxMessageBytes };
      const opening = eventOf({ event: 'open', text: JSON.stringify(told) });
      links.hold(link, this.#connect(exchange, admission, handshake, opening), texts);
    });
  }

  /** What a client POSTs on its link. */
  async #take(exchange: Exchange): Promise<void> {
    const { request, signal } = exchange;
    const links = this.#links;
    const link = readLink(headerOf(request, 'hexbus-link') ?? '');
    const sequence = sequenceOf(headerOf(request, 'hexbus-sequence'));
    const end = endIn(request);
    if (link === undefined || sequence === undefined || end === 'malformed') {
      return exchange.refuse({ status: 400, reason: 'the link, the sequence or the close code is malformed' });
    }
    const fault = links?.faultOf(link);
    if (links === undefined || fault !== undefined) return exchange.refuse(refusalOf(fault ?? 409));
    const texts = await this.#textsOf(exchange);
    if (texts === undefined) return;
    const deed: Deed = texts === 'too long' ? { tooLong: true } : { post: { sequence, texts, end } };
    const status = await links.do(link, deed, signal);
    if (status === 202) exchange.accept(202);
    else exchange.refuse(refusalOf(status));
  }

  /** The texts in the body. Undefined: there are none, and the client was told. */
  async #textsOf(exchange: Exchange): Promise<readonly string[] | 'too long' | undefined> {
    const body = await exchange.body();
    const texts = body instanceof Buffer ? textsIn(body) : undefined;
    if (texts !== undefined || body === 'too long') return texts ?? 'too long';
    if (body === 'taken') {
      exchange.refuse({ status: 500, reason: 'the body was read before: mount this before what reads bodies' });
    } else if (body === 'too slow') exchange.refuse({ status: 408, reason: 'the body came too slowly' });
    else exchange.refuse({ status: 400, reason: 'the body is not UTF-8' });
    return undefined;
  }

  async #admit(
    exchange: Exchange,
    handshake: Handshake,
    refuse: (refusal: Refusal) => void,
    connect: (admission: Accepted, links: Links) => void,
  ): Promise<void> {
    const host = this.#host;
    const links = this.#links;
    if (host === undefined || links === undefined) return refuse(notOpenRefusal);
    if (this.#refusal !== undefined) return refuse(this.#refusal);
    if (exchange.signal.aborted) return;
    const admission = await host.admit(handshake, exchange.signal);
    if (!admission.accepted) return refuse(admission);
    const { protocols } = handshake;
    if (this.#refusal !== undefined) refuse(this.#refusal);
    else if (protocols.length > 0 && !protocols.includes(admission.protocol)) {
      refuse({ status: 400, reason: 'no common protocol' });
    }
    if (exchange.signal.aborted) admission.abandon();
    else connect(admission, links);
  }

  #connect(exchange: Exchange, { protocol, connect }: Accepted, handshake: Handshake, beginning: string): SseCarrier {
    const stream = openStream(exchange, beginning, this.#settings.chunked);
    const carrier = new SseCarrier(stream, handshake, protocol, this.#settings);
    this.#carriers.add(carrier);
    void carrier.gone.then(() => this.#carriers.delete(carrier));
    carrier.start(connect);
    return carrier;
  }

  /** Why nobody is let in at present. */
  get #refusal(): Refusal | undefined {
    return this.#draining || this.#closing !== undefined ? drainingRefusal : undefined;
  }
}

const drainingRefusal: Refusal = {
  status: 503,
  reason: 'the server is going down',
  retryAfterMs: sseDefaults.drainRetryAfterMs,
};
const notOpenRefusal: Refusal = { ...drainingRefusal, reason: 'the server is not open yet' };
const tooLongRefusal: Refusal = { status: 413, reason: 'too much in one message' };

function refusalOf(status: 403 | 409 | 413): Refusal {
  if (status === 413) return tooLongRefusal;
  return { status, reason: status === 403 ? 'the key of the link is wrong' : 'there is no such link; open a new one' };
}

/** Those who were sent away together do not come back together. */
function jittered(afterMs: number = sseDefaults.drainRetryAfterMs): number {
  return Math.round(afterMs * (1 + systemRandomness.fraction()));
}

function closedError(): HexbusError {
  return new HexbusError('HEXBUS_CLOSED', 'the transport was closed; make another');
}
