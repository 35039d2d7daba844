import type { IncomingMessage } from 'node:http';
import { type Handshake, readAddress, readHeaders } from '@hexbus/core/gateway';
import { headerOf, hostOf } from './http.ts';
import type { SseSettings } from './options.ts';

/** `protocols`: those that the client offers. */
export function handshakeOf(request: IncomingMessage, protocols: readonly string[], settings: SseSettings): Handshake {
  const host = hostOf(request);
  return {
    transport: 'sse',
    url: urlOf(request),
    headers: { ...readHeaders(request.headers, host, settings.origins), host },
    address: addressOf(request, settings),
    protocols,
  };
}

/** Routers that hand a request on under a shorter path keep the one that was asked for. */
function urlOf(request: IncomingMessage): string {
  const { originalUrl } = request as { originalUrl?: unknown };
  return typeof originalUrl === 'string' ? originalUrl : (request.url ?? '');
}

function addressOf(request: IncomingMessage, { clientAddress, trustProxy }: SseSettings): string {
  if (clientAddress !== undefined) return clientAddress(request);
  return readAddress(headerOf(request, 'x-forwarded-for'), request.socket.remoteAddress, trustProxy);
}
