import type { ServerResponse } from 'node:http';
import type { Writable } from 'node:stream';
import type { Exchange } from './exchange.ts';
import { http2StreamOf } from './http.ts';

/** A response whose head is written. */
export interface Stream {
  readonly response: ServerResponse;
  /** What its body is written to. */
  readonly sink: Writable;
  /** Ends it at once. */
  destroy(): void;
}

/**
 * Turns the answer into an event stream that begins with this text. The response is the last one on a connection of HTTP/1, so that its body needs no
 * framing, and is written to the socket itself: an event is then the same bytes for every client, in one write.
 */
export function openStream(exchange: Exchange, text: string, chunked: boolean): Stream {
  const { request, response } = exchange;
  const http2 = http2StreamOf(response);
  response.statusCode = 200;
  response.setHeader('Content-Type', 'text/event-stream');
  // Compression would hold events back.
  response.setHeader('Cache-Control', 'no-store, no-transform');
  response.setHeader('X-Accel-Buffering', 'no');
  if (http2 === undefined && !chunked) {
    response.removeHeader('Transfer-Encoding');
    response.setHeader('Connection', 'close');
  }
  exchange.release();
  response.write(text);
  const carrying = http2 ?? request.socket;
  // It may be silent for longer than whatever else the server answers; whether its client is there, the gateway sees to.
  carrying.setTimeout(0);
  http2?.session?.setTimeout(0);
  const sink = chunked && http2 === undefined ? response : carrying;
  return { response, sink, destroy: () => void carrying.destroy() };
}
