import type { Clock, Randomness } from '@hexbus/core';
import { closeCodes, hexbusV1Name, isAscii, isFields, isId, parseBounded } from '@hexbus/core/wire';
import { brokenCode, type Link, type LinkListener } from './link.ts';
import { type SseEvent, SseParser } from './sse-parser.ts';
import { SseUplink } from './sse-uplink.ts';

/** As much of `fetch` as the client uses. It is called with `POST` only. */
export type FetchLike = (
  url: string,
  init: {
    readonly method: string;
    readonly headers: Record<string, string>;
    readonly body: string;
    readonly signal: AbortSignal;
    readonly keepalive: boolean;
  },
) => Promise<{
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly body: {
    getReader(): { read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }> };
  } | null;
  text(): Promise<string>;
}>;

export interface SseLinkOptions {
  readonly fetch: FetchLike;
  readonly url: string;
  readonly clock: Clock;
  readonly randomness: Pick<Randomness, 'fraction'>;
  /** How long the server may take to hear of the client's close. */
  readonly closeTimeoutMs: number;
}

/** Of the name that the server gives to the link; it goes into a header. */
const maxLinkLength = 1_024;

/** How long the stream may take to say why the server takes nothing any more. */
const lastWordsMs = 1_000;

/** A link over an event stream, and POSTs up, that begins to open now. It is open at once: what is sent first opens the stream. */
export function openSseLink(options: SseLinkOptions, listener: LinkListener): Link {
  const { fetch, url, clock, randomness, closeTimeoutMs } = options;
  const abort = new AbortController();
  let over = false;
  /** The server has given the link its name, before any frame. */
  let named = false;
  let cancelTimer = (): void => undefined;

  function end(code: number, reason: string, retryAfterMs?: number): void {
    if (over) return;
    over = true;
    cancelTimer();
    uplink.stop();
    abort.abort();
    listener.closed(code, reason, retryAfterMs);
  }

  function endAfter(delayMs: number, code: number, reason: string): void {
    cancelTimer();
    cancelTimer = clock.setTimer(() => end(code, reason), delayMs);
  }

  function post(
    body: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
    query = '',
  ): ReturnType<FetchLike> {
    const target = query === '' ? url : url + (url.includes('?') ? '&' : '?') + query;
    return fetch(target, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson', ...headers },
      body,
      signal,
      // A page that goes may still say so.
      keepalive: query !== '',
    });
  }

  const uplink = new SseUplink({
    clock,
    randomness,
    async post(body, headers, signal, query) {
      const answer = await post(body, headers, signal, query);
      // Frees the connection for the next one.
      await answer.text();
      return answer.status;
    },
    failed: (code, reason) => endAfter(lastWordsMs, code, reason),
  });

  function heard({ event, data }: SseEvent): void {
    if (over) return;
    if (event === 'message' && named) listener.received(data);
    else if (event === 'close') {
      const { code, reason } = fieldsOf(data);
      end(isId(code) ? code : brokenCode, String(reason));
    } else if (event === 'open' || event === 'message') {
      const { link, maxBodyBytes } = fieldsOf(data);
      named = !named && isAscii(link, maxLinkLength) && isId(maxBodyBytes);
      if (named) uplink.open(link as string, maxBodyBytes as number);
      else end(closeCodes.wireProtocol, 'this is no stream of a hexbus gateway');
    }
  }

  async function follow(): Promise<void> {
    listener.opened();
    const { status, headers, body } = await post(uplink.take(), { 'hexbus-protocol': hexbusV1Name }, abort.signal);
    const isStream = /^text\/event-stream\b/i.test(headers.get('content-type') ?? '');
    if (status !== 200 || !isStream || body === null) {
      end(
        refusalCode(status, headers.get('hexbus-refused') === '1'),
        `HTTP status ${status}`,
        Number.parseInt(headers.get('retry-after') ?? '', 10) * 1_000 || 0,
      );
      return;
    }
    const reader = body.getReader();
    const decoder = new TextDecoder();
    const parser = new SseParser(heard);
    for (let chunk = await reader.read(); !chunk.done && !over; chunk = await reader.read())
      parser.push(decoder.decode(chunk.value, { stream: true }));
  }

  void Promise.resolve()
    .then(follow)
    .catch(() => undefined)
    .then(() => end(brokenCode, ''));

  return {
    send: (text, mayWait) => uplink.send(text, mayWait),
    close(code, reason) {
      if (over) return;
      endAfter(closeTimeoutMs, code, reason);
      uplink.close(code, reason, () => end(code, reason));
    },
  };
}

/** What an event of the transport itself says. */
function fieldsOf(data: string): Readonly<Record<string, unknown>> {
  const value = parseBounded(data);
  return isFields(value) ? value : {};
}

/**
 * The close that says of a connection what a status says of an opening. Only the gateway means 401 and 403 for good; what stands on the way may let the next
 * one through, and where there is no gateway there may be one later.
 */
function refusalCode(status: number, byGateway: boolean): number {
  if (byGateway && status === 401) return closeCodes.unauthenticated;
  if (byGateway && status === 403) return closeCodes.forbidden;
  switch (status) {
    case 413:
      return closeCodes.tooBig;
    case 429:
      return closeCodes.rateLimited;
    case 503:
      return closeCodes.overloaded;
    default:
      return status >= 500 ? brokenCode : closeCodes.wireProtocol;
  }
}
