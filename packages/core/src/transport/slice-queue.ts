/**
 * How much is handed to a socket at once. What one write holds counts as waiting until all of it is written, so a batch in one piece would look like a
 * standstill with a client that takes it slowly.
 */
export const maxSliceBytes = 65_536;

/** What a slice queue hands its slices to. */
export interface SliceWriter<Slice> {
  /** Whether it still takes any. */
  readonly isOpen: boolean;
  /** What it took and the operating system does not have yet. */
  readonly bufferedBytes: number;
  /** At most `maxSliceBytes`. */
  sizeOf(slice: Slice): number;
  /** What is written between these two is one write. */
  cork(): void;
  uncork(): void;
  /** `written`, later and once: the operating system has it, and all before it, or, with an error, never will. */
  write(slice: Slice, written?: (error?: Error | null) => void): void;
}

/** What one client is to be sent, in order: handed on write by write, so that what waits falls as the client takes it. */
export class SliceQueue<Slice> {
  readonly #writer: SliceWriter<Slice>;
  readonly #onWritten: () => void;
  #waiting: Slice[] = [];
  #waitingBytes = 0;
  #isWriting = false;

  /** `onWritten`: the operating system has one write more. */
  constructor(writer: SliceWriter<Slice>, onWritten: () => void) {
    this.#writer = writer;
    this.#onWritten = onWritten;
  }

  /** Nothing that was added waits in this process. Not told by `bytes`: among them may be what others wrote. */
  get isEmpty(): boolean {
    return !this.#isWriting && this.#waiting.length === 0;
  }

  get bytes(): number {
    return this.#waitingBytes + this.#writer.bufferedBytes;
  }

  add(slices: readonly Slice[]): void {
    const [first] = slices;
    if (first !== undefined && slices.length === 1 && this.isEmpty && this.#writer.isOpen) {
      // What nearly all are sent: it is not worth a queue.
      this.#isWriting = true;
      this.#writer.write(first, this.#written);
      return;
    }
    for (const slice of slices) {
      this.#waiting.push(slice);
      this.#waitingBytes += this.#writer.sizeOf(slice);
    }
    this.#handOn();
  }

  /** Forgets what was not handed on. */
  clear(): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
  }

  /** One write of as many slices as are no more than one together; the next when that is done. */
  #handOn(): void {
    const writer = this.#writer;
    if (this.#isWriting || this.#waiting.length === 0 || !writer.isOpen) return;
    this.#isWriting = true;
    const slices = this.#waiting.splice(0, this.#fitting());
    writer.cork();
    for (const [index, slice] of slices.entries()) {
      this.#waitingBytes -= writer.sizeOf(slice);
      writer.write(slice, index === slices.length - 1 ? this.#written : undefined);
    }
    writer.uncork();
  }

  /** How many of those that wait are one write: one at least. */
  #fitting(): number {
    let room = maxSliceBytes;
    const tooMany = this.#waiting.findIndex((slice) => {
      room -= this.#writer.sizeOf(slice);
      return room < 0;
    });
    return tooMany < 0 ? this.#waiting.length : Math.max(tooMany, 1);
  }

  readonly #written = (error?: Error | null): void => {
    // Then the end is near, and nothing is handed on any more.
    if (error) return;
    this.#isWriting = false;
    this.#handOn();
    this.#onWritten();
  };
}
