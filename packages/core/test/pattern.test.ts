import { assertPattern, assertTopic, isPattern, matchesPattern, patternsOverlap } from '@hexbus/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findOverlap } from '../src/pattern.ts';
import { thrownBy } from './support/buses.ts';

describe('a topic', () => {
  test.each(['a', 'order.created', 'Order-Step_7', '@user.ann', 'a.@b', 'é.日本', 'a:b/c', '%20', 'x'.repeat(512)])(
    'may be %s',
    (topic) => {
      expect(() => assertTopic(topic)).not.toThrow();
      expect(() => assertPattern(topic)).not.toThrow();
      expect(isPattern(topic)).toBe(false);
    },
  );

  test.each<unknown>([
    '',
    '.',
    'a.',
    '.a',
    'a..b',
    'a b',
    ' a',
    'a\n',
    'a\u0000b',
    'a\u00a0b',
    '*',
    'a.*',
    '>',
    'a.>',
    'a*',
    'x'.repeat(513),
    undefined,
    null,
    7,
    {},
    ['a'],
  ])('may not be %j', (topic) => {
    expect(thrownBy(() => assertTopic(topic))).toMatchObject({ name: 'HexbusError', code: 'HEXBUS_INVALID_TOPIC' });
  });
});

describe('a pattern', () => {
  test.each(['*', '>', 'a.*', '*.a', 'a.*.b', 'a.>', '*.>', '*.*', '@user.*', '@user.>'])('may be %s', (pattern) => {
    expect(() => assertPattern(pattern)).not.toThrow();
    expect(isPattern(pattern)).toBe(true);
  });

  test.each<unknown>([
    '',
    'a*',
    '*a',
    'a>',
    '>.a',
    'a.>.b',
    '**',
    '>>',
    'a..*',
    '*.',
    '.>',
    'a. *',
    `${'x'.repeat(511)}.*`,
    7,
    undefined,
  ])('may not be %j', (pattern) => {
    expect(thrownBy(() => assertPattern(pattern))).toMatchObject({ name: 'HexbusError', code: 'HEXBUS_INVALID_TOPIC' });
  });
});

test.each([
  ['order.*', 'order.created', true],
  ['order.*', 'order', false],
  ['order.*', 'order.item.added', false],
  ['order.>', 'order.created', true],
  ['order.>', 'order.item.added', true],
  ['order.>', 'order', false],
  ['*.created', 'user.created', true],
  ['*.created', 'order.item.created', false],
  ['a.*.c', 'a.b.c', true],
  ['a.*.c', 'a.b.d', false],
  ['>', 'a.b', true],
  ['*', 'a', true],
  ['*', 'a.b', false],
  ['>', '@user.ann', false],
  ['*', '@all', false],
  ['*.ann', '@user.ann', false],
  ['*.>', '@user.ann', false],
  ['@user.*', '@user.ann', true],
  ['@user.>', '@user.ann.x', true],
  ['a.*', 'a.@b', true],
  ['a.>', 'a.@b.c', true],
  ['a', 'a', true],
  ['a', 'A', false],
  ['a.b', 'axb', false],
] as const)('matchesPattern(%s, %s) is %s', (pattern, topic, expected) => {
  expect(matchesPattern(pattern, topic)).toBe(expected);
});

/** What a pattern means, said by a regular expression. */
function oracle(pattern: string): RegExp {
  const tokens = pattern.split('.').map((token, index) => {
    const guard = index === 0 ? '(?!@)' : '';
    if (token === '>') return `${guard}.+`;
    if (token === '*') return `${guard}[^.]+`;
    return token.replace(/[$()+?[\\\]^{|}]/g, '\\$&');
  });
  return new RegExp(`^${tokens.join('\\.')}$`, 'su');
}

// Few tokens, so that matches are not rare.
const token = fc.constantFrom('a', 'b', '@a', '@', 'é', 'a+b', '$');
const topics = fc.array(token, { minLength: 1, maxLength: 4 }).map((tokens) => tokens.join('.'));
const patterns = fc
  .tuple(fc.array(fc.oneof(token, fc.constant('*')), { maxLength: 3 }), fc.oneof(token, fc.constantFrom('*', '>')))
  .map(([tokens, last]) => [...tokens, last].join('.'));

const runs = { numRuns: process.env['HEXBUS_DEEP'] === '1' ? 100_000 : 5000 };

test('matchesPattern agrees with a regular expression', () => {
  fc.assert(
    fc.property(patterns, topics, (pattern, topic) => {
      expect(matchesPattern(pattern, topic)).toBe(oracle(pattern).test(topic));
    }),
    runs,
  );
});

test('patternsOverlap is symmetric, and true of two that match one topic', () => {
  fc.assert(
    fc.property(patterns, patterns, topics, (left, right, topic) => {
      expect(patternsOverlap(left, right)).toBe(patternsOverlap(right, left));
      if (matchesPattern(left, topic) && matchesPattern(right, topic)) expect(patternsOverlap(left, right)).toBe(true);
    }),
    runs,
  );
});

test('patternsOverlap is false of two between which no topic of the alphabet falls', () => {
  const alphabet = ['a', 'b', '@a', '@', 'é', 'a+b', '$', 'z'];
  const upTo = (length: number): string[] =>
    length === 1
      ? alphabet
      : [...upTo(length - 1), ...upTo(length - 1).flatMap((topic) => alphabet.map((next) => `${topic}.${next}`))];
  const all = [...new Set(upTo(3))];
  const short = patterns.filter((pattern) => pattern.split('.').length <= 2);
  fc.assert(
    fc.property(short, short, (left, right) => {
      const overlaps = all.some((topic) => matchesPattern(left, topic) && matchesPattern(right, topic));
      expect(patternsOverlap(left, right)).toBe(overlaps);
    }),
    { numRuns: 500 },
  );
});

test('findOverlap finds two that overlap, if there are any', () => {
  fc.assert(
    fc.property(fc.array(patterns, { maxLength: 6 }), (all) => {
      const found = findOverlap(all);
      const overlapping = all.flatMap((one, index) =>
        all.slice(index + 1).flatMap((other) => (patternsOverlap(one, other) ? [[one, other]] : [])),
      );
      if (found === undefined) expect(overlapping).toEqual([]);
      else expect(overlapping).toContainEqual(found);
    }),
    runs,
  );
});
