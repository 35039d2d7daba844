import { HexbusError, shorten } from './errors.ts';

/** An opaque string that users keep: everything after it has not been handled. Only the history that issued it can read it. */
export type Cursor = string & { readonly __cursor?: never };

/** A cursor taken apart: `position` counts messages of the whole history `epoch`; 0 is before the first. */
export interface CursorParts {
  readonly epoch: string;
  readonly position: number;
}

export function formatCursor(epoch: string, position: number): Cursor {
  // V8 keeps the texts that a template makes of numbers in a cache: of a million cursors, 24 MB outlived collections and made the young generation grow.
  return `${epoch}.${position.toFixed(0)}`;
}

const cursorForm = /^([A-Za-z0-9_-]{1,64})\.(0|[1-9]\d{0,15})$/;

/** Takes a cursor apart, or throws `HEXBUS_INVALID_CURSOR`. Whether its epoch and position exist, only the history can tell. */
export function parseCursor(cursor: unknown): CursorParts {
  const match = typeof cursor === 'string' ? cursorForm.exec(cursor) : null;
  const position = Number(match?.[2]);
  if (match === null || !Number.isSafeInteger(position)) {
    throw new HexbusError(
      'HEXBUS_INVALID_CURSOR',
      `cursor ${shorten(cursor)} is none that hexbus issued; pass cursors on unchanged`,
    );
  }
  return { epoch: match[1] as string, position };
}
