import { assertField, configError } from '../bus/checks.ts';
import { parseCursor } from '../cursor.ts';
import { isHexbusError } from '../errors.ts';
import { assertPattern, findOverlap } from '../pattern.ts';
import type { Hello, WireFrom } from '../ports/protocol.ts';
import type { Handshake } from '../ports/transport.ts';
import { isPrintable } from './elements.ts';
import { maxTokenPlaces, wireLimits } from './frames.ts';

/** The longest id of an event, and so the longest token that such a client can bring back. */
export const maxIdLength = 128;

/** The id of a client that was let in and has no place in the stream yet: it begins anew. */
export const noPlaceYet = '-';

const starts = ['from', 'after', 'last', 'since'] as const;
const idForm = /^[A-Za-z0-9_.~:;,-]+$/;
const countForm = /^\d{1,15}$/;

/** What a client says by its address and its `Last-Event-ID`. */
export function readQuery({ url, headers }: Handshake): Hello | { readonly fault: string } {
  try {
    const query = queryOf(url);
    const lastToken = readLastEventId(headers['last-event-id']);
    // A faulty start is told also to a client that does not need it any more.
    const start = readStart(query);
    const from = lastToken === undefined ? start : 'covered';
    const subscriptions = readTopics(query).map((topic, index) => ({ id: index + 1, topic, from }));
    return { ...(lastToken === undefined ? {} : { lastToken }), subscriptions, capabilities: [] };
  } catch (error) {
    if (isHexbusError(error)) return { fault: error.message };
    throw error;
  }
}

/** The query of a path, which need not be a whole address. */
export function queryOf(url: string): URLSearchParams {
  const at = url.indexOf('?');
  return new URLSearchParams(at < 0 ? '' : url.slice(at));
}

function readLastEventId(id: string | undefined): string | undefined {
  if (id === undefined || id === noPlaceYet || id.length > maxIdLength) return undefined;
  return idForm.test(id) ? id : undefined;
}

function readTopics(query: URLSearchParams): readonly string[] {
  const topics = query.getAll('topic');
  assertField(topics.length <= maxTokenPlaces, 'the number of topics', topics.length, `name at most ${maxTokenPlaces}`);
  for (const topic of topics) {
    assertField(isPrintable(topic, wireLimits.maxTopicBytes), 'topic', topic, 'use 1 to 256 printable bytes');
    assertPattern(topic);
  }
  // The client cannot tell for which of two an event is, so it could neither order them nor know repeats.
  const [topic, other] = findOverlap(topics) ?? [];
  assertField(topic === undefined, 'topic', topic, `leave it out, or ${other}, which overlaps it`);
  return topics;
}

function readStart(query: URLSearchParams): WireFrom {
  const given = starts.flatMap((name) => query.getAll(name).map((value) => [name, value] as const));
  const [first, second] = given;
  if (first === undefined) return 'now';
  assertField(
    second === undefined,
    'the start',
    given.map(([name]) => name).join(),
    `give one of ${starts.join(', ')}`,
  );
  const [name, value] = first;
  switch (name) {
    case 'from':
      if (value === 'now' || value === 'earliest') return value;
      throw configError('from', value, 'use now or earliest');
    case 'after':
      parseCursor(value);
      return { after: value };
    case 'last':
    case 'since':
      assertField(countForm.test(value), name, value, 'use a whole number');
      return name === 'last' ? { last: Number(value) } : { since: Number(value) };
  }
}
