import type { IncomingMessage } from 'node:http';
import { type Handshake, isOriginAllowed, readAddress } from '@hexbus/core/gateway';
import { headerOf, hostOf } from './http.ts';
import type { SseSettings } from './options.ts';

/** `protocols`: those that the client offers. */
export function handshakeOf(request: IncomingMessage, protocols: readonly string[], settings: SseSettings): Handshake {
  const host = hostOf(request);
  const isForeign = settings.origins === 'any' && !isOriginAllowed(request.headers.origin, host, 'same-host');
  const counts = (name: string): boolean => !name.startsWith(':') && !(isForeign && isOfBrowser(request, name));
  const names = Object.keys(request.headers).filter(counts);
  const headers = names.map((name) => [name, headerOf(request, name)]);
  return {
    transport: 'sse',
    url: urlOf(request),
    headers: { ...Object.fromEntries(headers), host },
    address: addressOf(request, settings),
    protocols,
  };
}

/** Whether a browser may have added this header by itself, for whatever page asks. One that the page wrote, the page knows. */
function isOfBrowser({ headers }: IncomingMessage, name: string): boolean {
  return (
    name === 'cookie' ||
    (name === 'authorization' && /^(basic|digest|negotiate|ntlm)\b/i.test(headers.authorization ?? ''))
  );
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
