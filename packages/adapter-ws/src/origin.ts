import type { WsSettings } from './options.ts';

/**
 * Whether a page of this origin may connect. Browsers send cookies with every WebSocket handshake, whichever page asks for it, and CORS does not
 * apply; this check is what keeps other people's pages from using them.
 */
export function isOriginAllowed(
  origin: string | undefined,
  host: string | undefined,
  allowed: WsSettings['origins'],
): boolean {
  if (origin === undefined || allowed === 'any') return true;
  return allowed === 'same-host' ? isOfHost(origin, host) : allowed.has(origin);
}

function isOfHost(origin: string, host: string | undefined): boolean {
  if (host === undefined || !URL.canParse(origin)) return false;
  const url = new URL(origin);
  // What is not written as browsers write it was made to look like something; the port may be left out on either side.
  if (url.origin !== origin || !URL.canParse(`${url.protocol}//${host}`)) return false;
  return new URL(`${url.protocol}//${host}`).host === url.host;
}
