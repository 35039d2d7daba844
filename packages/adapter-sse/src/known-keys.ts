import { isSameSecret, type LinkKey, nameOf } from './link-key.ts';

/**
 * Keys that fit, as another node said, and how many POSTs were taken there: the last ones, so that whoever brings the next need not be asked about. A
 * stranger's is never among them.
 */
export class KnownKeys {
  readonly #maxCount: number;
  /** By node and id; the oldest first. */
  readonly #known = new Map<string, { readonly secret: string; readonly taken: number }>();

  constructor(maxCount: number) {
    this.#maxCount = maxCount;
  }

  takenOf(key: LinkKey): number | undefined {
    const known = this.#known.get(nameOf(key));
    return known !== undefined && isSameSecret(key.secret, known.secret) ? known.taken : undefined;
  }

  add(key: LinkKey, taken: number): void {
    this.delete(key);
    this.#known.set(nameOf(key), { secret: key.secret, taken });
    const [oldest] = this.#known.keys();
    if (oldest !== undefined && this.#known.size > this.#maxCount) this.#known.delete(oldest);
  }

  delete(key: LinkKey): void {
    this.#known.delete(nameOf(key));
  }
}
