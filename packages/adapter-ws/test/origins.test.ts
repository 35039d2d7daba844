import type { WsTransportOptions } from '@hexbus/adapter-ws';
import { expect, it } from 'vitest';
import { closeAfterEach, openWs } from './support/host.ts';
import { RawClient } from './support/raw-client.ts';

closeAfterEach();

/** The status that a page of this origin, with a valid cookie, gets from `lab.example`. */
async function statusOf(origin: string | undefined, origins?: WsTransportOptions['origins'], host = 'lab.example') {
  const { port, handshakes, transport } = await openWs({ origins });
  const client = new RawClient(port);
  client.ask({ Origin: origin, Host: host, Cookie: 'session=valid' });
  const { status } = await client.answer();
  client.socket.destroy();
  expect(handshakes).toHaveLength(status === 101 ? 1 : 0);
  await transport.close();
  return status;
}

const foreign = [
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

it.each(foreign)(
  'threat 17: a page of origin "%s" with a valid cookie gets 403 before the host is asked',
  async (origin) => {
    expect(await statusOf(origin)).toBe(403);
    expect(await statusOf(origin, ['https://lab.example'])).toBe(403);
  },
);

it('threat 17: by default pages of the host that was asked for pass, on its port', async () => {
  expect(await statusOf('https://lab.example')).toBe(101);
  expect(await statusOf('http://lab.example')).toBe(101);
  expect(await statusOf('https://lab.example', undefined, 'lab.example:443')).toBe(101);
  expect(await statusOf('https://lab.example:8443', undefined, 'lab.example:8443')).toBe(101);
  expect(await statusOf('https://lab.example:8443', undefined, 'lab.example:8444')).toBe(403);
});

it('threat 17: a list lets in what is on it, whatever the host', async () => {
  const origins = ['https://app.example', 'chrome-extension://abcdef'];
  expect(await statusOf('https://app.example', origins)).toBe(101);
  expect(await statusOf('chrome-extension://abcdef', origins)).toBe(101);
  expect(await statusOf('https://lab.example', origins)).toBe(403);
  expect(await statusOf('https://lab.example', [])).toBe(403);
});

it('threat 17: what sends no origin is no page, and passes; any lets in all', async () => {
  expect(await statusOf(undefined)).toBe(101);
  expect(await statusOf(undefined, [])).toBe(101);
  expect(await statusOf('https://evil.example', 'any')).toBe(101);
});
