import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import type { Exchange } from './exchange.ts';
import { channelOf, http2StreamOf } from './http.ts';
import { liftLimit } from './session-limit.ts';

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
  const carrying = channelOf(request, response);
  // It may be silent for longer than whatever else the server answers; whether its client is there, the gateway sees to.
  carrying.setTimeout(0);
  if (http2?.session !== undefined) liftLimit(http2.session, response);
  if (http2 === undefined) cutWhoAsksMore(request.socket, response);
  const sink = chunked && http2 === undefined ? response : carrying;
  return { response, sink, destroy: () => void carrying.destroy() };
}

/** A question behind a stream would wait for its turn as long as the stream lasts, and each takes memory. */
function cutWhoAsksMore(socket: Socket, response: ServerResponse): void {
  const cut = (): void => void socket.destroy();
  socket.prependListener('data', cut);
  response.once('close', () => socket.off('data', cut));
}
