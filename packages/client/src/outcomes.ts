import type { Receipt } from '@hexbus/core';
import type { Outcome, RequestErrorCode } from '@hexbus/core/gateway';
import { HexbusError, shorten, type WireErrorCode } from '@hexbus/core/wire';
import type { Settled } from './requests.ts';

/** What a request came to, as its caller is told. */
export function outcomeOf<Body>(settled: Settled): Outcome<Body> {
  if (settled.how === 'timeout') return { status: 'timeout' };
  if (settled.how === 'cancelled') return failed('cancelled', 'the caller gave up');
  if (settled.how !== 'replied') return failed('disconnected', 'there is no connection to the server');
  const { reply } = settled;
  if (reply.ok) return { status: 'success', body: reply.body as Body };
  const { code, message } = reply.error;
  return code === 'timeout' ? { status: 'timeout' } : failed(requestCode(code), message);
}

/** The receipt of a publish, or the error with which it rejects. */
export function receiptOf(topic: string, settled: Settled): Receipt {
  if (settled.how === 'replied') {
    if (settled.reply.ok) return settled.reply.body as Receipt;
    const { code, message, retryable } = settled.reply.error;
    if (code === 'timeout') return receiptOf(topic, { how: code });
    const what = `the server refused to publish to ${shorten(topic)} (${code}): ${message}`;
    throw new HexbusError('HEXBUS_REFUSED', what, { retryable });
  }
  if (settled.how === 'not-sent') {
    const what = `publish to ${shorten(topic)}: there is no connection; publish again when there is`;
    throw new HexbusError('HEXBUS_DISCONNECTED', what, { retryable: true });
  }
  const what = `publish to ${shorten(topic)}: the answer is missing (${settled.how}); publish again with the same id`;
  throw new HexbusError('HEXBUS_OUTCOME_UNKNOWN', what, { retryable: true });
}

function failed(code: RequestErrorCode, message: string): Outcome<never> {
  return { status: 'error', code, message };
}

function requestCode(code: WireErrorCode): RequestErrorCode {
  switch (code) {
    case 'not-found':
    case 'no-handler':
    case 'overloaded':
    case 'cancelled':
      return code;
    case 'limit':
      return 'overloaded';
    case 'closed':
      return 'disconnected';
    default:
      return 'remote-error';
  }
}
