/** What a history needs of a Web Storage: `localStorage`, `sessionStorage`, or anything that behaves like them. */
export interface WebStorage {
  readonly length: number;
  key(index: number): string | null;
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/** What follows a prefix in the keys that begin with it. */
export function keysBehind(storage: WebStorage, prefix: string): string[] {
  const found: string[] = [];
  for (let index = 0; index < storage.length; index++) {
    const key = storage.key(index);
    if (key?.startsWith(prefix)) found.push(key.slice(prefix.length));
  }
  return found;
}

/** Whether a storage refused a value because it has no room for it. Firefox had a name of its own for that. */
export function isNoRoom(error: unknown): boolean {
  const { name } = (error ?? {}) as { readonly name?: unknown };
  return name === 'QuotaExceededError' || name === 'NS_ERROR_DOM_QUOTA_REACHED';
}

/** What `work` returns; undefined if there was no room for what it was to write. */
export function ifRoom<Result>(work: () => Result): Result | undefined {
  try {
    return work();
  } catch (error) {
    if (isNoRoom(error)) return undefined;
    throw error;
  }
}
