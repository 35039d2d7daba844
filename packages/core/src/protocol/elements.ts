import type { WireError, WireErrorCode } from '../ports/protocol.ts';
import { utf8Length } from '../utf8.ts';
import { wireLimits } from './frames.ts';

/** The fields of a JSON object, none of which is known to be there. Read by name, never copied into another object. */
export type Fields = Readonly<Record<string, unknown>>;

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A positive integer below 2^53. */
export function isId(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1;
}

export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Whole milliseconds, rounded up; null for a duration without end, which JSON has no number for. */
export function durationElement(ms: number): number | null {
  return ms > Number.MAX_SAFE_INTEGER ? null : Math.ceil(ms);
}

/** Undefined for what is no duration. */
export function readDuration(value: unknown): number | undefined {
  if (value === null) return Infinity;
  return isCount(value) ? value : undefined;
}

/** A text of at most `maxBytes` in UTF-8, without control characters, line separators and halves of characters. */
export function isPrintable(value: unknown, maxBytes: number): value is string {
  return (
    typeof value === 'string' &&
    value !== '' &&
    value.length <= maxBytes &&
    !/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u.test(value) &&
    utf8Length(value) <= maxBytes
  );
}

export function isName(value: unknown): value is string {
  return isPrintable(value, wireLimits.maxNameBytes);
}

/** Printable ASCII without blanks. Whether it is a token or cursor of this history, only the gateway can tell. */
export function isAscii(value: unknown, maxLength: number): value is string {
  return typeof value === 'string' && value.length <= maxLength && /^[\x21-\x7e]+$/.test(value);
}

export function isToken(value: unknown): value is string {
  return isAscii(value, wireLimits.maxTokenLength);
}

export function optionalText(value: unknown): value is string | null | undefined {
  return value === undefined || value === null || typeof value === 'string';
}

/** The codes of ERROR, as far as this version knows them. */
export const wireErrorCodes: readonly WireErrorCode[] = [
  'forbidden',
  'invalid',
  'limit',
  'not-found',
  'no-handler',
  'remote-error',
  'overloaded',
  'cancelled',
  'timeout',
  'unauthenticated',
  'closed',
];

/** The error of an ERROR frame; a code that is not known counts as `remote-error`. Undefined when it is none. */
export function readError(value: unknown): WireError | undefined {
  if (!isFields(value)) return undefined;
  const { code, message, retryable, retryAfterMs } = value;
  if (typeof code !== 'string' || typeof message !== 'string') return undefined;
  return {
    code: wireErrorCodes.find((known) => known === code) ?? 'remote-error',
    message,
    retryable: retryable === true,
    ...(isCount(retryAfterMs) ? { retryAfterMs } : {}),
  };
}
