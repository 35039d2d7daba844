import type { IncomingMessage, ServerResponse } from 'node:http';
import { isOriginAllowed } from '@hexbus/core/gateway';
import { hostOf } from './http.ts';
import { type SseSettings, sseDefaults } from './options.ts';

/** Tells the browser which pages may read the answer. Returns whether the page that asks, if one does, may. */
export function allowOrigin(
  request: IncomingMessage,
  response: ServerResponse,
  origins: SseSettings['origins'],
): boolean {
  const { origin } = request.headers;
  const isAllowed = isOriginAllowed(origin, hostOf(request), origins);
  if (origins === 'same-host') return isAllowed;
  if (origins === 'any') response.setHeader('Access-Control-Allow-Origin', '*');
  else response.appendHeader('Vary', 'Origin');
  if (origins !== 'any' && origin !== undefined && isAllowed) {
    response.setHeader('Access-Control-Allow-Origin', origin);
    response.setHeader('Access-Control-Allow-Credentials', 'true');
  }
  response.setHeader('Access-Control-Expose-Headers', 'Retry-After, Hexbus-Refused');
  return isAllowed;
}

/** Answers what a browser asks before a page of another origin may ask. Whatever credential it wants to bring in a header, it may. */
export function allowHeaders(request: IncomingMessage, response: ServerResponse): void {
  const asked = request.headers['access-control-request-headers'];
  response.setHeader('Access-Control-Allow-Methods', 'GET, POST');
  if (asked !== undefined && /^[\w\-, ]*$/.test(asked)) response.setHeader('Access-Control-Allow-Headers', asked);
  response.setHeader('Access-Control-Max-Age', sseDefaults.preflightMaxAgeMs / 1000);
}
