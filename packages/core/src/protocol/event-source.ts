import type { Message } from '../message.ts';
import type {
  Bye,
  Hello,
  ProtocolHost,
  ProtocolSession,
  Welcome,
  WireGap,
  WireProtocol,
  WireReply,
} from '../ports/protocol.ts';
import type { Frame } from '../ports/transport.ts';
import { closeCodes, reconnectAfter } from './close-codes.ts';
import { maxIdLength, noPlaceYet, readQuery } from './event-source-query.ts';
import { hexbusV1EventSourceName } from './frames.ts';
import { createHexbusV1 } from './hexbus-v1.ts';

/** It waits as long before each further attempt: told a millisecond, it would knock a thousand times a second at a server that is down. */
const leastPauseMs = 500;

/** The longest pause that an EventSource can be told: 24 days. */
const farAwayMs = 2_147_483_647;

/**
 * For clients that only listen: an `EventSource` says everything by its address, and by the id that it brings back. The texts are those of `native`,
 * encoded once for both. Messages are unnamed events; everything else has a name, as `docs/protocol.md` lists them.
 */
export function createHexbusV1EventSource(native: WireProtocol = createHexbusV1()): WireProtocol {
  return {
    name: hexbusV1EventSourceName,
    accepts: ({ transport }) => transport === 'sse',
    helloOf: readQuery,
    open: (host, hello) => new EventSourceSession(host, native.open(host), hello),
  };
}

class EventSourceSession implements ProtocolSession {
  readonly #host: ProtocolHost;
  /** What the texts come from. */
  readonly #native: ProtocolSession;
  readonly #comesBack: boolean;
  /** The topics of which the client was not told yet whether it gets them. */
  readonly #unanswered: Set<number>;
  /** The last token that was given. */
  #token: string | undefined;
  #isBroken = false;

  constructor(host: ProtocolHost, native: ProtocolSession, hello: Hello | undefined) {
    this.#host = host;
    this.#native = native;
    this.#comesBack = hello?.lastToken !== undefined;
    this.#unanswered = new Set(hello?.subscriptions.map(({ id }) => id));
  }

  receive(): void {
    if (this.#isBroken) return;
    this.#isBroken = true;
    this.#host.violated(closeCodes.malformed, 'this client says everything by its address');
  }

  event(message: Message, cursor: string | undefined): Frame {
    const frame = this.#native.event(message, cursor);
    if (cursor !== undefined) this.#token = cursor;
    return this.#unanswered.size === 0 ? frame : { text: frame.text };
  }

  eventFor(message: Message, _subs: readonly number[], token: string, cursor: string | undefined): Frame {
    return { text: this.#native.event(message, cursor).text, cursor: this.#idAt(token) };
  }

  delivery(): undefined {}

  welcome(welcome: Welcome): Frame | undefined {
    const frame = this.#native.welcome(welcome);
    // Who comes back has a place already, which is better than that of a connection that has not begun.
    const cursor = this.#comesBack ? undefined : (this.#idAt(welcome.token) ?? noPlaceYet);
    return named(frame, 'welcome', { cursor });
  }

  subscribed(
    id: number,
    start: { readonly start?: string; readonly head?: string; readonly token?: string; readonly held?: true },
  ): Frame | undefined {
    this.#unanswered.delete(id);
    return named(this.#native.subscribed(id, start), 'subscribed', { cursor: this.#idAt(start.token) });
  }

  gap(gap: WireGap): Frame | undefined {
    return named(this.#native.gap(gap), 'gap', { cursor: this.#idAt(gap.token) });
  }

  request(): undefined {}

  cancel(): undefined {}

  reply(id: number, reply: WireReply): Frame | undefined {
    // What may be had later must not be left behind: with the id that the client has, it begins there again.
    if (reply.ok || !reply.error.retryable) this.#unanswered.delete(id);
    return named(this.#native.reply(id, reply), 'refused', { cursor: this.#idAt(undefined) });
  }

  ping(token: string | undefined): Frame | undefined {
    return named(this.#native.ping(token), 'ping', { cursor: this.#idAt(token) });
  }

  pong(): undefined {}

  expiring(inMs: number): Frame | undefined {
    return named(this.#native.expiring(inMs), 'expiring', {});
  }

  bye(bye: Bye): Frame | undefined {
    return named(this.#native.bye(bye), 'bye', { retryMs: pauseAfter(bye) });
  }

  /** The id of a frame that brings a token, or that brings none: then the last one holds. A client names one id for all of its topics. */
  #idAt(token: string | undefined): string | undefined {
    this.#token = token ?? this.#token;
    if (this.#token === undefined || this.#token.length > maxIdLength) return undefined;
    return this.#unanswered.size === 0 ? this.#token : undefined;
  }
}

function named(frame: Frame | undefined, event: string, more: Pick<Frame, 'cursor' | 'retryMs'>): Frame | undefined {
  return frame === undefined ? undefined : { text: frame.text, event, ...more };
}

/** Undefined: as long as it waits after any other end. */
function pauseAfter({ code, reconnect, afterMs }: Bye): number | undefined {
  // It cannot open a new session, and its ticket would only bring this one back.
  if (!reconnect || reconnectAfter(code) === 'new-session') return farAwayMs;
  return afterMs > 0 ? Math.min(Math.max(Math.ceil(afterMs), leastPauseMs), farAwayMs) : undefined;
}
