import type { IncomingMessage } from 'node:http';
import { type Handshake, readAddress, readHeaders, readProtocols } from '@hexbus/core/gateway';
import type { WsSettings } from './options.ts';

/** Why this is no WebSocket handshake, or undefined if it is one. */
export function faultOf(request: IncomingMessage): string | undefined {
  const { headers, method } = request;
  if (method !== 'GET') return 'the method must be GET';
  if (headers.upgrade?.toLowerCase() !== 'websocket') return 'the upgrade must be to websocket';
  if (headers['sec-websocket-version'] !== '13') return 'the version must be 13';
  if (!/^[+/0-9A-Za-z]{22}==$/.test(headers['sec-websocket-key'] ?? '')) return 'the key is missing or malformed';
  if (readProtocols(headers['sec-websocket-protocol']) === undefined) return 'the protocols are malformed';
  return undefined;
}

export function pathOf(request: IncomingMessage): string {
  return request.url?.split('?', 1)[0] ?? '';
}

export function handshakeOf(request: IncomingMessage, settings: WsSettings): Handshake {
  return {
    transport: 'ws',
    url: request.url ?? '',
    headers: readHeaders(request.headers, request.headers.host, settings.origins),
    address: addressOf(request, settings),
    protocols: readProtocols(request.headers['sec-websocket-protocol']) ?? [],
  };
}

function addressOf(request: IncomingMessage, { clientAddress, trustProxy }: WsSettings): string {
  if (clientAddress !== undefined) return clientAddress(request);
  const forwarded = request.headers['x-forwarded-for'];
  return readAddress(forwarded === undefined ? undefined : String(forwarded), request.socket.remoteAddress, trustProxy);
}
