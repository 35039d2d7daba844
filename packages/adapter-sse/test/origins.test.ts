import type { SseTransportOptions } from '@hexbus/adapter-sse';
import { expect, it } from 'vitest';
import { foreignOrigins, testBrowserHeaders, testOrigins } from '../../../test/support/transports/origin-tests.ts';
import { closeAfterEach, openSse } from './support/host.ts';
import { RawClient } from './support/raw-client.ts';

closeAfterEach();

interface Asked {
  readonly method?: string;
  readonly host?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What a page of this origin, with a valid cookie, gets from `lab.example`. */
async function answerTo(origin: string | undefined, origins?: SseTransportOptions['origins'], asked: Asked = {}) {
  const { method = 'GET', host = 'lab.example', headers = {} } = asked;
  const { port, handshakes, transport } = await openSse({ origins });
  const client = new RawClient(port);
  const type = method === 'POST' ? 'application/x-ndjson' : undefined;
  client.ask({
    method,
    headers: { Origin: origin, Host: host, Cookie: 'session=valid', 'Content-Type': type, ...headers },
  });
  const { status, head } = await client.answer();
  client.socket.destroy();
  expect(head.includes('Hexbus-Refused: 1')).toBe(status >= 400);
  expect(handshakes).toHaveLength(status === 200 ? 1 : 0);
  await transport.close();
  const fields = head.split('\r\n').map((line) => line.split(': ', 2));
  const header = (name: string): string | undefined => fields.find(([field]) => field?.toLowerCase() === name)?.[1];
  return {
    status,
    origin: header('access-control-allow-origin'),
    credentials: header('access-control-allow-credentials'),
    vary: header('vary'),
    header,
  };
}

testOrigins(200, async (origin, origins, host = 'lab.example') => {
  const { status } = await answerTo(origin, origins, { host });
  expect((await answerTo(origin, origins, { host, method: 'POST' })).status).toBe(status);
  return status;
});

it.each(foreignOrigins)('threat 17: a page of origin "%s" may not even ask whether it may', async (origin) => {
  const asked = await answerTo(origin, ['https://lab.example'], { method: 'OPTIONS' });
  expect(asked).toMatchObject({ status: 403, origin: undefined });
});

it.each([
  [403, 'no-cors', 'cross-site'],
  [403, 'no-cors', 'same-site'],
  [403, 'navigate', 'cross-site'],
  [200, 'no-cors', 'same-origin'],
  [200, 'navigate', 'none'],
  [200, 'cors', 'same-origin'],
  [200, 'cors', 'cross-site'],
  [200, undefined, 'cross-site'],
  [200, 'no-cors', undefined],
])('threat 17: what names no origin gets %d by mode %s from %s', async (status, mode, site) => {
  const modes = mode === undefined ? {} : { 'Sec-Fetch-Mode': mode };
  const headers = { ...modes, ...(site === undefined ? {} : { 'Sec-Fetch-Site': site }) };
  for (const origins of [undefined, 'any', ['https://app.example']] as const) {
    expect((await answerTo(undefined, origins, { headers })).status).toBe(status);
  }
});

testBrowserHeaders(async (origin, origins, headers) => {
  const { port, handshakes } = await openSse({ origins });
  const client = new RawClient(port);
  client.ask({ headers: { Origin: origin, ...headers } });
  expect((await client.answer()).status).toBe(200);
  client.socket.destroy();
  return handshakes[0]?.headers;
});

it('lets a listed page read with its cookies, and says that the answer is for it alone', async () => {
  const origins = ['https://app.example'];
  const listed = { origin: 'https://app.example', credentials: 'true', vary: 'Origin' };
  expect(await answerTo('https://app.example', origins)).toMatchObject(listed);
  expect(await answerTo('https://app.example', origins, { method: 'PUT' })).toMatchObject({ ...listed, status: 405 });
  expect(await answerTo(undefined, origins)).toMatchObject({
    origin: undefined,
    credentials: undefined,
    vary: 'Origin',
  });
});

it('lets every page read without its cookies where any may', async () => {
  const answer = await answerTo('https://evil.example', 'any');
  expect(answer).toMatchObject({ origin: '*', credentials: undefined, vary: undefined });
  expect(answer.header('access-control-expose-headers')).toBe('Retry-After, Hexbus-Refused');
});

it('leaves it to browsers by default, which let pages read from their own host', async () => {
  expect(await answerTo('https://lab.example')).toMatchObject({ origin: undefined, credentials: undefined });
});

it('answers what browsers ask before, whatever headers a listed page wants to send', async () => {
  const ask = (names: string) =>
    answerTo('https://app.example', ['https://app.example'], {
      method: 'OPTIONS',
      headers: { 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': names },
    });
  const { status, origin, header } = await ask('authorization,content-type,hexbus-link');
  expect([status, origin]).toEqual([204, 'https://app.example']);
  expect(header('access-control-allow-methods')).toBe('GET, POST');
  expect(header('access-control-allow-headers')).toBe('authorization,content-type,hexbus-link');
  expect(header('access-control-max-age')).toBe('7200');
  expect((await ask('x<y')).header('access-control-allow-headers')).toBeUndefined();
});
