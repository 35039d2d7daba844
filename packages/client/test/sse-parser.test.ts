import { createParser } from 'eventsource-parser';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type SseEvent, SseParser } from '../src/sse-parser.ts';

function parsed(...texts: readonly string[]): SseEvent[] {
  const events: SseEvent[] = [];
  const parser = new SseParser((event) => events.push(event));
  for (const text of texts) parser.push(text);
  return events;
}

test.each<[string, readonly string[], readonly (readonly [event: string, data: string])[]]>([
  [
    'lines that end with LF, CRLF and CR',
    ['data: a\n\ndata: b\r\n\r\ndata: c\r\rdata: d\r\n\n'],
    [
      ['message', 'a'],
      ['message', 'b'],
      ['message', 'c'],
      ['message', 'd'],
    ],
  ],
  [
    'a CRLF that was cut',
    ['data: a\r', '\n', '\r', '\ndata: b\r', '\n\r\n'],
    [
      ['message', 'a'],
      ['message', 'b'],
    ],
  ],
  [
    'a name for one event only',
    ['event: close\ndata: a\n\ndata: b\n\n'],
    [
      ['close', 'a'],
      ['message', 'b'],
    ],
  ],
  ['a name without data', ['event: close\n\ndata: b\n\n'], [['message', 'b']]],
  [
    'data of several lines, and empty ones',
    ['data: a\ndata:b\ndata:  c\ndata\n\ndata\n\n'],
    [
      ['message', 'a\nb\n c\n'],
      ['message', ''],
    ],
  ],
  [
    'comments, other fields and lines without meaning',
    [': data: a\nid: 7\nretry: 5\ndat: a\n data: a\ndata: b\n\n'],
    [['message', 'b']],
  ],
  [
    'separators of Unicode, which end no line',
    ['data: "\u2028\u2029\u0085"\n\n'],
    [['message', '"\u2028\u2029\u0085"']],
  ],
  ['an event that has not ended', ['data: a\n'], []],
])('reads %s', (_, texts, expected) => {
  expect(parsed(...texts).map(({ event, data }) => [event, data])).toEqual(expected);
});

/** Pieces of streams, of which many make no sense together. */
const piece = fc.oneof(
  fc.constantFrom('\n', '\r', '\r\n', '\n\n', '\r\r', '\r\n\r\n'),
  fc.constantFrom('data: ', 'data:', 'data', 'event: ', 'event', 'id: 1', ':', ' ', 'a', '{"ж":"\u2028😀"}'),
  fc.string({ unit: 'binary' }),
);

test('hears what eventsource-parser hears, wherever the bytes are cut', () => {
  const stream = fc.array(piece, { maxLength: 30 });
  const cuts = fc.array(fc.nat({ max: 200 }), { maxLength: 20 });
  fc.assert(
    fc.property(stream, cuts, (pieces, at) => {
      // The last line of a text is whole only with its end; a CR may be half of one.
      const bytes = new TextEncoder().encode(`${pieces.join('')}\n\n\n`);
      const theirs: SseEvent[] = [];
      const parser = createParser({ onEvent: ({ event = 'message', data }) => theirs.push({ event, data }) });
      parser.feed(new TextDecoder().decode(bytes));
      const ours: SseEvent[] = [];
      const own = new SseParser((event) => ours.push(event));
      const decoder = new TextDecoder();
      const places = [0, ...at.map((place) => place % bytes.length).sort((a, b) => a - b), bytes.length];
      for (const [index, place] of places.entries())
        own.push(decoder.decode(bytes.subarray(place, places[index + 1] ?? bytes.length), { stream: true }));
      expect(ours).toEqual(theirs);
    }),
    { numRuns: process.env['HEXBUS_DEEP'] === '1' ? 100_000 : 5_000 },
  );
});
