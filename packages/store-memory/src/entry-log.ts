import type { Entry } from './topic-log.ts';

/** Every message over all topics, in order. Removed ones stay as empty entries until they are the greater part. */
export class EntryLog {
  #entries: Entry[] = [];
  #removed = 0;

  get length(): number {
    return this.#entries.length;
  }

  at(index: number): Entry | undefined {
    return this.#entries[index];
  }

  push(entry: Entry): void {
    this.#entries.push(entry);
  }

  remove(entry: Entry): void {
    entry.message = undefined;
    this.#removed++;
  }

  indexAfter(position: number): number {
    return this.#firstIndex((entry) => entry.position > position);
  }

  /** The position before the first entry of that time or later. */
  positionBefore(time: number): number {
    return this.#entries[this.#firstIndex((entry) => entry.time >= time) - 1]?.position ?? 0;
  }

  /** Indexes change: to be called when nobody is looking through the log. */
  compact(): void {
    if (this.#removed < 64 || this.#removed * 2 < this.#entries.length) return;
    this.#entries = this.#entries.filter((entry) => entry.message !== undefined);
    this.#removed = 0;
  }

  #firstIndex(holds: (entry: Entry) => boolean): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (holds(this.#entries[middle] as Entry)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
