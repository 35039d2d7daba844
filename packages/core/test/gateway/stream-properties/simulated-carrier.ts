import type { Carrier, FrameBatch, Handshake } from '../../../src/ports/transport.ts';
import type { Schedule } from '../../properties/schedule.ts';

const handshake: Handshake = { transport: 'simulated', url: '/', headers: {}, address: '', protocols: [] };

export interface Receiver {
  received(text: string): void;
}

/** A link on which every batch takes a step of its own, and on which nothing goes on while the client does not read. */
export class SimulatedCarrier implements Carrier {
  readonly handshake: Handshake = handshake;
  readonly protocol: string = 'hexbus.v1.json';
  onDrained: () => void = () => undefined;
  readonly #schedule: Schedule;
  readonly #receiver: Receiver;
  #held: FrameBatch[] = [];
  #sent: FrameBatch[] = [];
  #stalled = false;
  #isOver = false;

  constructor(schedule: Schedule, receiver: Receiver) {
    this.#schedule = schedule;
    this.#receiver = receiver;
  }

  get bufferedBytes(): number {
    return this.#held.reduce((bytes, batch) => bytes + batch.bytes, 0);
  }

  send(batch: FrameBatch): 'sent' | 'queued' | 'closed' {
    if (this.#isOver) return 'closed';
    if (this.#stalled) {
      this.#held.push(batch);
      return 'queued';
    }
    this.#put(batch);
    return 'sent';
  }

  stall(): void {
    this.#stalled = true;
  }

  drain(): void {
    this.#stalled = false;
    if (this.#held.length === 0) return;
    for (const batch of this.#held.splice(0)) this.#put(batch);
    void this.#schedule.step('drained').then(() => {
      if (!this.#isOver && this.#held.length === 0) this.onDrained();
    });
  }

  terminate(): void {
    this.#isOver = true;
    this.#held = [];
    this.#sent = [];
  }

  close(): void {
    this.terminate();
  }

  pause(): void {}

  resume(): void {}

  #put(batch: FrameBatch): void {
    this.#sent.push(batch);
    void this.#schedule.step('network').then(() => {
      for (const { text } of this.#sent.shift()?.frames ?? []) this.#receiver.received(text);
    });
  }
}
