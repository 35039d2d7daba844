/** Bytes that come piece by piece, copied into one buffer: a piece may be one byte, and keep alive a whole block that it was read into. */
export class ByteCollector {
  readonly #maxBytes: number;
  #buffer: Buffer = Buffer.alloc(0);
  #length = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Whether there was room for it. */
  add(piece: Buffer): boolean {
    const length = this.#length + piece.length;
    if (length > this.#maxBytes) return false;
    if (length > this.#buffer.length) this.#grow(length);
    piece.copy(this.#buffer, this.#length);
    this.#length = length;
    return true;
  }

  /** All of them. Held here too as long as this is. */
  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  /** To twice of what is needed, so that few are copied often. */
  #grow(neededBytes: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.min(2 * neededBytes, this.#maxBytes));
    this.#buffer.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
  }
}
