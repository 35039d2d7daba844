import type { Bus } from '@hexbus/core';
import type { Requests } from '../shared/messages.ts';
import type { Events } from './topics.ts';

type Report = Requests['report']['ask'];

/**
 * What tabs tell of themselves: how far they have handled the pulses, and what was posted to their user. The second is kept in the history, so that it is
 * known after a restart.
 */
export class Reports {
  readonly #bus: Bus<Events>;
  readonly #pulses = new Map<string, number>();
  readonly #notes = new Map<string, number>();

  constructor(bus: Bus<Events>) {
    this.#bus = bus;
  }

  async load(): Promise<void> {
    const { messages } = await this.#bus.read('handled.*');
    for (const { topic, body } of messages) this.#notes.set(topic.replace('handled.', ''), body.position);
  }

  async take(session: string, user: string, { pulse, note }: Report): Promise<void> {
    if (pulse !== null) this.#pulses.set(session, pulse);
    if (note === null || note <= this.noteOf(user)) return;
    this.#notes.set(user, note);
    await this.#bus.publish(`handled.${user}`, { position: note });
  }

  pulseOf(session: string): number | undefined {
    return this.#pulses.get(session);
  }

  /** The position up to which the user has handled what was posted to her. */
  noteOf(user: string): number {
    return this.#notes.get(user) ?? 0;
  }

  forget(session: string): void {
    this.#pulses.delete(session);
  }
}
