import type { Bus } from '@hexbus/core';
import type { Events } from './topics.ts';

const perSecondAtFirst = 4;
export const maxPerSecond = 50;

/** Publishes 1, 2, 3, ... to a topic that is kept and to one that is not, so that pages can show what they miss. Goes on behind the last kept number. */
export class Pulse {
  readonly #bus: Bus<Events>;
  readonly #onError: (error: unknown) => void;
  #number = 0;
  #perSecond = perSecondAtFirst;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(bus: Bus<Events>, onError: (error: unknown) => void) {
    this.#bus = bus;
    this.#onError = onError;
  }

  /** The last one. */
  get number(): number {
    return this.#number;
  }

  /** The rate that the pages have been told last. */
  get perSecond(): number {
    return this.#perSecond;
  }

  async start(): Promise<void> {
    const { messages } = await this.#bus.read('pulse.kept', { last: 1 });
    this.#number = messages[0]?.body.number ?? 0;
    await this.setRate(perSecondAtFirst);
  }

  /** From 0 to `maxPerSecond`. Resolves when the pages are told. Changes nothing any more when it has been stopped. */
  async setRate(perSecond: number): Promise<void> {
    if (this.#stopped) return;
    clearInterval(this.#timer);
    if (perSecond > 0) this.#timer = setInterval(() => this.#beat(), 1_000 / perSecond);
    this.#perSecond = perSecond;
    await this.#bus.publish('board.pulse', { perSecond });
  }

  /** For good: tabs may ask for another rate as long as they are there, which is longer than anything should be published. */
  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
  }

  #beat(): void {
    this.#number += 1;
    const body = { number: this.#number };
    this.#bus.publish('pulse.kept', body).catch(this.#onError);
    this.#bus.emit('pulse.fleeting', body);
  }
}
