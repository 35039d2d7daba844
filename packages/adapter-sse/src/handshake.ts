import type { IncomingMessage } from 'node:http';
import type { Handshake } from '@hexbus/core/gateway';
import { headerOf, hostOf } from './http.ts';
import type { SseSettings } from './options.ts';
import { isOriginAllowed } from './origin.ts';

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

/** The protocols that a client offers, or undefined if it wrote them in no way that makes sense. */
export function protocolsOf(request: IncomingMessage): readonly string[] | undefined {
  const offered = headerOf(request, 'hexbus-protocol');
  if (offered === undefined) return [];
  const names = offered.split(',').map((name) => name.trim());
  const isToken = (name: string): boolean => /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name);
  return names.every(isToken) && new Set(names).size === names.length ? names : undefined;
}

/** Routers that hand a request on under a shorter path keep the one that was asked for. */
function urlOf(request: IncomingMessage): string {
  const { originalUrl } = request as { originalUrl?: unknown };
  return typeof originalUrl === 'string' ? originalUrl : (request.url ?? '');
}

function addressOf(request: IncomingMessage, { clientAddress, trustProxy }: SseSettings): string {
  if (clientAddress !== undefined) return clientAddress(request);
  const forwarded = trustProxy === 0 ? undefined : headerOf(request, 'x-forwarded-for');
  const entries = forwarded === undefined ? [] : forwarded.split(',');
  // What stands further left than our own proxies wrote is the client's invention.
  const address = entries.at(-Math.min(trustProxy, entries.length))?.trim() || request.socket.remoteAddress || '';
  return address.replace(/^::ffff:(?=\d+\.)/, '');
}
