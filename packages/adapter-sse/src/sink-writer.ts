import type { Writable } from 'node:stream';
import type { SliceWriter } from '@hexbus/core/gateway';

/** Writes slices to what carries an event stream. */
export class SinkWriter implements SliceWriter<Buffer> {
  readonly #sink: Writable;

  constructor(sink: Writable) {
    this.#sink = sink;
  }

  get isOpen(): boolean {
    return this.#sink.writable;
  }

  get bufferedBytes(): number {
    return this.#sink.writableLength;
  }

  sizeOf(slice: Buffer): number {
    return slice.length;
  }

  cork(): void {
    this.#sink.cork();
  }

  uncork(): void {
    this.#sink.uncork();
  }

  write(slice: Buffer, written?: (error?: Error | null) => void): void {
    this.#sink.write(slice, written);
  }
}
