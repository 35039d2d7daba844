import { type Frame, maxSliceBytes } from '@hexbus/core/gateway';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeFrames, eventOf, retryOf } from '../src/event-stream.ts';

interface Heard {
  readonly events: EventSourceMessage[];
  readonly retries: number[];
}

/** What a client hears that gets the bytes in chunks of this size. */
function heardIn(slices: readonly Buffer[], chunkBytes = 7): Heard {
  const events: EventSourceMessage[] = [];
  const retries: number[] = [];
  const parser = createParser({ onEvent: (event) => events.push(event), onRetry: (retry) => retries.push(retry) });
  const bytes = Buffer.concat(slices);
  const decoder = new TextDecoder();
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    parser.feed(decoder.decode(bytes.subarray(at, at + chunkBytes), { stream: true }));
  }
  return { events, retries };
}

/** Whatever somebody might try, and what is right. */
const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.string({
    unit: fc.constantFrom('\r', '\n', '\0', '\ufeff', '\u2028', ' ', ':', 'id', 'data', 'event', 'retry', 'x'),
    maxLength: 20,
  }),
  fc.constantFrom('1\ndata: INJ', 'e\rdata: INJ', 'a\rid: INJ\nb', '\n\nevent: evil\ndata: x\n\n', ''),
);
const frames = fc.array(
  fc.record({
    text: hostile,
    cursor: fc.option(fc.oneof(hostile, fc.constantFrom('e.7', 'x'.repeat(128), 'x'.repeat(129))), { nil: undefined }),
    event: fc.option(fc.oneof(hostile, fc.constantFrom('welcome')), { nil: undefined }),
    retryMs: fc.option(fc.oneof(fc.integer(), fc.constantFrom(0, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 1e21)), {
      nil: undefined,
    }),
  }),
  { maxLength: 10 },
);

const isName = (text: string | undefined): boolean => text !== undefined && /^[\x21-\x7e]{1,128}$/.test(text);

describe('threat 32: whatever is in a frame', () => {
  it('one event comes out of it, its text whole but for how lines break, and nothing that is not in it', () => {
    fc.assert(
      fc.property(frames, fc.integer({ min: 1, max: 64 }), (given: Frame[], chunkBytes) => {
        const { events, retries } = heardIn(encodeFrames(given), chunkBytes);
        // A lone surrogate is no character, so it cannot be written.
        expect(events.map(({ data }) => data)).toEqual(
          given.map(({ text }) =>
            Buffer.from(text)
              .toString()
              .replace(/\r\n|\r/g, '\n'),
          ),
        );
        expect(events.map(({ id }) => id)).toEqual(given.map(({ cursor }) => (isName(cursor) ? cursor : undefined)));
        expect(events.map(({ event }) => event)).toEqual(given.map(({ event }) => (isName(event) ? event : undefined)));
        expect(retries).toEqual(
          given.flatMap(({ retryMs = -1 }) => (Number.isSafeInteger(retryMs) && retryMs >= 0 ? [retryMs] : [])),
        );
      }),
    );
  });

  it('JSON arrives as the value that it was', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(JSON.parse(heardIn(encodeFrames([{ text }])).events[0]?.data ?? '')).toEqual(JSON.parse(text));
      }),
    );
  });
});

it('writes the fields in full', () => {
  expect(eventOf({ text: '[5]', cursor: 'e.7', event: 'bye', retryMs: 100 })).toBe(
    'id: e.7\nevent: bye\nretry: 100\ndata: [5]\n\n',
  );
  expect(eventOf({ text: 'one\r\ntwo\rthree\n' })).toBe('data: one\ndata: two\ndata: three\ndata: \n\n');
  expect(retryOf(2_147_483_647)).toBe('retry: 2147483647\n');
  expect(retryOf(-1)).toBe('');
});

it('makes slices that are no longer than a slice, in order', () => {
  const text = 'ü'.repeat(100_000);
  const slices = encodeFrames([{ text }, { text: 'last' }]);
  expect(slices.map(({ length }) => length)).toEqual([
    maxSliceBytes,
    maxSliceBytes,
    maxSliceBytes,
    200_000 + 8 + 12 - 3 * maxSliceBytes,
  ]);
  expect(heardIn(slices, 1_000).events.map(({ data }) => data)).toEqual([text, 'last']);
});
