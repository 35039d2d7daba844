interface Positioned {
  readonly position: number;
}

/** Items in the order of their positions. Cheap where a history works: adding at the end, removing and inserting near the start. */
export class PositionList<Item extends Positioned> {
  #items: Item[] = [];
  #start = 0;

  get length(): number {
    return this.#items.length - this.#start;
  }

  at(index: number): Item | undefined {
    return this.#items[this.#start + index];
  }

  get first(): Item | undefined {
    return this.#items[this.#start];
  }

  get last(): Item | undefined {
    return this.length === 0 ? undefined : this.#items[this.#items.length - 1];
  }

  push(item: Item): void {
    this.#items.push(item);
  }

  /** The index of the first item above a position; `length` when there is none. */
  indexAfter(position: number): number {
    let low = this.#start;
    let high = this.#items.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#items[middle] as Item).position <= position) low = middle + 1;
      else high = middle;
    }
    return low - this.#start;
  }

  find(position: number): Item | undefined {
    const index = this.indexAfter(position) - 1;
    const item = index < 0 ? undefined : this.at(index);
    return item?.position === position ? item : undefined;
  }

  removeFirst(): void {
    this.#start++;
    this.#compact();
  }

  remove(position: number): void {
    const index = this.#start + this.indexAfter(position) - 1;
    this.#items.copyWithin(this.#start + 1, this.#start, index);
    this.removeFirst();
  }

  insert(item: Item): void {
    const index = this.#start + this.indexAfter(item.position);
    if (this.#start === 0) {
      this.#items.splice(index, 0, item);
      return;
    }
    this.#items.copyWithin(this.#start - 1, this.#start, index);
    this.#items[index - 1] = item;
    this.#start--;
  }

  /** Moves the items only when half of the array is unused, so that each removal costs the same however long the list is. */
  #compact(): void {
    if (this.#start === this.#items.length) {
      this.#items = [];
      this.#start = 0;
    } else if (this.#start >= 32 && this.#start * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#start);
      this.#start = 0;
    }
  }
}
