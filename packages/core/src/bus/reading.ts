import { type Cursor, formatCursor, parseCursor } from '../cursor.ts';
import { HexbusError, shorten } from '../errors.ts';
import { type Message, RetainedMessage, type StoredMessage } from '../message.ts';
import type { Filter, HistoryPage, HistoryStore, LocateQuery, TrimMark } from '../ports/history-store.ts';
import type { DeadLetter, Page, ReadOptions } from './api.ts';
import { assertField, assertWholeNumber } from './checks.ts';
import type { Gap } from './losses.ts';
import { busDefaults } from './options.ts';

const pageBytes = 4 * 1024 * 1024;

/** Reads pages of a history. Knows nothing of subscriptions. */
export class HistoryReader {
  readonly #history: HistoryStore;
  readonly #epoch: () => string;

  /** `epoch` tells the epoch that the bus believes in. */
  constructor(history: HistoryStore, epoch: () => string) {
    this.#history = history;
    this.#epoch = epoch;
  }

  /** The page that `options` ask for. A cursor of another epoch or above the head rejects with `HEXBUS_INVALID_CURSOR`. */
  async read(filter: Filter, options: ReadOptions): Promise<Page> {
    const { after, before, last, since } = options;
    const given = Object.entries({ after, before, last, since }).filter(([, value]) => value !== undefined);
    const names = given.map(([name]) => name).join(' and ');
    assertField(given.length < 2, 'start', names, 'give one of after, before, last, since');
    const { limit = busDefaults.readLimit } = options;
    assertWholeNumber('limit', limit, 1);
    if (before !== undefined) {
      const { epoch, position } = parseCursor(before);
      // A cursor stands behind its message, which is the first to be read back.
      return this.#readBack(filter, { epoch, position: position + 1 }, limit, before);
    }
    if (last !== undefined) {
      assertWholeNumber('last', last, 1);
      return this.#readBack(
        filter,
        { epoch: this.#epoch(), position: Number.MAX_SAFE_INTEGER },
        Math.min(last, options.limit ?? Number.POSITIVE_INFINITY),
        undefined,
      );
    }
    if (after !== undefined) return this.#readOn(filter, parseCursor(after), limit, after);
    assertField(since === undefined || Number.isFinite(since), 'since', since, 'use milliseconds since 1970');
    const from: LocateQuery['from'] = since === undefined ? { earliest: true } : { since };
    const located = await this.#history.locate({ epoch: this.#epoch(), filter, from });
    return this.#readOn(filter, { epoch: located.epoch, position: located.start }, limit, undefined);
  }

  /** Dead messages after a position. */
  async readDead(topic: string, after: number, limit: number): Promise<readonly DeadLetter[]> {
    assertWholeNumber('limit', limit, 1);
    assertWholeNumber('after', after, 0);
    const letters: DeadLetter[] = [];
    for (let through = after; ; ) {
      const page = await this.#history.read({
        epoch: this.#epoch(),
        filter: [topic],
        range: { after: through },
        limit: limit - letters.length,
        maxBytes: pageBytes,
        state: 'dead',
      });
      for (const [index, stored] of page.messages.entries()) {
        letters.push({ message: new RetainedMessage(stored), reason: page.reasons[index] ?? '' });
      }
      if (letters.length >= limit || page.through >= page.position || page.through <= through) return letters;
      through = page.through;
    }
  }

  async #readOn(
    filter: Filter,
    start: { epoch: string; position: number },
    limit: number,
    cursor: Cursor | undefined,
  ): Promise<Page> {
    const messages: StoredMessage[] = [];
    const marks: TrimMark[] = [];
    for (let after = start.position; ; ) {
      const page = await this.#page(filter, start.epoch, { after }, limit - messages.length, cursor);
      messages.push(...page.messages);
      marks.push(...page.trimmed);
      const atEnd = page.through >= page.position || page.through <= after;
      after = Math.max(after, page.through);
      if (!atEnd && messages.length < limit) continue;
      const gap = cursor === undefined ? undefined : gapOf(marks, start.position);
      return toPage(start.epoch, messages, start.position, after, page.position, gap);
    }
  }

  async #readBack(
    filter: Filter,
    start: { epoch: string; position: number },
    limit: number,
    cursor: Cursor | undefined,
  ): Promise<Page> {
    let messages: StoredMessage[] = [];
    for (let before = start.position; ; ) {
      const page = await this.#page(filter, start.epoch, { before }, limit - messages.length, cursor);
      messages = [...page.messages, ...messages];
      const atEnd = page.through <= 1 || page.through >= before;
      before = Math.min(before, page.through);
      if (!atEnd && messages.length < limit) continue;
      const end = cursor === undefined ? page.position : Math.min(start.position - 1, page.position);
      return toPage(start.epoch, messages, Math.max(0, before - 1), Math.max(0, end), page.position, undefined);
    }
  }

  async #page(
    filter: Filter,
    epoch: string,
    range: { readonly after: number } | { readonly before: number },
    limit: number,
    cursor: Cursor | undefined,
  ): Promise<HistoryPage> {
    const page = await this.#history.read({ epoch, filter, range, limit, maxBytes: pageBytes, state: 'live' });
    const bound = 'after' in range ? range.after : range.before - 1;
    if (cursor !== undefined && (page.epoch !== epoch || bound > page.position)) {
      throw new HexbusError(
        'HEXBUS_INVALID_CURSOR',
        `cursor ${shorten(cursor)} is not of this history, whose head is ${formatCursor(page.epoch, page.position)}; read from the beginning`,
      );
    }
    return page;
  }
}

function toPage(
  epoch: string,
  stored: readonly StoredMessage[],
  start: number,
  end: number,
  head: number,
  gap: Gap | undefined,
): Page {
  const messages: Message[] = stored.map((one) => new RetainedMessage(one));
  const page = {
    messages,
    start: formatCursor(epoch, start),
    cursor: formatCursor(epoch, end),
    head: formatCursor(epoch, head),
  };
  return gap === undefined ? page : { ...page, gap };
}

function gapOf(marks: readonly TrimMark[], after: number): Gap | undefined {
  const lost = marks.filter((mark) => mark.through > after);
  if (lost.length === 0) return undefined;
  return {
    topics: [...new Set(lost.map((mark) => mark.topic))],
    from: after + 1,
    to: Math.max(...lost.map((mark) => mark.through)),
  };
}
