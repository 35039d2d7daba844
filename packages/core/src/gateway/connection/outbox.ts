import type { Clock } from '../../clock.ts';
import type { Carrier, Frame } from '../../ports/transport.ts';
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

/** Whom an outbox tells. */
export interface OutboxOwner {
  /** The carrier holds back a part of what was sent. */
  onHeldBack(): void;
  /** There is no room any more. */
  onFull(): void;
  /** There is room again. */
  onRoom(): void;
}

/**
 * What waits to be sent to one connection: the frames of this turn, and what its carrier holds back. It takes every frame; whether there is room
 * is for those to ask who have more to say.
 */
export class Outbox {
  readonly #carrier: Carrier;
  readonly #flusher: Flusher;
  readonly #maxBytes: number;
  readonly #owner: OutboxOwner;
  #batch: Batch | undefined;
  /** What waited in the carrier when it was looked at last. */
  #buffered = 0;
  #drains = 0;
  /** The carrier has not drained what it was given. That alone is no sign of a slow client: over TLS it is so after every write. */
  #heldBack = false;
  #full = false;
  #ended = false;

  constructor(carrier: Carrier, flusher: Flusher, maxBytes: number, owner: OutboxOwner) {
    this.#carrier = carrier;
    this.#flusher = flusher;
    this.#maxBytes = maxBytes;
    this.#owner = owner;
  }

  /**
   * Whether another message may be added. Once it is full there is no room until everything has drained, so that a slow client is served in few
   * large pieces.
   */
  get hasRoom(): boolean {
    return !this.#full && !this.#ended;
  }

  /** Bytes that wait, here and in the carrier. */
  get bytes(): number {
    return (this.#batch?.bytes ?? 0) + (this.#heldBack ? this.#carrier.bufferedBytes : 0);
  }

  get isHeldBack(): boolean {
    return this.#heldBack;
  }

  /** How often the carrier was seen to have drained something, however much more it was given. */
  drains(): number {
    const { bufferedBytes } = this.#carrier;
    if (bufferedBytes < this.#buffered) this.#drains += 1;
    this.#buffered = bufferedBytes;
    return this.#drains;
  }

  add(frame: Frame | undefined): void {
    if (frame === undefined || this.#ended) return;
    if (this.#batch === undefined) {
      this.#flusher.add(this);
      this.#batch = this.#flusher.empty.with(frame);
    } else this.#batch = this.#batch.with(frame);
    if (this.#full || this.bytes < this.#maxBytes) return;
    this.#full = true;
    this.#owner.onFull();
  }

  /** Sends what was added. */
  flush(): void {
    const batch = this.#batch;
    if (batch === undefined || this.#ended) return;
    this.#batch = undefined;
    if (this.#heldBack) this.drains();
    const outcome = this.#carrier.send(batch);
    if (outcome === 'queued') this.#buffered = this.#carrier.bufferedBytes;
    if (outcome === 'sent' && !this.#heldBack) this.#hasDrained();
    if (outcome !== 'queued' || this.#heldBack) return;
    this.#heldBack = true;
    this.#owner.onHeldBack();
  }

  /** The carrier holds nothing back any more. */
  drained(): void {
    this.#heldBack = false;
    this.#drains += 1;
    this.#buffered = 0;
    // What was added in this turn is still to be sent.
    if (this.#batch === undefined) this.#hasDrained();
  }

  /** Nothing is sent any more. */
  end(): void {
    this.#ended = true;
    this.#batch = undefined;
  }

  #hasDrained(): void {
    if (!this.#full || this.#ended) return;
    this.#full = false;
    this.#owner.onRoom();
  }
}
