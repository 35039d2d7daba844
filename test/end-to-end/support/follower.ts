import type { Client, ClientSubscription, SavedSession, SessionStore } from '@hexbus/client';
import type { From } from '@hexbus/core';
import { nextTurn, Watch } from './watch.ts';

/** What a client handled under each topic that it follows, and which signals it saw. */
export class Follower {
  readonly client: Client;
  readonly watch: Watch = new Watch();
  readonly signals: string[] = [];
  readonly #logs = new Map<string, number[]>();

  constructor(client: Client) {
    this.client = client;
    client.observe('state', () => this.watch.changed());
    client.observe('gap', ({ why, subscriptions }) => this.signals.push(`${why} ${subscriptions.join()}`));
    client.observe('error', ({ error }) => this.signals.push(`error ${String(error)}`));
  }

  follow(topic: string, from: From): ClientSubscription {
    const log: number[] = [];
    this.#logs.set(topic, log);
    const handler = async ({ body }: { readonly body: number }): Promise<void> => {
      if (body % 7 === 0) await nextTurn();
      log.push(body);
      this.watch.changed();
    };
    return this.client.subscribe<number>(topic, handler, { from });
  }

  log(topic: string): readonly number[] {
    return this.#logs.get(topic) ?? [];
  }

  /** How many messages were handled under each topic. */
  counts(): ReadonlyMap<string, number> {
    return new Map([...this.#logs].map(([topic, log]) => [topic, log.length]));
  }

  /** Resolves when the last message that was handled under each topic is this one. */
  async caughtUp(last: ReadonlyMap<string, number>): Promise<void> {
    await this.watch.until(() => [...last].every(([topic, body]) => this.#logs.get(topic)?.at(-1) === body));
  }
}

/** Keeps what was saved, and what had been handled at each time. */
export class RecordedSession implements SessionStore {
  readonly saves: { readonly session: SavedSession; readonly handled: ReadonlyMap<string, number> }[] = [];
  #follower: Follower | undefined;

  record(follower: Follower): void {
    this.#follower = follower;
  }

  load(): SavedSession | undefined {
    return this.saves.at(-1)?.session;
  }

  save(session: SavedSession | undefined): void {
    if (session !== undefined) this.saves.push({ session, handled: this.#follower?.counts() ?? new Map() });
  }
}
