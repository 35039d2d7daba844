import { HexbusError, shorten } from '../errors.ts';

/** The error of a field that has a value it cannot have, and what to do instead. */
export function configError(field: string, value: unknown, instead: string): HexbusError {
  return new HexbusError('HEXBUS_CONFIG', `${field} is ${shorten(value)}; ${instead}`);
}

/** Throws the error of a field unless its value is valid. */
export function assertField(valid: boolean, field: string, value: unknown, instead: string): asserts valid {
  if (!valid) throw configError(field, value, instead);
}

export function assertFunction(field: string, value: unknown): void {
  assertField(typeof value === 'function', field, value, 'pass a function');
}

export function assertChoice(field: string, value: unknown, ...choices: readonly string[]): void {
  assertField(choices.includes(value as string), field, value, `use '${choices.join("' or '")}'`);
}

/** Of a signal that is none, such as the controller itself. */
export function assertSignal(value: unknown): void {
  const { aborted, addEventListener } = (value ?? {}) as Partial<AbortSignal>;
  const valid = value === undefined || (typeof aborted === 'boolean' && typeof addEventListener === 'function');
  assertField(valid, 'signal', value, 'pass an AbortSignal');
}

/** `Infinity` is no whole number here. */
export function assertWholeNumber(field: string, value: unknown, least: number): void {
  assertField(Number.isSafeInteger(value) && Number(value) >= least, field, value, `use a whole number from ${least}`);
}

/** Without lone surrogates, of which a store makes one character, and control characters, as a store may read no further than a NUL. */
export function isText(value: unknown, maxLength: number): value is string {
  return typeof value === 'string' && value.length <= maxLength && /^[^\p{Cc}\p{Cs}]+$/u.test(value);
}

export function assertText(field: string, value: unknown, maxLength: number): asserts value is string {
  assertField(isText(value, maxLength), field, value, `use 1 to ${maxLength} printable characters`);
}

export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}
