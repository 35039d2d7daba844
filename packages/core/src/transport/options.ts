import { assertField, assertFunction } from '../bus/checks.ts';

/** An option that is an integer, of a factory of transports. `max`: by default the longest that a timer takes. Throws `HEXBUS_CONFIG` naming the field. */
export function checkInteger(field: string, value: number, min: number, max: number = 2 ** 31 - 1): number {
  const isValid = Number.isInteger(value) && value >= min && value <= max;
  assertField(isValid, field, value, `use an integer from ${min} to ${max}`);
  return value;
}

/** An option that is a switch: what only counts as true was meant to be something else. Throws `HEXBUS_CONFIG` naming the field. */
export function checkBoolean(field: string, value: boolean): boolean {
  assertField(typeof value === 'boolean', field, value, 'use true or false');
  return value;
}

/**
 * The option `clientAddress` of a transport, made to throw where what it returns is no text: who cannot be told apart is not let in. Throws
 * `HEXBUS_CONFIG` for what is no function.
 */
export function checkClientAddress<Request>(
  clientAddress: ((request: Request) => string) | undefined,
): ((request: Request) => string) | undefined {
  if (clientAddress === undefined) return undefined;
  assertFunction('clientAddress', clientAddress);
  return (request) => {
    const address = clientAddress(request);
    assertField(typeof address === 'string', 'the result of clientAddress', address, 'return a string');
    return address;
  };
}

/** The option `path` of a transport: the one path at which clients connect, as they ask for it. Throws `HEXBUS_CONFIG`. */
export function checkPath(path: string): string {
  const base = 'http://localhost';
  const isValid = URL.canParse(path, base) && new URL(path, base).pathname === path;
  assertField(isValid, 'path', path, 'begin with one /, without query, and percent-encode it as clients do');
  return path;
}
