import type { Entry } from './topic-log.ts';

/**
 * Every message over all topics, in order. Removed ones stay as empty entries: the first ones until half of the array is unused, others until
 * they are the greater part.
 */
export class EntryLog {
  #entries: Entry[] = [];
  #start = 0;
  /** How many of the entries from `#start` on are empty. */
  #removed = 0;

  /** The entry at an index that `indexAfter` gave, or at a neighbour of it. */
  at(index: number): Entry | undefined {
    return index < this.#start ? undefined : this.#entries[index];
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
    return this.at(this.#firstIndex((entry) => entry.time >= time) - 1)?.position ?? 0;
  }

  /** Indexes change: to be called when nobody is looking through the log. */
  compact(): void {
    if (this.#removed === 0) return;
    for (let first = this.#entries[this.#start]; first !== undefined && first.message === undefined; ) {
      this.#removed--;
      first = this.#entries[++this.#start];
    }
    if (this.#start >= 64 && this.#start * 2 >= this.#entries.length) {
      this.#entries = this.#entries.slice(this.#start);
      this.#start = 0;
    }
    if (this.#removed < 64 || this.#removed * 2 < this.#entries.length - this.#start) return;
    this.#entries = this.#entries.filter((entry) => entry.message !== undefined);
    this.#start = 0;
    this.#removed = 0;
  }

  #firstIndex(holds: (entry: Entry) => boolean): number {
    let low = this.#start;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (holds(this.#entries[middle] as Entry)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
