import type { IncomingMessage } from 'node:http';
import type { Handshake } from '@hexbus/core/gateway';
import type { WsSettings } from './options.ts';

/** Why this is no WebSocket handshake, or undefined if it is one. */
export function faultOf(request: IncomingMessage): string | undefined {
  const { headers, method } = request;
  if (method !== 'GET') return 'the method must be GET';
  if (headers.upgrade?.toLowerCase() !== 'websocket') return 'the upgrade must be to websocket';
  if (headers['sec-websocket-version'] !== '13') return 'the version must be 13';
  if (!/^[+/0-9A-Za-z]{22}==$/.test(headers['sec-websocket-key'] ?? '')) return 'the key is missing or malformed';
  const protocols = protocolsOf(request);
  const isToken = (name: string): boolean => /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name);
  if (!protocols.every(isToken) || new Set(protocols).size < protocols.length) return 'the protocols are malformed';
  return undefined;
}

export function pathOf(request: IncomingMessage): string {
  return request.url?.split('?', 1)[0] ?? '';
}

export function handshakeOf(request: IncomingMessage, settings: WsSettings): Handshake {
  const headers = Object.entries(request.headers).map(([name, value]) => [
    name,
    Array.isArray(value) ? value.join(', ') : value,
  ]);
  return {
    transport: 'ws',
    url: request.url ?? '',
    headers: Object.fromEntries(headers),
    address: addressOf(request, settings),
    protocols: protocolsOf(request),
  };
}

function protocolsOf(request: IncomingMessage): string[] {
  const offered = request.headers['sec-websocket-protocol'];
  return offered === undefined ? [] : offered.split(',').map((name) => name.trim());
}

function addressOf(request: IncomingMessage, { clientAddress, trustProxy }: WsSettings): string {
  if (clientAddress !== undefined) return clientAddress(request);
  const forwarded = trustProxy === 0 ? undefined : request.headers['x-forwarded-for'];
  const entries = forwarded === undefined ? [] : String(forwarded).split(',');
  // What stands further left than our own proxies wrote is the client's invention.
  const address = entries.at(-Math.min(trustProxy, entries.length))?.trim() || request.socket.remoteAddress || '';
  return address.replace(/^::ffff:(?=\d+\.)/, '');
}
