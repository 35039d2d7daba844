import { expect, it } from 'vitest';

/** What the Origin of a page of another host than `lab.example` may look like. */
export const foreignOrigins = [
  'https://evil.example',
  'null',
  '',
  'https://lab.example.evil.example',
  'https://evil-lab.example',
  'https://lab.example@evil.example',
  'https://lab.example.',
  'https://lab.example/',
  'https://LAB.example',
  'https://lab.example:8443',
  'https://lab.example, https://lab.example',
  'https://evil.example#lab.example',
  'lab.example',
  'file://',
];

/** The status that a page of this origin, with a valid cookie, gets from `host`, where pages of `origins` may connect; by default `lab.example`. */
export type StatusOf = (
  origin: string | undefined,
  origins?: readonly string[] | 'any',
  host?: string,
) => Promise<number>;

/** Which pages a transport lets in. `passed`: the status of those. */
export function testOrigins(passed: number, statusOf: StatusOf): void {
  it.each(foreignOrigins)(
    'threat 17: a page of origin "%s" with a valid cookie gets 403 before the host is asked',
    async (origin) => {
      expect(await statusOf(origin)).toBe(403);
      expect(await statusOf(origin, ['https://lab.example'])).toBe(403);
    },
  );

  it('threat 17: by default pages of the host that was asked for pass, on its port', async () => {
    expect(await statusOf('https://lab.example')).toBe(passed);
    expect(await statusOf('http://lab.example')).toBe(passed);
    expect(await statusOf('https://lab.example', undefined, 'lab.example:443')).toBe(passed);
    expect(await statusOf('https://lab.example:8443', undefined, 'lab.example:8443')).toBe(passed);
    expect(await statusOf('https://lab.example:8443', undefined, 'lab.example:8444')).toBe(403);
  });

  it('threat 17: a list lets in what is on it, whatever the host', async () => {
    const origins = ['https://app.example', 'chrome-extension://abcdef'];
    expect(await statusOf('https://app.example', origins)).toBe(passed);
    expect(await statusOf('chrome-extension://abcdef', origins)).toBe(passed);
    expect(await statusOf('https://lab.example', origins)).toBe(403);
    expect(await statusOf('https://lab.example', [])).toBe(403);
  });

  it('threat 17: what sends no origin is no page, and passes; any lets in all', async () => {
    expect(await statusOf(undefined)).toBe(passed);
    expect(await statusOf(undefined, [])).toBe(passed);
    expect(await statusOf('https://evil.example', 'any')).toBe(passed);
  });
}

/** The headers of the handshake that comes of a page of this origin, asking `lab.example`, with these headers, where pages of `origins` may connect. */
export type HeadersOf = (
  origin: string | undefined,
  origins: readonly string[] | 'any',
  headers: Readonly<Record<string, string>>,
) => Promise<Readonly<Record<string, string | undefined>> | undefined>;

/** What a transport passes on of that which a browser adds by itself. */
export function testBrowserHeaders(headersOf: HeadersOf): void {
  it.each([
    ['https://evil.example', 'any', { cookie: undefined }],
    ['null', 'any', { cookie: undefined }],
    ['https://lab.example', 'any', { cookie: 'session=valid' }],
    [undefined, 'any', { cookie: 'session=valid' }],
    ['https://app.example', ['https://app.example'], { cookie: 'session=valid' }],
  ] as const)(
    'threat 17: what a browser adds by itself counts from %s where %s may connect: %o',
    async (origin, origins, { cookie }) => {
      for (const authorization of ['Bearer token', 'Basic stored', 'negotiate stored']) {
        const headers = await headersOf(origin, origins, { Cookie: 'session=valid', Authorization: authorization });
        expect(headers?.['cookie']).toBe(cookie);
        const counts = cookie !== undefined || authorization.startsWith('Bearer');
        expect(headers?.['authorization']).toBe(counts ? authorization : undefined);
      }
    },
  );
}
