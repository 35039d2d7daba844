import { HexbusError, isHexbusError, shorten } from '@hexbus/core';
import { isNoRoom } from './web-storage.ts';

export function closedError(): HexbusError {
  return new HexbusError('HEXBUS_CLOSED', 'this localStorage history is closed; create a new one');
}

export function fullError(purpose: string, cause?: unknown): HexbusError {
  return new HexbusError(
    'HEXBUS_HISTORY_FULL',
    `the storage of this page has no room ${purpose}; nothing was changed; handle what waits, keep less, or remove other keys`,
    { retryable: true, cause },
  );
}

export function newerError(): HexbusError {
  return new HexbusError(
    'HEXBUS_HISTORY_NEWER',
    'a newer version of this history wrote what lies in the storage; load that version',
  );
}

export function inUseError(tab: string): HexbusError {
  return new HexbusError(
    'HEXBUS_HISTORY_IN_USE',
    `localStorage history, tab ${shorten(tab)}: another bus has it open, in this page or another; close that one, or leave out the option tab`,
  );
}

/** What a storage threw, as an error of ours. */
export function storageError(error: unknown): HexbusError {
  if (isHexbusError(error)) return error;
  if (isNoRoom(error)) return fullError('for this', error);
  return new HexbusError('HEXBUS_HISTORY_FAILED', `the storage of this page failed: ${shorten(error)}`, {
    cause: error,
  });
}
