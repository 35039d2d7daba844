import { type Cursor, formatCursor, parseCursor } from '../../cursor.ts';
import { HexbusError, shorten } from '../../errors.ts';
import { type Message, RetainedMessage, type StoredMessage } from '../../message.ts';
import type { Filter, HistoryStore, LocateQuery, ReadQuery } from '../../ports/history-store.ts';
import type { DeadLetter, Page, ReadOptions } from '../api.ts';
import { assertField, assertWholeNumber } from '../checks.ts';
import { busDefaults } from '../options.ts';
import type { Gap } from './losses.ts';
import type { Tail } from './tail.ts';

const pageBytes = 4 * 1024 * 1024;

/** Where a reading begins, and what is asked of it. */
interface Reading {
  readonly filter: Filter;
  readonly epoch: string;
  /** The position before which, or else after which, is read. */
  readonly from: number;
  readonly backwards: boolean;
  readonly limit: number;
  readonly state: ReadQuery['state'];
  /** The cursor that was passed: what it says must be of this history. */
  readonly cursor?: Cursor | undefined;
}

/** What was read, oldest first. */
interface Found {
  readonly messages: readonly StoredMessage[];
  readonly reasons: readonly string[];
  /** Up to where limits removed messages, by topic. */
  readonly marks: ReadonlyMap<string, number>;
  /** Everything between `from` and here is in `messages` or gone. */
  readonly through: number;
  readonly head: number;
}

/** Reads pages of a history. Knows nothing of subscriptions. */
export class HistoryReader {
  readonly #history: HistoryStore;
  readonly #tail: Pick<Tail, 'epoch'>;

  /** `tail` tells the epoch that the bus believes in. */
  constructor(history: HistoryStore, tail: Pick<Tail, 'epoch'>) {
    this.#history = history;
    this.#tail = tail;
  }

  /** The page that `options` ask for. A cursor of another epoch or above the head rejects with `HEXBUS_INVALID_CURSOR`. */
  async read(filter: Filter, options: ReadOptions): Promise<Page> {
    const { after, before, last, since, limit = busDefaults.readLimit } = options;
    const given = Object.entries({ after, before, last, since }).filter(([, value]) => value !== undefined);
    const names = given.map(([name]) => name).join(' and ');
    assertField(given.length < 2, 'start', names, 'give one of after, before, last, since');
    assertWholeNumber('limit', limit, 1);
    assertField(since === undefined || Number.isFinite(since), 'since', since, 'use milliseconds since 1970');
    const reading = { filter, epoch: this.#tail.epoch, limit, state: 'live' } as const;
    if (last !== undefined) {
      assertWholeNumber('last', last, 1);
      const most = Math.min(last, options.limit ?? last);
      return this.#page({ ...reading, limit: most, from: Number.MAX_SAFE_INTEGER, backwards: true });
    }
    const cursor = before ?? after;
    if (cursor !== undefined) {
      const { epoch, position } = parseCursor(cursor);
      const backwards = before !== undefined;
      // A cursor stands behind its message, which is the first to be read back.
      return this.#page({ ...reading, epoch, from: backwards ? position + 1 : position, backwards, cursor });
    }
    const from: LocateQuery['from'] = since === undefined ? { earliest: true } : { since };
    const { epoch, start } = await this.#history.locate({ epoch: reading.epoch, filter, from });
    return this.#page({ ...reading, epoch, from: start, backwards: false });
  }

  /** Dead messages after a position. */
  async readDead(topic: string, after: number, limit: number): Promise<readonly DeadLetter[]> {
    assertWholeNumber('limit', limit, 1);
    assertWholeNumber('after', after, 0);
    const { messages, reasons } = await this.#collect({
      filter: [topic],
      epoch: this.#tail.epoch,
      from: after,
      backwards: false,
      limit,
      state: 'dead',
    });
    return messages.map((stored, index) => ({ message: new RetainedMessage(stored), reason: reasons[index] ?? '' }));
  }

  async #page(reading: Reading): Promise<Page> {
    const { epoch, from, backwards, cursor } = reading;
    const { messages, marks, through, head } = await this.#collect(reading);
    const [start, end] = backwards ? [through - 1, Math.min(from - 1, head)] : [from, through];
    const page = {
      messages: messages.map((stored): Message => new RetainedMessage(stored)),
      start: formatCursor(epoch, Math.max(0, start)),
      cursor: formatCursor(epoch, end),
      head: formatCursor(epoch, head),
    };
    const gap = cursor === undefined ? undefined : gapOf(marks, from, end);
    return gap === undefined ? page : { ...page, gap };
  }

  /** Reads until there is enough, or no more. */
  async #collect({ filter, epoch, from, backwards, limit, state, cursor }: Reading): Promise<Found> {
    const pages: (readonly StoredMessage[])[] = [];
    const reasons: string[] = [];
    const marks = new Map<string, number>();
    let count = 0;
    for (let at = from; ; ) {
      const page = await this.#history.read({
        epoch,
        filter,
        range: backwards ? { before: at } : { after: at },
        limit: limit - count,
        maxBytes: pageBytes,
        state,
      });
      const highest = backwards ? at - 1 : at;
      if (cursor !== undefined && (page.epoch !== epoch || highest > page.position)) {
        throw new HexbusError(
          'HEXBUS_INVALID_CURSOR',
          `cursor ${shorten(cursor)} is not of this history, whose head is ${formatCursor(page.epoch, page.position)}; read from the beginning`,
        );
      }
      pages.push(page.messages);
      count += page.messages.length;
      for (const reason of page.reasons) reasons.push(reason);
      for (const { topic, through } of page.trimmed) marks.set(topic, Math.max(through, marks.get(topic) ?? 0));
      const { through, position: head } = page;
      const moved = backwards ? through < at : through > at;
      const more = moved && (backwards ? through > 1 : through < head);
      if (moved) at = through;
      if (more && count < limit) continue;
      if (backwards) pages.reverse();
      return { messages: pages.flat(), reasons, marks, through: at, head };
    }
  }
}

/** What was lost behind a position, as far as a page goes. A mark beyond it is told of by the pages that follow. */
function gapOf(marks: ReadonlyMap<string, number>, after: number, end: number): Gap | undefined {
  const topics: string[] = [];
  let to = 0;
  for (const [topic, through] of marks) {
    if (through <= after) continue;
    topics.push(topic);
    to = Math.max(to, Math.min(through, end));
  }
  return topics.length === 0 ? undefined : { topics, from: after + 1, to };
}
