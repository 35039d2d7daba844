import { configError } from '../bus/checks.ts';

/** Which pages may connect: those that are listed, all, or those of the host that the request names. */
export type Origins = ReadonlySet<string> | 'any' | 'same-host';

/** The option `origins` of a transport, checked; `same-host` where there is none. Throws `HEXBUS_CONFIG` for what no browser would send as an origin. */
export function resolveOrigins(origins: readonly string[] | 'any' | undefined): Origins {
  if (origins === undefined) return 'same-host';
  if (origins === 'any') return 'any';
  if (!Array.isArray(origins)) throw configError('origins', origins, "use 'any', or a list: ['https://example.com']");
  const fault = origins.find((origin) => !isOrigin(origin));
  if (fault === undefined) return new Set(origins);
  const instead = 'https://example.com, without path, in lower case, the port only if it is not the usual one';
  throw configError('origins', fault, `write it as browsers do: ${instead}`);
}

/**
 * Whether a page of this origin may connect; a client that names none is no page, and may. Browsers bring cookies with what other people's pages ask
 * for: CORS does not apply to WebSockets, and of other answers it hides no more than what is in them. This keeps them from asking.
 */
export function isOriginAllowed(origin: string | undefined, host: string | undefined, allowed: Origins): boolean {
  if (origin === undefined || allowed === 'any') return true;
  return allowed === 'same-host' ? isOfHost(origin, host) : allowed.has(origin);
}

function isOrigin(text: string): boolean {
  if (!/^[a-z][a-z0-9+.-]*:\/\/[^/\s]+$/.test(text) || !URL.canParse(text)) return false;
  const { protocol, origin } = new URL(text);
  // Of other schemes, such as those of browser extensions, URL knows no origin.
  return protocol === 'http:' || protocol === 'https:' ? origin === text : true;
}

function isOfHost(origin: string, host: string | undefined): boolean {
  if (host === undefined || !URL.canParse(origin)) return false;
  const url = new URL(origin);
  // What is not written as browsers write it was made to look like something; the port may be left out on either side.
  if (url.origin !== origin || !URL.canParse(`${url.protocol}//${host}`)) return false;
  return new URL(`${url.protocol}//${host}`).host === url.host;
}
