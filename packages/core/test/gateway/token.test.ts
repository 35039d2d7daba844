import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseCursor } from '../../src/cursor.ts';
import { formatToken, parseToken, positionIn } from '../../src/gateway/stream/token.ts';

const counts = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const epochs = fc.string({ unit: fc.constantFrom(...'abzAZ09_-'), minLength: 1, maxLength: 64 });

test('a token comes back as it was, whatever it tells', () => {
  const owns = fc.uniqueArray(fc.tuple(counts, counts), { selector: ([id]) => id, maxLength: 128 });
  fc.assert(
    fc.property(epochs, counts, owns, (epoch, position, own) => {
      const text = formatToken(epoch, position, own);
      expect(text).toMatch(/^[A-Za-z0-9_.~:;,-]{1,8192}$/);
      expect(parseToken(text)).toEqual({ epoch, position, own: new Map(own) });
    }),
  );
});

test('when all are settled it is the plain cursor', () => {
  const text = formatToken('e1', 17, []);
  expect(text).toBe('e1.17');
  expect(parseCursor(text)).toEqual({ epoch: 'e1', position: 17 });
  expect(formatToken('e1', 17, [[3, 5]])).toBe('e1.17~3:5');
});

test('a subscription is at its own position, or at the main one', () => {
  const token = parseToken('e1.17~3:5,0:20')!;
  expect([0, 1, 3].map((id) => positionIn(token, id))).toEqual([20, 17, 5]);
});

describe('what is no token is refused', () => {
  test.each([
    '',
    '.',
    'e1',
    'e1.',
    '.5',
    'e1.05',
    'e1.-1',
    'e1.1e3',
    'e1.5.6',
    'e1.5 ',
    ' e1.5',
    'e1.5\n',
    'e 1.5',
    'é.5',
    'e1.9007199254740992',
    'e1.99999999999999999',
    `${'e'.repeat(65)}.5`,
    'e1.5~',
    'e1.5~3',
    'e1.5~3:',
    'e1.5~:5',
    'e1.5~3:5,',
    'e1.5~,3:5',
    'e1.5~3:5,,4:5',
    'e1.5~3:5~4:5',
    'e1.5~3:5:6',
    'e1.5~-3:5',
    'e1.5~3:-5',
    'e1.5~3.5:5',
    'e1.5~0x3:5',
    'e1.5~03:5',
    'e1.5~3:05',
    'e1.5~3:5,3:6',
    'e1.5~9007199254740992:5',
    'e1.5~3:9007199254740992',
    `e1.5~3:${'9'.repeat(400)}`,
    'e1.5~__proto__:5',
    '__proto__',
    'e1.5~constructor:1',
  ])('%j', (text) => {
    expect(parseToken(text)).toBeUndefined();
  });
});

test('a token is at most 8,192 characters long', () => {
  const within = `e1.5~${Array.from({ length: 1_000 }, (_, id) => `${id + 1000}:1`).join(',')}`;
  expect(parseToken(within)?.own.size).toBe(1_000);
  expect(parseToken(`e1.5~${Array.from({ length: 1_200 }, (_, id) => `${id + 1000}:1`).join(',')}`)).toBeUndefined();
});

test('names of object properties are ordinary epochs', () => {
  expect(parseToken('__proto__.5')?.epoch).toBe('__proto__');
  expect(parseToken('constructor.5~1:2')?.own.get(1)).toBe(2);
});

test('no text at all makes it throw or take what it would not write', () => {
  const hostile = fc.string({ unit: fc.constantFrom(...'e1.~:,05-_ \n\u0000é'), maxLength: 40 });
  fc.assert(
    fc.property(fc.oneof(hostile, fc.string()), (text) => {
      const token = parseToken(text);
      if (token !== undefined) expect(formatToken(token.epoch, token.position, token.own)).toBe(text);
    }),
    { numRuns: 2_000 },
  );
});
