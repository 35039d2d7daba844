import type { SseSettings } from './options.ts';

/**
 * Whether a page of this origin may connect. Browsers send cookies along with what other people's pages ask for, and CORS hides from these pages
 * only the answer; this check keeps them from asking.
 */
export function isOriginAllowed(
  origin: string | undefined,
  host: string | undefined,
  allowed: SseSettings['origins'],
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
