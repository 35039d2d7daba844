import { type ErrorCode, isHexbusError } from '@hexbus/core';

/** Throws unless `condition` holds. `what` says what should have been. */
export function check(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(what);
}

/** Throws unless both have the same structure. A property that is undefined counts as absent. */
export function checkSame(actual: unknown, expected: unknown, what: string): void {
  if (!same(actual, expected)) throw new Error(`${what}: expected ${show(expected)}, got ${show(actual)}`);
}

/** Throws unless `call` returns a promise that rejects with a `HexbusError` of one of `codes`. */
export async function checkRejects(
  call: () => Promise<unknown>,
  codes: ErrorCode | readonly ErrorCode[],
  what: string,
): Promise<void> {
  const wanted = typeof codes === 'string' ? [codes] : codes;
  let promise: Promise<unknown>;
  try {
    promise = call();
  } catch (error) {
    throw new Error(`${what} threw instead of returning a promise that rejects`, { cause: error });
  }
  const outcome = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if (!('error' in outcome)) throw new Error(`${what} should have rejected with ${wanted.join(' or ')}, but resolved`);
  const { error } = outcome;
  if (wanted.some((code) => isHexbusError(error, code))) return;
  throw new Error(`${what} should have rejected with ${wanted.join(' or ')}, but did with ${String(error)}`, {
    cause: error,
  });
}

export function same(left: unknown, right: unknown): boolean {
  if (Object.is(left, right)) return true;
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false;
  if (Array.isArray(left) !== Array.isArray(right)) return false;
  const a = presentEntries(left);
  const b = new Map(presentEntries(right));
  return a.length === b.size && a.every(([key, value]) => b.has(key) && same(value, b.get(key)));
}

function presentEntries(value: object): [string, unknown][] {
  return Object.entries(value).filter(([, entry]) => entry !== undefined);
}

/** A value as failure messages show it: JSON, cut at 300 characters. */
export function show(value: unknown): string {
  const text = JSON.stringify(value, (_, entry: unknown) =>
    typeof entry === 'number' && !Number.isFinite(entry) ? String(entry) : entry,
  );
  if (text === undefined) return String(value);
  return text.length <= 300 ? text : `${text.slice(0, 297)}...`;
}
