import { checkBoolean, checkClientAddress, checkInteger, checkPath, checkPlace } from '@hexbus/core/gateway';
import { expect, it } from 'vitest';

/** The error of a field that says which value it has. */
function named(field: string): unknown {
  return expect.objectContaining({ code: 'HEXBUS_CONFIG', message: expect.stringMatching(`^${field} is .+; `) });
}

it('an integer is one, within its bounds', () => {
  expect([checkInteger('port', 0, 0, 65_535), checkInteger('ms', 2 ** 31 - 1, 1)]).toEqual([0, 2 ** 31 - 1]);
  for (const value of [0, 2 ** 31, 1.5, Number.NaN, '1' as never]) {
    expect(() => checkInteger('ms', value, 1)).toThrow(named('ms'));
  }
});

it('a switch is on or off, and nothing that counts as such', () => {
  expect([checkBoolean('on', true), checkBoolean('on', false)]).toEqual([true, false]);
  for (const value of [1, 'no', {}, null]) expect(() => checkBoolean('on', value as never)).toThrow(named('on'));
});

it('what tells addresses is a function, whose result is text or an error', () => {
  expect(checkClientAddress(undefined)).toBeUndefined();
  expect(checkClientAddress((text: string) => `of ${text}`)?.('a')).toBe('of a');
  for (const value of [null, 'a', {}]) expect(() => checkClientAddress(value as never)).toThrow(named('clientAddress'));
  for (const result of [undefined, 7, null, Promise.resolve('a')]) {
    expect(() => checkClientAddress(() => result as never)?.('a')).toThrow(named('the result of clientAddress'));
  }
});

it('a path is one that clients ask for as it is written', () => {
  for (const path of ['/', '/hexbus/sse', '/a//b', '/h%C3%A4x/~.a']) expect(checkPath(path)).toBe(path);
  const wrong = ['', 'hexbus', '/a?b', '/a#b', '/a b', '/häx', '/a/../b', '/a/.', '//x', '//', '/a\\b', '/%2e/b', 5];
  for (const path of wrong) expect(() => checkPath(path as never), String(path)).toThrow(named('path'));
});

it('a place is a server of the program, a port, or none', () => {
  const server = { on: () => {}, emit: () => {}, address: () => {} };
  expect(checkPlace({ server })).toEqual({ server });
  expect(checkPlace({ port: 0 })).toEqual({ port: 0 });
  expect(checkPlace({ port: 65_535, host: '127.0.0.1' })).toEqual({ port: 65_535, host: '127.0.0.1' });
  expect(checkPlace({})).toBeUndefined();
  const wrong: readonly [string, unknown][] = [
    ['server', { server, port: 0 }],
    ['server', { server: 3000 }],
    ['server', { server: null }],
    ['server', { server: () => server }],
    ['port', { port: null }],
    ['port', { port: '3000' }],
    ['host', { server, host: '127.0.0.1' }],
    ['host', { host: '127.0.0.1' }],
    ['host', { port: 0, host: 5 }],
    ['host', { port: 0, host: '' }],
    ['options', undefined],
    ['options', null],
  ];
  for (const [field, options] of wrong) expect(() => checkPlace(options as never), field).toThrow(named(field));
});
