import { isSameSecret, type LinkKey } from './link-key.ts';

/** Keys that fit, as another node said: the last ones, so that whoever brings one of them again need not be asked about. A stranger's is never among them. */
export class KnownKeys {
  readonly #maxCount: number;
  /** By node and id; the oldest first. */
  readonly #secrets = new Map<string, string>();

  constructor(maxCount: number) {
    this.#maxCount = maxCount;
  }

  has(key: LinkKey): boolean {
    const secret = this.#secrets.get(nameOf(key));
    return secret !== undefined && isSameSecret(key.secret, secret);
  }

  add(key: LinkKey): void {
    this.delete(key);
    this.#secrets.set(nameOf(key), key.secret);
    const [oldest] = this.#secrets.keys();
    if (oldest !== undefined && this.#secrets.size > this.#maxCount) this.#secrets.delete(oldest);
  }

  delete(key: LinkKey): void {
    this.#secrets.delete(nameOf(key));
  }
}

function nameOf({ node, id }: LinkKey): string {
  return `${node}.${id}`;
}
