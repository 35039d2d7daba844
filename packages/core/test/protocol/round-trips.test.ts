import { createHexbusV1, RetainedMessage } from '@hexbus/core/gateway';
import {
  decodeServerFrame,
  encodeAsk,
  encodePublish,
  encodeReply,
  encodeSubscribe,
  type WireFrom,
} from '@hexbus/core/wire';
import { createRecordingHost, type HostCall } from '@hexbus/testkit';
import fc from 'fast-check';
import { expect, test } from 'vitest';

/** Texts with everything that breaks frames elsewhere: lone surrogates, line separators, quotes, control characters. */
const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({
    unit: fc.constantFrom('\ud800', '\udfff', '\u2028', '\u2029', '\u0000', '\r', '\n', '"', '\\', '\ufeff', 'é'),
  }),
);
/** Names of topics and the like, which are printable. */
const name = fc.string({
  unit: fc.constantFrom('a', 'é', '🚌', '.', '@', '_', '"', '\\', '__proto__'),
  minLength: 1,
  maxLength: 14,
});
const body = fc.jsonValue({ stringUnit: 'binary', maxDepth: 5 }).chain((value) =>
  fc.oneof(
    fc.constant(value),
    text.map((inside) => ({ inside, value })),
    fc.constant(JSON.parse('{"__proto__":{"polluted":true},"constructor":null}') as unknown),
  ),
);
/** What a body is after it was JSON. */
function asJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
const id = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });

const message = fc.record(
  { id: text, topic: name, type: text, body, sender: text, headers: fc.dictionary(text, text), time: fc.nat() },
  { requiredKeys: ['id', 'topic', 'body', 'time'] },
);

const protocol = createHexbusV1();

function heard(texts: readonly string[], greeted = true): readonly HostCall[] {
  const host = createRecordingHost();
  const session = protocol.open(host);
  if (greeted) session.receive('[1,{"v":1}]');
  host.take();
  for (const one of texts) session.receive(one);
  return host.take();
}

test('an event, retained or not, comes out as it went in', () => {
  const session = protocol.open(createRecordingHost());
  fc.assert(
    fc.property(message, fc.maxSafeNat(), (drawn, position) => {
      const { sender, headers, body: value, ...rest } = drawn;
      const stored = new RetainedMessage({
        ...rest,
        position,
        body: JSON.stringify(value),
        ...(sender === undefined && headers === undefined ? {} : { attributes: JSON.stringify({ sender, headers }) }),
      });
      const cursor = `e1.${position}`;
      const expected = asJson(drawn) as object;
      expect(decodeServerFrame(session.event(drawn, undefined).text)).toEqual({ kind: 'event', message: expected });
      expect(decodeServerFrame(session.event(stored, cursor).text)).toEqual({
        kind: 'event',
        cursor,
        message: { ...expected, position },
      });
      expect(decodeServerFrame(session.eventFor(stored, [0, 7], `${cursor}~7:1`, cursor).text)).toMatchObject({
        kind: 'event-for',
        message: { ...expected, position },
      });
      expect(decodeServerFrame(session.delivery(1, 2, stored, 3)?.text ?? '')).toEqual({
        kind: 'delivery',
        id: 1,
        sub: 2,
        message: expected,
        timeoutMs: 3,
      });
    }),
  );
});

test('what a client asks, publishes and answers arrives as it was said', () => {
  fc.assert(
    fc.property(name, body, id, name, (topic, value, number, type) => {
      const expected = asJson(value);
      expect(heard([encodeAsk(type, value, number)])).toStrictEqual([['ask', type, expected, number]]);
      expect(heard([encodePublish(number, { topic, type, body: value })])).toStrictEqual([
        ['publish', number, { topic, type, body: expected }],
      ]);
      expect(heard([encodeReply(number, { ok: true, body: value })])).toStrictEqual([
        ['reply', number, { ok: true, body: expected }],
      ]);
    }),
  );
});

test('every start of a subscription arrives as it was said', () => {
  const from: fc.Arbitrary<WireFrom> = fc.oneof(
    fc.constantFrom('now' as const, 'earliest' as const),
    fc.record({ after: fc.stringMatching(/^[A-Za-z0-9_-]{1,64}\.\d{1,15}$/) }),
    fc.record({ last: fc.maxSafeNat() }),
    fc.record({ since: fc.double({ noNaN: true, noDefaultInfinity: true }).map((ms) => ms + 0) }),
  );
  fc.assert(
    fc.property(id, name, from, (number, topic, start) => {
      const subscription = { id: number, topic, from: start };
      expect(heard([encodeSubscribe(subscription)])).toEqual([['subscribe', subscription]]);
    }),
  );
});

/** Nearly frames: the likeliest to find a hole. */
const element = fc.oneof(
  fc.integer({ min: -1, max: 70 }),
  fc.double(),
  name,
  text,
  fc.constant(null),
  fc.constantFrom('now', 'covered', { last: 1 }, { v: 1 }, { v: 1, subs: [[1, 'a']] }, { code: 'limit', message: 'm' }),
  fc.jsonValue(),
);
const hostile = fc.oneof(
  text,
  fc.json(),
  fc.array(element, { maxLength: 7 }).map((elements) => JSON.stringify(elements)),
);

test('whatever a client sends, nothing is thrown, and a violation is the last that is heard', () => {
  const before = Reflect.ownKeys(Object.prototype);
  fc.assert(
    fc.property(fc.array(hostile, { maxLength: 20 }), fc.boolean(), (texts, greeted) => {
      const calls = heard(texts, greeted);
      const at = calls.findIndex(([call]) => call === 'violated');
      expect(at === -1 || at === calls.length - 1).toBe(true);
      expect(calls.length).toBeLessThanOrEqual(texts.length);
    }),
    { numRuns: 1_000 },
  );
  expect(Reflect.ownKeys(Object.prototype)).toEqual(before);
});

test('whatever a server sends, a client does not throw', () => {
  fc.assert(
    fc.property(hostile, (one) => {
      expect(decodeServerFrame(one).kind).toBeTypeOf('string');
    }),
    { numRuns: 1_000 },
  );
});
