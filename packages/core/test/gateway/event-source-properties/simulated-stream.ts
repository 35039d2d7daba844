import type { Carrier, CarrierListener, Frame, FrameBatch, Handshake } from '@hexbus/core/gateway';
import type { Schedule } from '../../properties/schedule.ts';

/** Where the frames of a stream go, and who hears that the server has ended it, and that it knows the end. */
export interface StreamReader {
  heard(frame: Frame): void;
  ended(): void;
  over(): void;
}

/** A stream on which every frame takes a step, so that it may be cut between any two. */
export class SimulatedStream implements Carrier {
  readonly handshake: Handshake;
  readonly protocol: string;
  listener: CarrierListener | undefined;
  readonly #schedule: Schedule;
  readonly #reader: StreamReader;
  #held: FrameBatch[] = [];
  #sent: Frame[] = [];
  #isStalled = false;
  /** The client hears nothing any more. */
  #isCut = false;
  /** The server has been told. */
  #isOver = false;

  constructor(handshake: Handshake, protocol: string, schedule: Schedule, reader: StreamReader) {
    this.handshake = handshake;
    this.protocol = protocol;
    this.#schedule = schedule;
    this.#reader = reader;
  }

  get bufferedBytes(): number {
    return this.#held.reduce((bytes, batch) => bytes + batch.bytes, 0);
  }

  send(batch: FrameBatch): 'sent' | 'queued' | 'closed' {
    if (this.#isOver) return 'closed';
    if (this.#isStalled) {
      this.#held.push(batch);
      return 'queued';
    }
    this.#put(batch);
    return 'sent';
  }

  stall(): void {
    this.#isStalled = true;
  }

  drain(): void {
    this.#isStalled = false;
    if (this.#held.length === 0) return;
    for (const batch of this.#held.splice(0)) this.#put(batch);
    void this.#schedule.step('drained').then(() => {
      if (!this.#isOver && this.#held.length === 0) this.listener?.drained();
    });
  }

  /** The stream breaks; the server notices later. */
  cut(): void {
    this.#isCut = true;
    void this.#schedule.step('noticed').then(() => this.#end(1006, ''));
  }

  close(code: number, reason: string): void {
    this.drain();
    void this.#schedule.step('closed').then(() => {
      if (!this.#isCut) this.#reader.ended();
      this.#isCut = true;
      this.#end(code, reason);
    });
  }

  terminate(): void {
    this.close(1006, '');
  }

  pause(): void {}

  resume(): void {}

  #put(batch: FrameBatch): void {
    for (const frame of batch.frames) {
      this.#sent.push(frame);
      void this.#schedule.step('network').then(() => {
        const next = this.#sent.shift();
        if (next !== undefined && !this.#isCut) this.#reader.heard(next);
      });
    }
  }

  #end(code: number, reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.listener?.closed(code, reason);
    this.#reader.over();
  }
}
