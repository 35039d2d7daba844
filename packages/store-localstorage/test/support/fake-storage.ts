import type { WebStorage } from '@hexbus/store-localstorage';

/** What a storage says when it is full. */
export class NoRoom extends Error {
  override readonly name = 'QuotaExceededError';
}

/** A page that ends in the middle of what it does. */
export class PageGone extends Error {}

/** A Web Storage in memory, as one page sees it. Several pages share `items`. */
export class FakeStorage implements WebStorage {
  readonly items: Map<string, string>;
  /** How many UTF-16 units of keys and values have room. */
  quota = Number.POSITIVE_INFINITY;
  /** Called before each change; what it throws keeps the change from being made. */
  beforeChange: (key: string, value: string | undefined) => void = () => undefined;
  changes = 0;
  #keys: { readonly size: number; readonly list: string[] } | undefined;

  constructor(items: Map<string, string> = new Map()) {
    this.items = items;
  }

  get length(): number {
    return this.items.size;
  }

  get used(): number {
    let used = 0;
    for (const [key, value] of this.items) used += key.length + value.length;
    return used;
  }

  key(index: number): string | null {
    if (index === 0 || this.#keys?.size !== this.items.size) {
      this.#keys = { size: this.items.size, list: [...this.items.keys()] };
    }
    return this.#keys.list[index] ?? null;
  }

  getItem(key: string): string | null {
    return this.items.get(key) ?? null;
  }

  setItem(key: string, value: string): void {
    this.#change(key, value);
    if (this.quota !== Number.POSITIVE_INFINITY) {
      const before = this.items.get(key);
      const growth = value.length - (before === undefined ? -key.length : before.length);
      if (growth > 0 && this.used + growth > this.quota) throw new NoRoom('full');
    }
    this.items.set(key, value);
  }

  removeItem(key: string): void {
    this.#change(key, undefined);
    this.items.delete(key);
  }

  #change(key: string, value: string | undefined): void {
    this.beforeChange(key, value);
    this.changes++;
  }
}

/** Lets a page make so many changes, and ends it before the next one. */
export function dieAfter(storage: FakeStorage, changes: number): void {
  let left = changes;
  storage.beforeChange = () => {
    if (left-- <= 0) throw new PageGone(`after ${changes} changes`);
  };
}
