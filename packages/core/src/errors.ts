/** Every code that a `HexbusError` can carry. The list is closed: `docs/errors.md` explains each, and a test holds both in step. */
export const errorCodes = [
  'HEXBUS_CONFIG',
  'HEXBUS_NOT_OPEN',
  'HEXBUS_CLOSED',
  'HEXBUS_INVALID_TOPIC',
  'HEXBUS_INVALID_BODY',
  'HEXBUS_BODY_TOO_LARGE',
  'HEXBUS_INVALID_CURSOR',
  'HEXBUS_RETAINED',
  'HEXBUS_NOT_RETAINED',
  'HEXBUS_TOPIC_FULL',
  'HEXBUS_OVERLOADED',
  'HEXBUS_NAME_TAKEN',
  'HEXBUS_NAME_FILTER',
  'HEXBUS_HANDLER_FAILED',
  'HEXBUS_HANDLER_TIMEOUT',
  'HEXBUS_OBSERVER_FAILED',
  'HEXBUS_OUTCOME_UNKNOWN',
  'HEXBUS_HISTORY_IN_USE',
  'HEXBUS_HISTORY_BUSY',
  'HEXBUS_HISTORY_FULL',
  'HEXBUS_HISTORY_READ_ONLY',
  'HEXBUS_HISTORY_CORRUPT',
  'HEXBUS_HISTORY_NEWER',
  'HEXBUS_HISTORY_FAILED',
  'HEXBUS_UNSUPPORTED',
  'HEXBUS_DISCONNECTED',
  'HEXBUS_REFUSED',
] as const;

export type ErrorCode = (typeof errorCodes)[number];

export interface HexbusErrorOptions {
  /** Whether the same call may succeed later, unchanged. Default false. */
  readonly retryable?: boolean;
  readonly cause?: unknown;
}

/**
 * The one error class of hexbus. The message says what, which value (shortened, never a secret), and what to do.
 * Recognise it with `isHexbusError`, never with `instanceof`: two copies of core may live in one program.
 */
export class HexbusError extends Error {
  override readonly name = 'HexbusError';
  readonly code: ErrorCode;
  readonly retryable: boolean;

  constructor(code: ErrorCode, message: string, options: HexbusErrorOptions = {}) {
    super(message, options);
    this.code = code;
    this.retryable = options.retryable ?? false;
  }
}

/** Tells by name and code whether `error` is a `HexbusError`, of the given code if one is given. */
export function isHexbusError(error: unknown, code?: ErrorCode): error is HexbusError {
  const { name, code: own } = (error ?? {}) as { readonly name?: unknown; readonly code?: unknown };
  return name === 'HexbusError' && typeof own === 'string' && (code === undefined || own === code);
}

/** A value as it may stand in an error message: at most `maxLength` characters, on one line, never throwing. */
export function shorten(value: unknown, maxLength = 80): string {
  let text: string;
  try {
    text = typeof value === 'string' ? JSON.stringify(value) : String(value) || '[]';
  } catch {
    text = typeof value;
  }
  text = text.replace(/\s+/g, ' ');
  return text.length <= maxLength ? text : `${text.slice(0, maxLength - 3)}...`;
}
