import type { Clock } from '../clock.ts';
import type { Carrier, Frame } from '../ports/transport.ts';
import { Batch } from './batch.ts';

/** Collects what the connections of a gateway are to send, and sends it once per turn, so that no socket is written to twice in one. */
export class Flusher {
  readonly #clock: Clock;
  #waiting: Outbox[] = [];
  #empty = new Batch();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The batch without frames of this turn, from which all batches of the turn grow. */
  get empty(): Batch {
    return this.#empty;
  }

  /** The outbox is flushed at the end of this turn. */
  add(outbox: Outbox): void {
    this.#waiting.push(outbox);
    if (this.#waiting.length === 1) this.#clock.nextTurn(() => this.#flush());
  }

  #flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#empty = new Batch();
    for (const outbox of waiting) outbox.flush();
  }
}

export interface OutboxOptions {
  readonly carrier: Carrier;
  readonly flusher: Flusher;
  readonly maxBytes: number;
  /** The carrier holds back a part of what was sent. */
  readonly onHeldBack: () => void;
  /** There is room again where there was none. */
  readonly onRoom: () => void;
}

/**
 * What waits to be sent to one connection: the frames of this turn, and what its carrier holds back. It takes every frame; whether there is room
 * is for those to ask who have more to say.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  #batch: Batch | undefined;
  #heldBack = false;
  #ended = false;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** Bytes that wait, here and in the carrier. */
  get bytes(): number {
    return (this.#batch?.bytes ?? 0) + this.#options.carrier.bufferedBytes;
  }

  /**
   * Whether another message may be added. Once the carrier holds something back there is none until it has drained, so that a slow client is
   * served in few large pieces.
   */
  get hasRoom(): boolean {
    return !this.#ended && !this.#heldBack && (this.#batch === undefined || this.#batch.bytes < this.#options.maxBytes);
  }

  /** Whether even what cannot wait should be refused. */
  get isFull(): boolean {
    return this.bytes >= this.#options.maxBytes;
  }

  add(frame: Frame | undefined): void {
    if (frame === undefined || this.#ended) return;
    if (this.#batch === undefined) {
      this.#options.flusher.add(this);
      this.#batch = this.#options.flusher.empty.with(frame);
    } else this.#batch = this.#batch.with(frame);
  }

  /** Sends what was added. */
  flush(): void {
    const batch = this.#batch;
    if (batch === undefined || this.#ended) return;
    this.#batch = undefined;
    const { carrier, maxBytes, onHeldBack, onRoom } = this.#options;
    const heldBack = carrier.send(batch) === 'queued';
    if (heldBack && !this.#heldBack) {
      this.#heldBack = true;
      onHeldBack();
    } else if (!heldBack && batch.bytes >= maxBytes) onRoom();
  }

  /** The carrier holds nothing back any more. */
  drained(): void {
    if (!this.#heldBack) return;
    this.#heldBack = false;
    if (!this.#ended) this.#options.onRoom();
  }

  /** Nothing is sent any more. */
  end(): void {
    this.#ended = true;
    this.#batch = undefined;
  }
}
