import { createServer } from 'node:http';
import { systemClock } from '@hexbus/core';
import { createFrameBatch } from '@hexbus/testkit';
import { afterEach, expect, it, vi } from 'vitest';
import { listening } from '../../../test/support/transports/servers.ts';
import { closeAfterEach, openSse } from './support/host.ts';
import { postOn } from './support/posts.ts';
import { opened, RawClient } from './support/raw-client.ts';

closeAfterEach();

afterEach(() => {
  vi.restoreAllMocks();
});

/** How many timers are set, of those that are set from now on. */
function timersFromNowOn(): () => number {
  const pending = new Set<object>();
  const { setTimer } = systemClock;
  vi.spyOn(systemClock, 'setTimer').mockImplementation((callback, ...rest) => {
    const timer = {};
    pending.add(timer);
    const ended = (): boolean => pending.delete(timer);
    const cancel = setTimer(() => void (ended() && callback()), ...rest);
    return () => void (ended() && cancel());
  });
  return () => pending.size;
}

it('a guest that closes leaves no timer, listener or socket of its own on the server, whatever its clients were doing', async () => {
  const { server, port, stop } = await listening(createServer((_, response) => response.end()));
  const timers = timersFromNowOn();
  const listeners = server.eventNames().map((name) => [name, server.listenerCount(name)]);
  const sockets = () => new Promise<number>((resolve) => server.getConnections((_, count) => resolve(count)));

  let decide = (): void => {};
  const decided = new Promise<void>((resolve) => {
    decide = resolve;
  });
  const { transport, guests, handshakes } = await openSse({ server }, async ({ url }) => {
    if (url.includes('wait')) await decided;
    return url.includes('refuse') ? { accepted: false, status: 401, reason: 'no' } : { protocol: 'lab.v1' };
  });
  const clients = [await opened(port), await opened(port), await opened(port)];
  const [reader, slow, waiting] = clients;
  slow?.socket.pause();
  for (let count = 0; count < 1_000; count++) guests[1]?.carrier.send(createFrameBatch('x'.repeat(16_384)));
  guests[2]?.carrier.pause();
  const posting = postOn(port, waiting?.link ?? '', 1, 'a');
  guests[0]?.carrier.send(createFrameBatch('one'));
  expect(await reader?.event()).toBe('data: one');
  const others = Array.from({ length: 4 }, () => new RawClient(port));
  others[0]?.ask({ path: '/hexbus/sse?wait' });
  others[1]?.open('half', { 'Content-Length': '10' });
  others[2]?.ask({ path: '/hexbus/sse?refuse' });
  others[3]?.ask();
  expect((await others[2]?.answer())?.status).toBe(401);
  others[2]?.socket.destroy();
  while (handshakes.length < 7) await new Promise((resolve) => setImmediate(resolve));

  expect(timers()).toBeGreaterThanOrEqual(5);
  await transport.close();
  slow?.socket.resume();
  await Promise.all([...clients, ...others].map(({ closed }) => closed));
  expect((await posting).status).toBe(0);
  decide();
  while ((await sockets()) > 0) await new Promise((resolve) => setImmediate(resolve));
  expect(server.eventNames().map((name) => [name, server.listenerCount(name)])).toEqual(listeners);
  expect(timers()).toBe(0);
  await stop();
});

it('clients that come and go leave nothing while the transport is open', async () => {
  const { server, port, stop } = await listening(createServer());
  const timers = timersFromNowOn();
  const { guests } = await openSse({ server });
  for (let round = 0; round < 50; round++) {
    const client = await opened(port, 'hello');
    for (let sequence = 1; sequence <= 3; sequence++) await postOn(port, client.link, sequence, 'text');
    if (round % 2 > 0) client.socket.resetAndDestroy();
    else await postOn(port, client.link, 4, '', '?close=1000');
    expect(await guests[round]?.ended).toBe(round % 2 > 0 ? 1006 : 1000);
    await client.closed;
  }
  expect(timers()).toBe(0);
  await stop();
});
