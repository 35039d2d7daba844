import type { Bus } from '@hexbus/core';
import type { Requests } from '../shared/messages.ts';
import type { Pulse } from './pulse.ts';
import type { Events } from './topics.ts';

type Report = Requests['report']['ask'];

/** A tab whose reports stop has fallen behind by what came since. */
const freshMs = 1_500;

/**
 * What tabs tell of themselves: how far they have handled the pulses, and what was posted to their user. The second is kept in the history, so that it is
 * known after a restart.
 */
export class Reports {
  readonly #bus: Bus<Events>;
  readonly #pulse: Pulse;
  /** By session: the last number that it has handled, the last that there was then, and when that was. */
  readonly #handled = new Map<string, { readonly number: number; readonly of: number; readonly at: number }>();
  /** By user: the position of the last note that she has handled. */
  readonly #notes = new Map<string, number>();

  constructor(bus: Bus<Events>, pulse: Pulse) {
    this.#bus = bus;
    this.#pulse = pulse;
  }

  async load(): Promise<void> {
    const { messages } = await this.#bus.read('handled.*');
    for (const { topic, body } of messages) this.#notes.set(topic.replace('handled.', ''), body.position);
  }

  async take(session: string, user: string, { pulse, note }: Report): Promise<void> {
    if (pulse !== null) this.#handled.set(session, { number: pulse, of: this.#pulse.number, at: Date.now() });
    if (note === null || note <= this.noteOf(user)) return;
    this.#notes.set(user, note);
    await this.#bus.publish(`handled.${user}`, { position: note });
  }

  /** How many pulses a tab has not handled; undefined until it has told. */
  behind(session: string): number | undefined {
    const handled = this.#handled.get(session);
    if (handled === undefined) return undefined;
    const newest = Date.now() - handled.at < freshMs ? handled.of : this.#pulse.number;
    return Math.max(0, newest - handled.number);
  }

  /** The position up to which a user has handled what was posted to her. */
  noteOf(user: string): number {
    return this.#notes.get(user) ?? 0;
  }

  forget(session: string): void {
    this.#handled.delete(session);
  }
}
