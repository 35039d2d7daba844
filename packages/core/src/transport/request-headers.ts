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
