import { HexbusError, shorten } from '../../errors.ts';
import type { NewMessage } from '../../ports/history-store.ts';
import { utf8Length } from '../../utf8.ts';
import type { PublishOptions } from '../api.ts';
import { busDefaults } from '../options.ts';

/** Encodes a message for the history, once. Throws `HEXBUS_INVALID_BODY` or `HEXBUS_BODY_TOO_LARGE`, naming the offending value's path. */
export function encodeMessage(
  topic: string,
  body: unknown,
  id: string,
  options: PublishOptions,
  maxBodyBytes: number,
): NewMessage {
  const text = encodeBody(topic, body, maxBodyBytes);
  const message: { -readonly [Field in keyof NewMessage]: NewMessage[Field] } = {
    topic,
    id,
    body: text,
    deduplicate: options.id !== undefined,
  };
  if (options.type !== undefined) message.type = options.type;
  if (options.sender !== undefined || options.headers !== undefined) {
    message.attributes = JSON.stringify({ sender: options.sender, headers: options.headers });
    checkSize(`headers of ${topic}`, message.attributes, maxBodyBytes);
  }
  return message;
}

function encodeBody(topic: string, body: unknown, maxBodyBytes: number): string {
  let text: string;
  try {
    const problem = isPlainData(body, 0) ? undefined : findUncarriable(body, 0, []);
    if (problem !== undefined) throw invalidBody(topic, problem);
    text = JSON.stringify(body);
    // A toJSON that answers otherwise when it is asked again.
    if (text === undefined) throw invalidBody(topic, ['undefined']);
  } catch (error) {
    if (error instanceof HexbusError) throw error;
    throw new HexbusError(
      'HEXBUS_INVALID_BODY',
      `body of ${topic} cannot be read: ${shorten(error)}; publish plain data`,
      { cause: error },
    );
  }
  checkSize(`body of ${topic}`, text, maxBodyBytes);
  return text;
}

function checkSize(what: string, text: string, maxBodyBytes: number): void {
  // A UTF-16 unit takes at most 3 bytes in UTF-8, so most bodies need no exact count.
  if (text.length * 3 <= maxBodyBytes) return;
  const bytes = utf8Length(text);
  if (bytes <= maxBodyBytes) return;
  throw new HexbusError(
    'HEXBUS_BODY_TOO_LARGE',
    `${what} has ${bytes} bytes as JSON, more than maxBodyBytes ${maxBodyBytes}; publish a reference instead, or raise the limit`,
  );
}

/**
 * Whether a value is what most bodies are: objects and arrays of the kind that JSON itself makes. Anything else, also what inherits something, is for
 * `findUncarriable` to judge, which takes twice as long.
 */
function isPlainData(value: unknown, depth: number): boolean {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return true;
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object' || depth >= busDefaults.maxBodyDepth) return false;
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') return false;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) if (!isPlainData(value[index], depth + 1)) return false;
    return true;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  for (const key in value) if (!isPlainData((value as Record<string, unknown>)[key], depth + 1)) return false;
  return true;
}

/** What cannot be carried, and the way to it. */
type Problem = readonly [what: string, ...path: (string | number)[]];

/** Kinds of objects that JSON would silently turn into something else. */
const lossyKinds = new Set([
  ...['Map', 'Set', 'WeakMap', 'WeakSet', 'RegExp', 'Promise', 'Error', 'ArrayBuffer'],
  ...['Headers', 'URLSearchParams', 'FormData', 'Blob', 'File'],
]);

/** The first value below `value` that JSON cannot carry. `ancestors` are the objects that hold it, outermost first; `given`: by a `toJSON`. */
function findUncarriable(value: unknown, depth: number, ancestors: object[], given = false): Problem | undefined {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return undefined;
    case 'number':
      return Number.isFinite(value) ? undefined : [`the number ${value}`];
    case 'object':
      break;
    default:
      return [value === undefined ? 'undefined' : `a ${typeof value}`];
  }
  if (value === null) return undefined;
  if (ancestors.includes(value)) return ['a cycle'];
  // Also a Buffer, whose toJSON gives something that is none.
  if (ArrayBuffer.isView(value)) return [`a ${kindOf(value)}`];
  const custom = (value as { toJSON?: unknown }).toJSON;
  // JSON takes what toJSON gives as it is, and does not ask that in turn.
  if (typeof custom === 'function' && !given) return findInGiven(value as Custom, depth, ancestors);
  if (depth >= busDefaults.maxBodyDepth) return [`nesting deeper than ${busDefaults.maxBodyDepth}`];
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null && !Array.isArray(value)) {
    const kind = kindOf(value);
    if (lossyKinds.has(kind)) return [`a ${kind}`];
  }
  ancestors.push(value);
  const problem = findInside(value as Record<string, unknown>, depth + 1, ancestors);
  ancestors.pop();
  return problem;
}

function kindOf(value: object): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}

interface Custom {
  toJSON(): unknown;
}

function findInGiven(value: Custom, depth: number, ancestors: object[]): Problem | undefined {
  if (value instanceof Date && Number.isNaN(value.getTime())) return ['an invalid Date'];
  const given = value.toJSON();
  if (given === value) return findUncarriable(value, depth, ancestors, true);
  ancestors.push(value);
  const problem = findUncarriable(given, depth, ancestors, true);
  ancestors.pop();
  return problem;
}

function findInside(value: Record<PropertyKey, unknown>, depth: number, ancestors: object[]): Problem | undefined {
  const keys = Array.isArray(value) ? value.keys() : Object.keys(value);
  for (const key of keys) {
    const problem = findUncarriable(value[key], depth, ancestors);
    if (problem === undefined) continue;
    const [what, ...path] = problem;
    return [what, key, ...path];
  }
  return undefined;
}

function invalidBody(topic: string, [what, ...path]: Problem): HexbusError {
  const place = ['body', ...path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`))].join('');
  return new HexbusError(
    'HEXBUS_INVALID_BODY',
    `${shorten(place)} of ${topic} is ${what}, which JSON cannot carry; publish plain data`,
  );
}
