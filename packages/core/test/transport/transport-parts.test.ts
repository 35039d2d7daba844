import { closeOf, isCloseCode, readAddress, readProtocols } from '@hexbus/core/gateway';
import { expect, it } from 'vitest';

it('a reason is cut between characters, at 123 bytes', () => {
  const cut = (reason: string) => closeOf(1000, reason).reason;
  expect(cut('x'.repeat(123))).toHaveLength(123);
  expect(cut('x'.repeat(124))).toHaveLength(123);
  expect(cut(`${'x'.repeat(122)}ü`)).toBe('x'.repeat(122));
  expect(cut(`${'x'.repeat(121)}ü`)).toBe(`${'x'.repeat(121)}ü`);
  expect(cut(`${'x'.repeat(120)}🚌`)).toBe('x'.repeat(120));
});

it('a code that nobody may tell becomes 1011', () => {
  for (const code of [1000, 1003, 1007, 1014, 3000, 4999]) {
    expect([isCloseCode(code), closeOf(code, '').code]).toEqual([true, code]);
  }
  for (const code of [0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 1000.5, Number.NaN]) {
    expect([isCloseCode(code), closeOf(code, '').code]).toEqual([false, 1011]);
  }
});

it('protocols are tokens between commas, each once', () => {
  expect(readProtocols(undefined)).toEqual([]);
  expect(readProtocols('a.v1')).toEqual(['a.v1']);
  expect(readProtocols('a.v1 ,b, c')).toEqual(['a.v1', 'b', 'c']);
  for (const malformed of ['', 'a,,b', 'a, a', '"a"', 'a b', 'ü']) expect(readProtocols(malformed)).toBeUndefined();
});

it('an address is the one that the own proxies tell, or else the peer', () => {
  expect(readAddress('6.6.6.6, 1.2.3.4', '10.0.0.1', 0)).toBe('10.0.0.1');
  expect(readAddress('6.6.6.6, 1.2.3.4', '10.0.0.1', 1)).toBe('1.2.3.4');
  expect(readAddress('6.6.6.6, 1.2.3.4, 10.0.0.2', '10.0.0.1', 2)).toBe('1.2.3.4');
  expect(readAddress('1.2.3.4', '10.0.0.1', 3)).toBe('1.2.3.4');
  expect(readAddress('1.2.3.4, ', '10.0.0.1', 1)).toBe('10.0.0.1');
  expect(readAddress(undefined, '::ffff:10.0.0.1', 1)).toBe('10.0.0.1');
  expect(readAddress(undefined, '::ffff:a00:1', 0)).toBe('::ffff:a00:1');
  expect(readAddress(undefined, undefined, 1)).toBe('');
});
