import type { IncomingMessage } from 'node:http';
import type { Handshake } from '@hexbus/core/gateway';
import { headerOf, hostOf } from './http.ts';
import type { SseSettings } from './options.ts';

/** `protocols`: those that the client offers. */
export function handshakeOf(request: IncomingMessage, protocols: readonly string[], settings: SseSettings): Handshake {
  const names = Object.keys(request.headers).filter((name) => !name.startsWith(':'));
  const headers = names.map((name) => [name, headerOf(request, name)]);
  return {
    transport: 'sse',
    url: urlOf(request),
    headers: { ...Object.fromEntries(headers), host: hostOf(request) },
    address: addressOf(request, settings),
    protocols,
  };
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
