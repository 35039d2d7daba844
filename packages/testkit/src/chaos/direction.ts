import type { Socket } from 'node:net';
import type { CancelTimer, Clock, Randomness } from '@hexbus/core';
import type { ChaosFault, ChaosSettings } from './settings.ts';

/** What a direction asks of the link it belongs to. */
export interface DirectionHost {
  /** Draws faults only while this is true. */
  readonly isWild: () => boolean;
  /** A fault for the whole link, or a note that one happened here. */
  happened(fault: ChaosFault): void;
  passed(bytes: number): void;
}

/** The bytes that go one way, with the faults that its own randomness has in store after so many bytes or so long a silence. */
export class Direction {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #settings: ChaosSettings;
  readonly #randomness: Randomness;
  readonly #host: DirectionHost;
  /** Why nothing is read: each must go before it is again. */
  readonly #holds = new Set<'full' | 'delay' | 'stall'>();
  readonly #timers = new Set<CancelTimer>();
  #bytesLeft = 0;
  #cancelMoment: CancelTimer = () => {};
  #swallows = false;

  constructor(from: Socket, to: Socket, settings: ChaosSettings, randomness: Randomness, host: DirectionHost) {
    this.#from = from;
    this.#to = to;
    this.#settings = settings;
    this.#randomness = randomness;
    this.#host = host;
  }

  start(): void {
    this.#from.on('data', (chunk: Buffer) => this.#pass(chunk));
    this.#from.on('end', () => this.#to.end());
    this.#to.on('drain', () => this.#release('full'));
    this.#plan();
  }

  stop(): void {
    this.#cancelMoment();
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
  }

  stall(): void {
    this.#hold('stall');
  }

  resume(): void {
    this.#release('stall');
  }

  delay(): void {
    this.#hold('delay');
    const cancel = this.#clock.setTimer(
      () => {
        this.#timers.delete(cancel);
        this.#release('delay');
      },
      Math.ceil(this.#randomness.fraction() * this.#settings.maxDelayMs),
    );
    this.#timers.add(cancel);
  }

  /** Ends this way alone; what still comes is swallowed. */
  halfClose(): void {
    this.#swallows = true;
    this.#to.end();
    // What has ended drains no more.
    this.#release('full');
  }

  get #clock(): Clock {
    return this.#settings.clock;
  }

  #plan(): void {
    const { maxBytesBetweenFaults, maxMsBetweenFaults } = this.#settings;
    this.#bytesLeft = 1 + Math.floor(this.#randomness.fraction() * maxBytesBetweenFaults);
    this.#cancelMoment();
    this.#cancelMoment = this.#clock.setTimer(
      () => this.#strike(),
      Math.ceil(this.#randomness.fraction() * maxMsBetweenFaults),
    );
  }

  #pass(chunk: Buffer): void {
    if (this.#swallows) return;
    const isWild = this.#host.isWild();
    if (!isWild || chunk.length < this.#bytesLeft) {
      if (isWild) this.#bytesLeft -= chunk.length;
      this.#write(chunk);
      return;
    }
    const rest = chunk.subarray(this.#bytesLeft);
    this.#write(chunk.subarray(0, this.#bytesLeft));
    this.#strike();
    if (rest.length === 0 || this.#from.destroyed) return;
    // Held, the rest is read again afterwards; otherwise it has the next fault coming.
    if (this.#holds.size > 0) this.#from.unshift(rest);
    else this.#pass(rest);
  }

  #write(chunk: Buffer): void {
    this.#host.passed(chunk.length);
    if (!this.#to.write(chunk)) this.#hold('full');
  }

  #strike(): void {
    const { faults } = this.#settings;
    const fault = faults[Math.floor(this.#randomness.fraction() * faults.length)];
    this.#plan();
    if (fault === undefined || !this.#host.isWild()) return;
    if (fault === 'delay') this.delay();
    if (fault === 'half-close') this.halfClose();
    this.#host.happened(fault);
  }

  #hold(why: 'full' | 'delay' | 'stall'): void {
    this.#holds.add(why);
    this.#from.pause();
  }

  #release(why: 'full' | 'delay' | 'stall'): void {
    this.#holds.delete(why);
    if (this.#holds.size === 0) this.#from.resume();
  }
}
