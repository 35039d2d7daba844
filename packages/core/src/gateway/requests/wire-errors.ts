import { type ErrorCode, isHexbusError } from '../../errors.ts';
import type { WireError, WireErrorCode, WireReply } from '../../ports/protocol.ts';

/** An answer that is no success. */
export function refusal(code: WireErrorCode, message: string, retryable = false): WireReply {
  return { ok: false, error: { code, message, retryable } };
}

/** What a client is told whose wish `authorize` did not allow. `what`: which wishes it is about, as `following`. */
export function notAllowed(verdict: 'forbidden' | 'unknown', what: string): WireError {
  return verdict === 'forbidden'
    ? { code: 'forbidden', message: `${what} this topic is not allowed`, retryable: false }
    : {
        code: 'remote-error',
        message: `whether ${what} this topic is allowed could not be found out`,
        retryable: true,
      };
}

const invalid: ReadonlySet<ErrorCode> = new Set([
  'HEXBUS_INVALID_TOPIC',
  'HEXBUS_INVALID_BODY',
  'HEXBUS_BODY_TOO_LARGE',
  'HEXBUS_INVALID_CURSOR',
  'HEXBUS_NOT_RETAINED',
  'HEXBUS_CONFIG',
]);
const overloaded: ReadonlySet<ErrorCode> = new Set(['HEXBUS_TOPIC_FULL', 'HEXBUS_OVERLOADED']);

/** What a client is told of an error of the bus: only what hexbus itself says of the client's own input leaves the server. */
export function wireErrorOf(error: unknown): WireError {
  if (!isHexbusError(error)) return { code: 'remote-error', message: 'the server failed', retryable: false };
  if (invalid.has(error.code)) return { code: 'invalid', message: error.message, retryable: false };
  if (overloaded.has(error.code))
    return { code: 'overloaded', message: 'there is no room at present', retryable: true };
  if (error.code === 'HEXBUS_OUTCOME_UNKNOWN')
    return { code: 'timeout', message: 'nobody knows whether it was kept', retryable: true };
  if (error.code === 'HEXBUS_CLOSED') return { code: 'closed', message: 'the server is closing', retryable: true };
  return { code: 'remote-error', message: 'the server failed', retryable: error.retryable };
}
