import { assertField } from '../bus/checks.ts';

/** An option that is an integer, of a factory of transports. `max`: by default the longest that a timer takes. Throws `HEXBUS_CONFIG` naming the field. */
export function checkInteger(field: string, value: number, min: number, max: number = 2 ** 31 - 1): number {
  const isValid = Number.isInteger(value) && value >= min && value <= max;
  assertField(isValid, field, value, `use an integer from ${min} to ${max}`);
  return value;
}

/** The option `path` of a transport: the one path at which clients connect. Throws `HEXBUS_CONFIG`. */
export function checkPath(path: string): string {
  assertField(/^\/[^\s?#]*$/.test(path), 'path', path, 'begin with / and have no query');
  return path;
}
