import type { Bus } from '@hexbus/core';
import type { ConnectionEntry, Gateway } from '@hexbus/core/gateway';
import { type Person, type TabState, type WaitingNote, waitingShown } from '../shared/messages.ts';
import { type User, users } from '../shared/users.ts';
import type { Pulse } from './pulse.ts';
import type { Reports } from './reports.ts';
import type { Events } from './topics.ts';

/** Changes that come together are told together. */
const gatherMs = 100;

export interface PeopleOptions {
  readonly bus: Bus<Events>;
  readonly gateway: Gateway;
  readonly reports: Reports;
  readonly pulse: Pulse;
  readonly onError: (error: unknown) => void;
}

/** Publishes who is there, how far behind, and what waits for whom, when that has changed. */
export class People {
  readonly #options: PeopleOptions;
  /** By session: the last connection of those that are here, or may come back. */
  readonly #tabs = new Map<string, ConnectionEntry>();
  #last = '';
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: PeopleOptions) {
    this.#options = options;
    for (const name of ['connected', 'resumed', 'disconnected', 'posted'] as const)
      options.gateway.observe(name, () => this.changed());
    options.gateway.observe('sessionExpired', ({ session }) => {
      this.#tabs.delete(session);
      options.reports.forget(session);
      this.changed();
    });
  }

  /** Of the tab that is furthest behind, among those that are connected or may come back. */
  get behind(): number {
    return Math.max(0, ...[...this.#tabs.keys()].map((session) => this.#behind(session) ?? 0));
  }

  /** Publishes soon, if anything is different. */
  changed(): void {
    if (this.#stopped) return;
    this.#timer ??= setTimeout(() => {
      this.#publish()
        .catch(this.#options.onError)
        .finally(() => {
          this.#timer = undefined;
        });
    }, gatherMs);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  async #publish(): Promise<void> {
    const { bus, gateway } = this.#options;
    const connected = await gateway.connections.find();
    for (const entry of connected) this.#tabs.set(entry.session, entry);
    const people = await Promise.all(users.map((user) => this.#person(user, new Set(connected))));
    const text = JSON.stringify(people);
    if (text === this.#last || this.#stopped) return;
    this.#last = text;
    await bus.publish('board.people', { people });
  }

  async #person({ id, name }: User, connected: ReadonlySet<ConnectionEntry>): Promise<Person> {
    const tabs = [...this.#tabs.values()].filter(({ userId }) => userId === id);
    return {
      id,
      name,
      tabs: tabs.map((entry): TabState => {
        const { session, transport, capabilities } = entry;
        const behind = this.#behind(session);
        const state = { session, transport, capabilities, connected: connected.has(entry) };
        return behind === undefined ? state : { ...state, behind };
      }),
      ...(await this.#waitingFor(id)),
    };
  }

  /** What was posted to a user and none of her tabs has handled. */
  async #waitingFor(user: string): Promise<Pick<Person, 'waiting' | 'waitingCount'>> {
    const { bus, reports } = this.#options;
    const { messages } = await bus.read(`@user.${user}`, { last: waitingShown.counted });
    const waiting = messages
      .filter(({ position = 0 }) => position > reports.noteOf(user))
      .map(({ position = 0, body, sender = '' }): WaitingNote => ({ position, text: body.text, from: sender }));
    return { waiting: waiting.slice(0, waitingShown.listed), waitingCount: waiting.length };
  }

  #behind(session: string): number | undefined {
    const { pulse, reports } = this.#options;
    const handled = reports.pulseOf(session);
    return handled === undefined ? undefined : Math.max(0, pulse.number - handled);
  }
}
