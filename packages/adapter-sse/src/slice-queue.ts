import type { Writable } from 'node:stream';
import { maxSliceBytes } from './event-stream.ts';

/** What one client is to be sent, in order: handed to its socket slice by slice, so that what waits falls as the client takes it. */
export class SliceQueue {
  readonly #sink: Writable;
  readonly #onWritten: () => void;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  /** Slices of which the sink has not said that they are written. */
  #unwritten = 0;

  /** `onWritten`: some more was. */
  constructor(sink: Writable, onWritten: () => void) {
    this.#sink = sink;
    this.#onWritten = onWritten;
  }

  /** Nothing that was added waits in this process. */
  get isEmpty(): boolean {
    return this.#unwritten === 0 && this.isHandedOn;
  }

  /** The sink has everything that was added, so that its end may follow. */
  get isHandedOn(): boolean {
    return this.#waiting.length === 0;
  }

  get bytes(): number {
    return this.#waitingBytes + this.#sink.writableLength;
  }

  add(slices: readonly Buffer[]): void {
    const [first] = slices;
    if (first !== undefined && slices.length === 1 && this.isEmpty && this.#sink.writable) {
      // What nearly all are sent: it is not worth a queue.
      this.#unwritten = 1;
      this.#sink.write(first, this.#written);
      return;
    }
    for (const slice of slices) {
      this.#waiting.push(slice);
      this.#waitingBytes += slice.length;
    }
    if (this.#unwritten === 0) this.#handOn();
  }

  clear(): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
  }

  /** One write of as many slices as are no more than one together; the next when that is done. */
  #handOn(): void {
    const sink = this.#sink;
    if (this.#waiting.length === 0 || !sink.writable) return;
    sink.cork();
    let room = maxSliceBytes;
    for (let next = this.#waiting[0]; next !== undefined && next.length <= room; next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#waitingBytes -= next.length;
      room -= next.length;
      this.#unwritten += 1;
      sink.write(next, this.#written);
    }
    sink.uncork();
  }

  readonly #written = (error?: Error | null): void => {
    // Then the end is near, and nothing was handed on.
    if (error) return;
    this.#unwritten -= 1;
    if (this.#unwritten > 0) return;
    this.#handOn();
    this.#onWritten();
  };
}
