import type { Bus } from '@hexbus/core';
import type { ConnectionEntry, Gateway } from '@hexbus/core/gateway';
import { type Person, type TabState, type WaitingNote, waitingShown } from '../shared/messages.ts';
import { type User, users } from '../shared/users.ts';
import type { Reports } from './reports.ts';
import type { Events } from './topics.ts';

/** Changes that come together are told together. */
const gatherMs = 100;

/** With these, a client says that it goes. Any other code, or none, is a cut. */
const leavingCodes: readonly number[] = [1000, 1001];

export interface PeopleOptions {
  readonly bus: Bus<Events>;
  readonly gateway: Gateway;
  readonly reports: Reports;
  readonly onError: (error: unknown) => void;
}

/** Publishes who is there, how far behind, and what waits for whom, when that has changed. */
export class People {
  readonly #options: PeopleOptions;
  /** By session, its last connection: of those that are there, and of those that may come back. */
  readonly #tabs = new Map<string, ConnectionEntry>();
  /** Sessions of closed tabs. */
  readonly #closed = new Set<string>();
  /** Ids of the connections that are there. */
  #connected: ReadonlySet<string> = new Set();
  #published = '';
  #publishing: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: PeopleOptions) {
    this.#options = options;
    const { gateway, reports } = options;
    for (const name of ['connected', 'resumed', 'posted'] as const) gateway.observe(name, () => this.changed());
    gateway.observe('disconnected', ({ session, code }) => {
      if (leavingCodes.includes(code)) this.#closed.add(session);
      else this.#closed.delete(session);
      this.changed();
    });
    gateway.observe('sessionExpired', ({ session }) => {
      this.#tabs.delete(session);
      this.#closed.delete(session);
      reports.forget(session);
      this.changed();
    });
  }

  /** Of the tab that is furthest behind. */
  get behind(): number {
    return Math.max(0, ...[...this.#tabs.values()].map((entry) => this.#tab(entry).behind ?? 0));
  }

  /** Publishes soon, if anything is different. */
  changed(): void {
    if (this.#stopped) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      // One after the other, so that the newest is told last.
      this.#publishing = this.#publishing.then(() => this.#publish()).catch(this.#options.onError);
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
    this.#connected = new Set(connected.map(({ id }) => id));
    const people = await Promise.all(users.map((user) => this.#person(user)));
    const text = JSON.stringify(people);
    if (text === this.#published || this.#stopped) return;
    this.#published = text;
    await bus.publish('board.people', { people });
  }

  async #person({ id, name }: User): Promise<Person> {
    const tabs = [...this.#tabs.values()].filter(({ userId }) => userId === id);
    return { id, name, tabs: tabs.map((entry) => this.#tab(entry)), ...(await this.#waitingFor(id)) };
  }

  #tab({ id, session, transport, capabilities }: ConnectionEntry): TabState {
    const tab = { session, transport, capabilities };
    const connected = this.#connected.has(id);
    if (!connected && this.#closed.has(session)) return { ...tab, state: 'closed' };
    const behind = this.#options.reports.behind(session);
    return { ...tab, state: connected ? 'connected' : 'cut', ...(behind === undefined ? {} : { behind }) };
  }

  /** What was posted to a user and none of her tabs has handled. */
  async #waitingFor(user: string): Promise<Pick<Person, 'waiting' | 'waitingCount'>> {
    const { bus, gateway } = this.#options;
    const after = await gateway.cursorOf({ user });
    const { messages } = await bus.read(`@user.${user}`, { after, limit: waitingShown.counted });
    const waiting = messages.map(
      ({ position = 0, body, sender = '' }): WaitingNote => ({ position, text: body.text, from: sender }),
    );
    return { waiting: waiting.slice(0, waitingShown.listed), waitingCount: waiting.length };
  }
}
