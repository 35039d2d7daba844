import { seal, unseal } from './seal.ts';
import { ifRoom, keysBehind, type WebStorage } from './web-storage.ts';

/** Something in a history's keys that it did not write, or not like this. */
export interface CorruptItem {
  /** The key that it was found under. */
  readonly key: string;
  /** The key under which it lies now. Undefined where nothing was left to keep, and where there was no room: then it stays under `key`. */
  readonly setAsideAs: string | undefined;
  /** What is wrong, in words for people. */
  readonly reason: string;
}

export function prefixOf(name: string): string {
  return `hexbus/${encodeURIComponent(name)}/`;
}

/** The tabs that have keys in a storage, under the history of a name. */
export function tabsIn(storage: WebStorage, name: string): string[] {
  const tabs = keysBehind(storage, prefixOf(name)).flatMap((rest) => {
    const slash = rest.indexOf('/');
    return slash < 0 ? [] : [rest.slice(0, slash)];
  });
  return [...new Set(tabs)];
}

/** The items of one tab: the only keys that a history writes, but for those under which it sets something aside. */
export class Namespace {
  readonly tab: string;
  readonly #storage: WebStorage;
  readonly #name: string;
  readonly #prefix: string;
  readonly #report: (item: CorruptItem) => void;

  /** `tab` is written as it stands in keys: without slashes. */
  constructor(storage: WebStorage, name: string, tab: string, report: (item: CorruptItem) => void) {
    this.tab = tab;
    this.#storage = storage;
    this.#name = name;
    this.#prefix = `${prefixOf(name)}${tab}/`;
    this.#report = report;
  }

  /** Another tab of the same history. */
  ofTab(tab: string): Namespace {
    return new Namespace(this.#storage, this.#name, tab, this.#report);
  }

  items(): string[] {
    return keysBehind(this.#storage, this.#prefix);
  }

  /** The value as it lies in the storage. */
  raw(item: string): string | undefined {
    return this.#storage.getItem(this.#prefix + item) ?? undefined;
  }

  /** The text that was written to an item; undefined if there is none, or if it is not ours. */
  read(item: string): string | undefined {
    const value = this.raw(item);
    return value === undefined ? undefined : unseal(item, value);
  }

  /** Throws what the storage throws. Returns the value as it lies there now; `minLength` has it filled up with blanks. */
  write(item: string, text: string, minLength = 0): string {
    const value = seal(item, text.padEnd(minLength));
    this.#storage.setItem(this.#prefix + item, value);
    return value;
  }

  /** Writes if there is room, and tells whether there was. */
  tryToWrite(item: string, text: string): boolean {
    return ifRoom(() => this.write(item, text)) !== undefined;
  }

  remove(item: string): void {
    this.#storage.removeItem(this.#prefix + item);
  }

  /** Tells of an item where nothing is left to keep. */
  tell(item: string, reason: string): void {
    this.#report({ key: this.#prefix + item, setAsideAs: undefined, reason });
  }

  /** Tells of an item, and keeps what lies there under another key. Returns false, and leaves it where it is, if there is no room. */
  setAside(item: string, reason: string): boolean {
    const key = this.#prefix + item;
    const setAsideAs = this.#keepAside(key, this.raw(item) ?? '');
    if (setAsideAs !== undefined) this.remove(item);
    this.#report({ key, setAsideAs, reason });
    return setAsideAs !== undefined;
  }

  #keepAside(key: string, value: string): string | undefined {
    const first = key.replace('/', '-aside/');
    let aside = first;
    for (let count = 2; (this.#storage.getItem(aside) ?? value) !== value; count++) aside = `${first}~${count}`;
    return ifRoom(() => {
      this.#storage.setItem(aside, value);
      return aside;
    });
  }
}
