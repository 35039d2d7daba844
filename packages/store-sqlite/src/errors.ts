import { type ErrorCode, HexbusError, isHexbusError } from '@hexbus/core';

// Primary result codes of SQLite, by number (node:sqlite) and by name (better-sqlite3).
const resultCodes = {
  PERM: 3,
  BUSY: 5,
  LOCKED: 6,
  READONLY: 8,
  IOERR: 10,
  CORRUPT: 11,
  FULL: 13,
  CANTOPEN: 14,
  NOTADB: 26,
} as const;

type ResultCode = keyof typeof resultCodes;

const names = Object.keys(resultCodes) as ResultCode[];

/** What went wrong inside SQLite; undefined for any other error. */
export function resultCodeOf(error: unknown): ResultCode | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { errcode, code } = error as { errcode?: unknown; code?: unknown };
  // The low byte is the primary code; extended codes add to it.
  if (typeof errcode === 'number') return names.find((name) => resultCodes[name] === (errcode & 0xff));
  if (typeof code !== 'string') return undefined;
  return names.find((name) => code === `SQLITE_${name}` || code.startsWith(`SQLITE_${name}_`));
}

/** The step that failed. `commit` is the only one that can fail and yet have happened. */
export type Step = 'open' | 'read' | 'write' | 'commit' | 'close';

/** An error of the driver as the history reports it: with the file, and what to do. */
export function translated(error: unknown, step: Step, file: string): HexbusError {
  if (isHexbusError(error)) return error;
  const make = (code: ErrorCode, text: string, retryable = false) =>
    new HexbusError(code, `history ${file}: ${text} (${detail})`, { cause: error, retryable });
  const detail = error instanceof Error ? error.message : String(error);
  switch (resultCodeOf(error)) {
    case 'BUSY':
    case 'LOCKED':
      return make('HEXBUS_HISTORY_BUSY', 'another program holds a lock on it; nothing was changed, try again', true);
    case 'FULL':
      return make('HEXBUS_HISTORY_FULL', 'the disk is full; nothing was changed, free some space and try again', true);
    case 'READONLY':
    case 'PERM':
      return make(
        'HEXBUS_HISTORY_READ_ONLY',
        'it cannot be written; give this process the right to write the file and its directory',
      );
    case 'CORRUPT':
    case 'NOTADB':
      return make(
        'HEXBUS_HISTORY_CORRUPT',
        'it is no SQLite database or is damaged; it was left as it is, restore a copy or use another file',
      );
    case 'CANTOPEN':
      return make('HEXBUS_CONFIG', 'it cannot be opened; check that the directory exists and may be written');
    case 'IOERR':
      if (step === 'commit') {
        return make(
          'HEXBUS_OUTCOME_UNKNOWN',
          'the disk failed while the batch was committed, so it may be there or not; publishing again with the same ids is safe',
          true,
        );
      }
  }
  return make('HEXBUS_HISTORY_FAILED', `SQLite failed to ${step === 'commit' ? 'write' : step}; nothing was changed`);
}
