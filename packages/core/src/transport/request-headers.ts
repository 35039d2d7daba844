import type { Handshake } from '../ports/transport.ts';
import { isOriginAllowed, type Origins } from './origins.ts';

/** The headers of a request as Node gives them: by lower-case name. */
export type RequestHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/**
 * The headers for a handshake. Where `any` page may connect, what the browser of one of another host may have added by itself is not among them: cookies,
 * and what it remembers for HTTP's own dialogs. Otherwise such a page could speak in the name of whoever looks at it.
 */
export function readHeaders(headers: RequestHeaders, host: string | undefined, origins: Origins): Handshake['headers'] {
  const isForeign = origins === 'any' && !isOriginAllowed(lineOf(headers['origin']), host, 'same-host');
  const lines = Object.entries(headers).map(([name, value]) => [name, lineOf(value)] as const);
  return Object.fromEntries(
    // Those of HTTP/2 that begin with a colon are none.
    lines.filter(([name, line = '']) => !name.startsWith(':') && !(isForeign && isOfBrowser(name, line))),
  );
}

function lineOf(value: RequestHeaders[string]): string | undefined {
  return typeof value === 'object' ? value.join(', ') : value;
}

/** Whether a browser may have added this header by itself, for whatever page asks. One that the page wrote, the page knows. */
function isOfBrowser(name: string, line: string): boolean {
  return name === 'cookie' || (name === 'authorization' && /^(basic|digest|negotiate|ntlm)\b/i.test(line));
}

/** The protocols that a client offers in a header, with commas between; none without it. Undefined if it wrote them in no way that makes sense. */
export function readProtocols(offered: string | undefined): readonly string[] | undefined {
  if (offered === undefined) return [];
  const names = offered.split(',').map((name) => name.trim());
  const isToken = (name: string): boolean => /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name);
  return names.every(isToken) && new Set(names).size === names.length ? names : undefined;
}

/**
 * The address of a client behind so many proxies of one's own. `forwarded`: X-Forwarded-For; what stands further left in it than they wrote is the client's
 * invention. `peer`: whom the server sees. IPv4 is written as such, also where it comes by a socket of IPv6.
 */
export function readAddress(forwarded: string | undefined, peer: string | undefined, proxies: number): string {
  const entries = proxies === 0 || forwarded === undefined ? [] : forwarded.split(',');
  const address = entries.at(-Math.min(proxies, entries.length))?.trim() || peer || '';
  return address.replace(/^::ffff:(?=\d+\.)/, '');
}
