import { isOriginAllowed, resolveOrigins } from '@hexbus/core/gateway';
import { expect, it } from 'vitest';
import { foreignOrigins } from '../../../../test/support/transports/origin-tests.ts';

const host = 'lab.example';

it.each(foreignOrigins)(
  'threat 17: "%s" is another origin than the one that is listed, and of another host',
  (origin) => {
    expect(isOriginAllowed(origin, host, 'same-host')).toBe(false);
    expect(isOriginAllowed(origin, host, resolveOrigins(['https://lab.example']))).toBe(false);
    expect(isOriginAllowed(origin, host, 'any')).toBe(true);
  },
);

it('a page of the host that was asked for is let in, the usual port written or not; of a host that is none, nobody', () => {
  expect(isOriginAllowed('https://lab.example', host, resolveOrigins(undefined))).toBe(true);
  expect(isOriginAllowed('http://lab.example', host, 'same-host')).toBe(true);
  expect(isOriginAllowed('https://lab.example', 'lab.example:443', 'same-host')).toBe(true);
  expect(isOriginAllowed('https://lab.example:8443', 'lab.example:8444', 'same-host')).toBe(false);
  expect(isOriginAllowed('https://lab.example', undefined, 'same-host')).toBe(false);
  expect(isOriginAllowed('https://lab.example', 'lab example', 'same-host')).toBe(false);
});

it('what names no origin is no page, and is let in', () => {
  for (const allowed of ['same-host', 'any', resolveOrigins([])] as const) {
    expect(isOriginAllowed(undefined, host, allowed)).toBe(true);
  }
});

it('a list holds what browsers send, of any scheme', () => {
  const origins = ['https://app.example', 'http://localhost:3000', 'chrome-extension://abcdef'];
  expect(resolveOrigins(origins)).toEqual(new Set(origins));
  expect(resolveOrigins('any')).toBe('any');
  const wrong = ['https://app.example/', 'https://App.example', 'https://app.example:443', 'app.example', '*', 5];
  for (const origins of [...wrong.map((origin) => [origin]), '*', 'https://app.example', 5, null]) {
    expect(() => resolveOrigins(origins as never)).toThrow(
      expect.objectContaining({ code: 'HEXBUS_CONFIG', message: expect.stringMatching(/^origins is /) }),
    );
  }
});
