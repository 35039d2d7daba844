import type { Frame, FrameBatch } from '../../ports/transport.ts';
import { utf8Length } from '../../utf8.ts';

/**
 * Frames to be sent together, as a chain: two connections that are sent the same frames in a turn end up with the same batch, whose texts are
 * joined and encoded once. Adding a frame that was added here before costs one comparison.
 */
export class Batch implements FrameBatch {
  readonly bytes: number;
  readonly #before: Batch | undefined;
  readonly #frame: Frame | undefined;
  #frames: readonly Frame[] | undefined;
  #next: Batch | undefined;
  #others: Map<Frame, Batch> | undefined;
  #encode: ((frames: readonly Frame[]) => unknown) | undefined;
  #encoded: unknown;
  #ofOtherKinds: Map<unknown, unknown> | undefined;

  /** Without arguments: no frames. */
  constructor(before?: Batch, frame?: Frame) {
    this.#before = before;
    this.#frame = frame;
    this.bytes = (before?.bytes ?? 0) + (frame === undefined ? 0 : utf8Length(frame.text));
  }

  get frames(): readonly Frame[] {
    this.#frames ??= this.#collect();
    return this.#frames;
  }

  /** The batch of these frames and one more. */
  with(frame: Frame): Batch {
    if (this.#next !== undefined && this.#next.#frame === frame) return this.#next;
    const known = this.#others?.get(frame);
    if (known !== undefined) return known;
    const next = new Batch(this, frame);
    if (this.#next === undefined) this.#next = next;
    else {
      this.#others ??= new Map();
      this.#others.set(frame, next);
    }
    return next;
  }

  encoded<T>(encode: (frames: readonly Frame[]) => T): T {
    // Nearly always all carriers of a batch are of one kind.
    if (this.#encode === undefined) {
      this.#encode = encode;
      this.#encoded = encode(this.frames);
    }
    return this.#encode === encode ? (this.#encoded as T) : this.#encodedOtherwise(encode);
  }

  #encodedOtherwise<T>(encode: (frames: readonly Frame[]) => T): T {
    this.#ofOtherKinds ??= new Map();
    if (!this.#ofOtherKinds.has(encode)) this.#ofOtherKinds.set(encode, encode(this.frames));
    return this.#ofOtherKinds.get(encode) as T;
  }

  #collect(): readonly Frame[] {
    const frames: Frame[] = [];
    for (let batch: Batch | undefined = this; batch !== undefined; batch = batch.#before) {
      if (batch.#frame !== undefined) frames.push(batch.#frame);
    }
    return frames.reverse();
  }
}
