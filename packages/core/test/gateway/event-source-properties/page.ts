import { parseCursor } from '@hexbus/core';
import type { Frame } from '@hexbus/core/gateway';
import { decodeServerFrame, readSubscribed } from '@hexbus/core/wire';
import type { Checks } from '../../properties/checks.ts';
import type { Entry, Ledger } from '../../properties/ledger.ts';
import { inboxOf, type OpenCommand, type User } from './commands.ts';
import { SentBefore } from './sent-before.ts';

/** No place in the stream. */
const nowhere: ReadonlySet<string> = new Set(['', '-']);

/**
 * A page with a bare `EventSource`: it knows the last id, and what it has seen of each topic. Compares that with the ledger: nothing is missing,
 * topics stand in order, and only what came behind the last id before a cut comes again.
 */
export class Page {
  readonly query: OpenCommand;
  /** What the browser brings back. */
  id = '';
  /** Topics that it may have if it asks later, on this connection. */
  readonly refused = new Set<string>();
  readonly #ledger: Ledger;
  readonly #checks: Checks;
  /** By topic of the query: after which position it began. */
  readonly #starts = new Map<string, number>();
  /** What the last id stands for, and what came behind it. */
  readonly #received = new Set<number>();
  /** What came behind it. */
  readonly #unconfirmed = new Set<number>();
  /** What came before a crash. */
  readonly #mayRepeat = new Set<number>();
  /** By topic, on this connection. */
  readonly #last = new Map<string, number>();
  readonly #sentBefore: SentBefore;
  #user: User;

  constructor(query: OpenCommand, ledger: Ledger, checks: Checks) {
    this.query = query;
    this.#ledger = ledger;
    this.#checks = checks;
    this.#sentBefore = new SentBefore(ledger);
  }

  /** Another connection begins, on which everything must come for which the last id does not stand. */
  connects(user: User): void {
    this.#user = user;
    this.#sentBefore.connects(user);
    this.#last.clear();
    this.refused.clear();
    for (const position of this.#unconfirmed) this.#received.delete(position);
    this.#unconfirmed.clear();
    if (nowhere.has(this.id)) this.#starts.clear();
  }

  /** The server knows that a connection has ended. */
  over(user: User): void {
    this.#sentBefore.over(user);
  }

  /** Only a ticket tells the next gateway how far the inbox of its user was sent. For others it begins at their cursors again. */
  crashed(): void {
    this.#sentBefore.crashed();
    if (this.query.byTicket) return;
    for (const position of this.#received) {
      const { topic } = this.#ledger.find(this.#ledger.head.epoch, position) ?? {};
      if (topic?.startsWith('@') !== true) continue;
      this.#received.delete(position);
      this.#mayRepeat.add(position);
    }
  }

  heard({ text, event, cursor }: Frame): void {
    this.#checks.hold('P14', !/[\r\n]/.test(text), () => `${text} is more than one line`);
    const frame = decodeServerFrame(text);
    this.#checks.hold('P1', (frame.kind === 'event') === (event === undefined), () => `${text} is named ${event}`);
    if (frame.kind === 'event') this.#message(frame.message.topic, frame.cursor ?? '', frame.message.body);
    else if (frame.kind === 'reply') {
      const topic = this.query.topics[frame.id - 1] ?? '';
      if (frame.reply.ok) this.#began(topic, parseCursor(readSubscribed(frame.reply.body).start).position);
      else this.refused.add(topic);
    } else this.#checks.hold('P4', frame.kind !== 'gap', () => `nothing was lost, and ${text} is told`);
    if (cursor !== undefined) this.#identified(cursor);
  }

  /** Nothing is under way. `id`: what is broken if something was not given. */
  atRest(id: 'P3' | 'P14'): void {
    const { epoch, position: head } = this.#ledger.head;
    for (const filter of [...this.query.topics, ...inboxOf(this.#user)]) {
      if (this.refused.has(filter)) continue;
      const start = this.#startOf(filter);
      this.#checks.hold('P3', start !== undefined, () => `${filter} was never answered`);
      const missing = this.#ledger.between(epoch, [filter], start ?? head, head).find((entry) => this.#misses(entry));
      this.#checks.hold(id, missing === undefined, () => `${filter}: position ${missing?.position} is missing`);
    }
  }

  #startOf(filter: string): number | undefined {
    return filter.startsWith('@') ? 0 : this.#starts.get(filter);
  }

  #misses({ topic, position }: Entry): boolean {
    if (this.#received.has(position) || this.#mayRepeat.has(position)) return false;
    return !this.#sentBefore.mayHaveBeenSent(topic, position);
  }

  #began(topic: string, start: number): void {
    if (this.#starts.has(topic)) return;
    this.#starts.set(topic, start);
    if (this.query.start !== 'from=earliest' && this.query.start !== 'since=0') return;
    const [before] = this.#ledger.between(this.#ledger.head.epoch, [topic], 0, start);
    this.#checks.hold('P13', before === undefined, () => `${topic} begins behind position ${before?.position}`);
  }

  #message(topic: string, cursor: string, body: unknown): void {
    const { epoch, position } = parseCursor(cursor);
    const entry = this.#ledger.find(epoch, position);
    const isIt = entry?.topic === topic && entry.serial === (body as { readonly serial: number }).serial;
    this.#checks.hold('P6', isIt, () => `${cursor} of ${topic} is another message`);
    const filter = [...inboxOf(this.#user), ...this.query.topics].find((one) =>
      this.#ledger.matcher([one]).matches(topic),
    );
    const start = filter === undefined ? undefined : this.#startOf(filter);
    this.#checks.hold('P13', start !== undefined && position > start, () => `${topic} at ${position} is not asked for`);
    const last = this.#last.get(topic) ?? 0;
    this.#checks.hold('P1', position > last, () => `${topic} at ${position} comes behind ${last}`);
    const isRepeat = this.#received.has(position);
    this.#checks.hold('P14', !isRepeat, () => `${topic} at ${position} comes again, which ${this.id} stands for`);
    const skipped = this.#ledger
      .between(epoch, [topic], start ?? position, position - 1)
      .find((before) => this.#misses(before));
    this.#checks.hold('P1', skipped === undefined, () => `${topic} at ${position} comes before ${skipped?.position}`);
    this.#last.set(topic, position);
    this.#received.add(position);
    this.#unconfirmed.add(position);
  }

  #identified(id: string): void {
    this.#checks.hold('P14', /^[\x21-\x7e]{1,128}$/.test(id), () => `${id} is no id`);
    const keeps = nowhere.has(this.id) || !nowhere.has(id);
    this.#checks.hold('P14', keeps, () => `${id} takes the place of ${this.id}`);
    this.id = id;
    if (!nowhere.has(id)) this.#unconfirmed.clear();
  }
}
