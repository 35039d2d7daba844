import { errorCodes, HexbusError, isHexbusError, shorten } from '@hexbus/core';
import { describe, expect, test, vi } from 'vitest';

describe('HexbusError', () => {
  test('has a name, a code, a message, whether a retry may help, and its cause if there is one', () => {
    const cause = new Error('below');
    const error = new HexbusError('HEXBUS_HISTORY_BUSY', 'later', { retryable: true, cause });
    expect(error).toBeInstanceOf(Error);
    expect({ ...error, message: error.message, cause: error.cause }).toEqual({
      name: 'HexbusError',
      code: 'HEXBUS_HISTORY_BUSY',
      message: 'later',
      retryable: true,
      cause,
    });
    const plain = new HexbusError('HEXBUS_CONFIG', 'no');
    expect([plain.retryable, 'cause' in plain, String(plain)]).toEqual([false, false, 'HexbusError: no']);
  });

  test('has no code twice in the list, and each in one form', () => {
    expect(new Set(errorCodes).size).toBe(errorCodes.length);
    for (const code of errorCodes) expect(code).toMatch(/^HEXBUS_[A-Z]+(_[A-Z]+)*$/);
  });
});

describe('isHexbusError', () => {
  test('tells by name and code', () => {
    const error = new HexbusError('HEXBUS_CLOSED', 'no');
    expect([
      isHexbusError(error),
      isHexbusError(error, 'HEXBUS_CLOSED'),
      isHexbusError(error, 'HEXBUS_CONFIG'),
    ]).toEqual([true, true, false]);
  });

  test('recognises errors of another copy of core', async () => {
    vi.resetModules();
    const copy = await import('@hexbus/core');
    expect(copy.HexbusError).not.toBe(HexbusError);
    const foreign = new copy.HexbusError('HEXBUS_CLOSED', 'no');
    expect(foreign).not.toBeInstanceOf(HexbusError);
    expect([
      isHexbusError(foreign, 'HEXBUS_CLOSED'),
      copy.isHexbusError(new HexbusError('HEXBUS_CLOSED', 'no')),
    ]).toEqual([true, true]);
  });

  test.each<unknown>([
    undefined,
    null,
    'HexbusError',
    7,
    {},
    new Error('x'),
    { name: 'HexbusError' },
    { code: 'HEXBUS_CLOSED' },
    Object.assign(new Error('x'), { code: 'HEXBUS_CLOSED' }),
  ])('is false of %s', (value) => {
    expect(isHexbusError(value)).toBe(false);
  });
});

describe('shorten', () => {
  test('gives at most 80 characters on one line, texts in quotes', () => {
    expect([shorten('a'), shorten(7), shorten(undefined), shorten(null)]).toEqual(['"a"', '7', 'undefined', 'null']);
    expect(shorten('a\nb\tc')).toBe('"a\\nb\\tc"');
    expect(shorten(new Error('two\nlines'))).toBe('Error: two lines');
    expect(shorten([])).toBe('[]');
    const long = shorten('x'.repeat(1000));
    expect([long.length, long.endsWith('...')]).toEqual([80, true]);
  });

  test('never throws', () => {
    const evil = {
      toString() {
        throw new Error('no');
      },
    };
    for (const value of [evil, Object.create(null), Symbol('s'), 1n, () => {}]) {
      expect(shorten(value).length).toBeLessThanOrEqual(80);
    }
  });
});
