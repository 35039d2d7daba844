import type { Cursor } from '../../cursor.ts';

/** Messages were lost to a limit before they could be handled. May be wider than the loss, never narrower. Positions are inclusive. */
export interface Gap {
  /** Topics, or patterns that stand for several. */
  readonly topics: readonly string[];
  readonly from: number;
  readonly to: number;
}

/** Positions have a new meaning: the subscription goes on at the beginning of the present history, so messages may be missing or come again. */
export interface Reset {
  readonly from: Cursor;
  readonly to: Cursor;
}
