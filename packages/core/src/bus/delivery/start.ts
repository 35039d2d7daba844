import { type CursorParts, parseCursor } from '../../cursor.ts';
import { HexbusError, shorten } from '../../errors.ts';
import type { Filter, Head, HistoryStore, LocateQuery } from '../../ports/history-store.ts';
import type { From, SubscribeOptions } from '../api.ts';
import { assertField, configError, isObject } from '../checks.ts';
import type { FeedStart } from '../log/feed.ts';
import type { DurableName } from '../log/named-cursors.ts';

/** A checked `from`: where it points is known at once, or for the history to locate. */
export type StartQuery = 'now' | CursorParts | LocateQuery['from'];

/** Checks `from`, or throws `HEXBUS_CONFIG` or `HEXBUS_INVALID_CURSOR`. */
export function parseFrom(from: From): StartQuery {
  if (from === 'now') return from;
  if (from === 'earliest') return { earliest: true };
  if (isObject(from)) {
    const given = ['after', 'last', 'since'].filter((key) => key in from);
    assertField(given.length < 2, 'from', given.join(' and '), 'give one of them');
    if ('after' in from) return parseCursor(from.after);
    if ('last' in from && Number.isSafeInteger(from.last) && from.last >= 0)
      return from.last === 0 ? 'now' : { last: from.last };
    if ('since' in from && Number.isFinite(from.since)) return { since: from.since };
  }
  throw configError(
    'from',
    textOf(from),
    "use 'now', 'earliest', { after: cursor }, { last: n } or { since: milliseconds }",
  );
}

function textOf(from: unknown): string {
  try {
    return JSON.stringify(from) ?? String(from);
  } catch {
    return String(from);
  }
}

/** Resolves a start once. `now` is the head that the bus had acknowledged when it was asked. */
export async function resolveStart(
  history: HistoryStore,
  filter: Filter,
  query: StartQuery,
  now: Head,
): Promise<FeedStart> {
  if (query === 'now') return now;
  if ('position' in query) return query;
  for (let epoch = now.epoch; ; ) {
    const located = await history.locate({ epoch, filter, from: query });
    if (located.epoch === epoch) return { epoch, position: located.start, known: located.trimmed };
    epoch = located.epoch;
  }
}

/** The start of a durable name: its stored cursor, word for word, or the resolved `from`, which is committed before this resolves. */
export async function resolveDurableStart(
  history: HistoryStore,
  durable: DurableName,
  query: StartQuery,
  now: Head,
  onFilterChange: SubscribeOptions['onFilterChange'],
): Promise<FeedStart> {
  const { name, filter } = durable;
  const stored = await history.loadCursor(name);
  if (stored !== undefined) {
    const { epoch, position } = stored;
    if (sameFilter(stored.filter, filter)) return { epoch, position };
    if (onFilterChange === undefined) {
      throw new HexbusError(
        'HEXBUS_NAME_FILTER',
        `name ${shorten(name)} is stored with filter ${shorten(stored.filter.join(' '))}, not ${shorten(filter.join(' '))}; ` +
          "use another, or onFilterChange: 'keep-cursor' or 'restart'",
      );
    }
    if (onFilterChange === 'keep-cursor') {
      await durable.commit({ epoch, position });
      return { epoch, position };
    }
  }
  const start = await resolveStart(history, filter, query, now);
  await durable.commit(start);
  return start;
}

/** Filters are kept sorted and without repeats, so equal ones look alike. */
function sameFilter(left: Filter, right: Filter): boolean {
  return left.length === right.length && left.every((entry, index) => entry === right[index]);
}
