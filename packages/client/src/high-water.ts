import type { CursorParts } from '@hexbus/core';
import { formatCursor, parseCursor } from '@hexbus/core/wire';

/** How far one subscription has received its stream, so that repeats are known. Outlives connections. */
export class HighWater {
  #mark: CursorParts | undefined;
  #lossy = false;

  /** Everything at or before it was received. */
  get cursor(): string | undefined {
    return this.#mark === undefined ? undefined : formatCursor(this.#mark.epoch, this.#mark.position);
  }

  /** Some of the stream stands nowhere, as it is not retained: it comes once or never. */
  get lossy(): boolean {
    return this.#lossy;
  }

  /** Whether what stands there was not received yet; from now on it was. Epochs have no order: another one is new. */
  pass(at: CursorParts | undefined): boolean {
    if (at === undefined) {
      this.#lossy = true;
      return true;
    }
    if (this.#mark?.epoch === at.epoch && this.has(at.position)) return false;
    this.#mark = at;
    return true;
  }

  /** Whether everything up to there was received. */
  has(position: number | undefined): boolean {
    return Number(position) <= (this.#mark?.position ?? -1);
  }

  /** Positions have lost their meaning. */
  clear(): void {
    this.#mark = undefined;
  }
}

/** Where a cursor stands. Throws when it makes no sense. */
export function placeOf(cursor: string | undefined): CursorParts | undefined {
  return cursor === undefined ? undefined : parseCursor(cursor);
}
