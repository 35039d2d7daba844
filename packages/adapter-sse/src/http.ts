import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse, ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';

/** A request of HTTP/1 or, by Node's compatibility API, of HTTP/2. */
export type SseRequest = IncomingMessage | Http2ServerRequest;

/** Its response. */
export type SseResponse = ServerResponse | Http2ServerResponse;

/** The stream of HTTP/2 that this response goes out on; undefined with HTTP/1. */
export function http2StreamOf(response: SseResponse): ServerHttp2Stream | undefined {
  return (response as { stream?: ServerHttp2Stream }).stream;
}

/** What a response goes out on: a stream of HTTP/2, or the whole connection of HTTP/1. */
export function channelOf(request: SseRequest, response: SseResponse): ServerHttp2Stream | Socket {
  return http2StreamOf(response) ?? request.socket;
}

/** Only the path that was asked for, as it was written. */
export function pathOf({ url = '' }: IncomingMessage): string {
  return url.split('?', 1)[0] ?? '';
}

/** Everything that a name of a header may have, in one line. */
export function headerOf({ headers }: IncomingMessage, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

/** The host that the client named; HTTP/2 has a header of its own for it. */
export function hostOf(request: IncomingMessage): string | undefined {
  return request.headers.host ?? headerOf(request, ':authority');
}
