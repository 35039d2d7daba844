import type { IncomingMessage } from 'node:http';

/**
 * Whether a page of another host makes the browser ask without reading the answer: by an image, a frame or a link. Such a request names no origin, and
 * may bring cookies. What sends no such headers is no browser, or an old one.
 */
export function isEmbedded({ headers }: IncomingMessage): boolean {
  const { 'sec-fetch-mode': mode = 'cors', 'sec-fetch-site': site } = headers;
  return mode !== 'cors' && (site === 'cross-site' || site === 'same-site');
}
