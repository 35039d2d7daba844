import {
  createTopicMatcher,
  type HistoryPage,
  type Located,
  type LocateQuery,
  type ReadQuery,
  type StoredMessage,
  type TopicMatcher,
} from '@hexbus/core';
import type { MessageLog } from './message-log.ts';
import { type Entry, indexAfter } from './topic-log.ts';

export function readPage(log: MessageLog, { filter, range, limit, maxBytes, state }: ReadQuery): HistoryPage {
  const matcher = createTopicMatcher(filter, log.retention);
  const up = 'after' in range;
  const found: Entry[] = [];
  let bytes = 0;
  let end = up ? log.head.position : 0;
  for (const entry of walk(log, matcher, state, range)) {
    found.push(entry);
    bytes += sizeOf(entry.message);
    if (found.length < limit && bytes <= maxBytes) continue;
    end = entry.message.position;
    break;
  }
  if (!up) found.reverse();
  return {
    ...log.head,
    messages: found.map(({ message }) => message),
    through: end,
    trimmed: up ? log.marks.above(range.after, filter, matcher) : [],
    reasons: found.flatMap(({ reason }) => reason ?? []),
  };
}

export function locate(log: MessageLog, { filter, from }: LocateQuery): Located {
  const matcher = createTopicMatcher(filter, log.retention);
  const first = firstOf(log, matcher, from);
  const start = first === undefined ? log.head.position : first.message.position - 1;
  return { ...log.head, start, trimmed: log.marks.above(start, filter, matcher) };
}

function firstOf(log: MessageLog, matcher: TopicMatcher, from: LocateQuery['from']): Entry | undefined {
  if (!('last' in from)) {
    const since = 'since' in from ? from.since : -Infinity;
    for (const entry of walk(log, matcher, 'live', { after: 0 })) if (entry.message.time >= since) return entry;
    return undefined;
  }
  let oldest: Entry | undefined;
  let left = from.last;
  for (const entry of walk(log, matcher, 'live', { before: Infinity })) {
    if (left-- <= 0) break;
    oldest = entry;
  }
  return oldest;
}

/** The entries of a filter in one state, from a position on: upwards after it, or downwards before it. */
function* walk(
  log: MessageLog,
  matcher: TopicMatcher,
  state: ReadQuery['state'],
  range: ReadQuery['range'],
): Generator<Entry> {
  const entries = matcher.only === undefined ? log.entries : (log.topic(matcher.only)?.[state] ?? []);
  const isDead = state === 'dead';
  const step = 'after' in range ? 1 : -1;
  let index = 'after' in range ? indexAfter(entries, range.after) : indexAfter(entries, range.before - 1) - 1;
  for (let entry = entries[index]; entry !== undefined; entry = entries[index]) {
    if ((entry.reason !== undefined) === isDead && matcher.matches(entry.topic.name)) yield entry;
    index += step;
  }
}

/** What bounds of size count: the length of a message's own texts. */
function sizeOf({ body, id, type, attributes }: StoredMessage): number {
  return body.length + id.length + (type?.length ?? 0) + (attributes?.length ?? 0);
}
