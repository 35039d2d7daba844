import type { Server } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import { createFrameBatch } from '@hexbus/testkit';
import { expect, it } from 'vitest';
import { listening } from '../../../test/support/transports/servers.ts';
import { fill, sixteenKilobytes, testSlowReaders } from '../../../test/support/transports/slow-reader-tests.ts';
import { dial } from './support/dial.ts';
import { closeAfterEach, openSse } from './support/host.ts';
import { postOn } from './support/posts.ts';
import { opened, RawClient } from './support/raw-client.ts';

closeAfterEach();

/** More than the system keeps of a connection. */
const muchBytes = 16 << 20;

/** A client that reads nothing, and one that reads, with their guests. */
async function slowAndQuick(options: Parameters<typeof openSse>[0] = {}) {
  // No comment stands between the events that a client waits for.
  const lab = await openSse({ keepAliveMs: 600_000, ...options });
  const arriving = lab.nextGuest();
  const slow = await opened(lab.port);
  slow.socket.pause();
  const slowGuest = await arriving;
  const next = lab.nextGuest();
  const quick = await opened(lab.port);
  return { ...lab, slow, slowGuest, quick, quickGuest: await next };
}

testSlowReaders<RawClient>({
  threat: 34,
  framing: 'data: \n\n'.length,
  muchBytes,
  open: slowAndQuick,
  next: async (client) => (await client.event()).slice('data: '.length),
});

it('threat 34: a client that leaves while a lot waits ends its carrier, and everything that waits for it', async () => {
  const { port, slow, slowGuest } = await slowAndQuick();
  await fill(slowGuest, muchBytes);
  const { drains } = slowGuest;
  slowGuest.onText = () => slowGuest.carrier.pause();
  const posting = postOn(port, slow.link, 1, 'a\nb');
  await slowGuest.got(1);
  slow.socket.resetAndDestroy();
  expect(await slowGuest.ended).toBe(1006);
  expect((await posting).status).toBe(409);
  expect([slowGuest.carrier.bufferedBytes, slowGuest.drains]).toEqual([0, drains]);
});

it('a client that says that it ends takes nothing more, so nothing waits for it', async () => {
  const { port, slow, slowGuest } = await slowAndQuick();
  await fill(slowGuest, muchBytes);
  expect((await postOn(port, slow.link, 1, '', '?close=1000')).status).toBe(202);
  expect(await slowGuest.ended).toBe(1000);
});

it('what waits of one batch falls while a client takes it slowly', async () => {
  const { slow, slowGuest } = await slowAndQuick();
  const taken = await fill(slowGuest, 0);
  const much = 'x'.repeat(Math.max(32 << 20, 6 * taken));
  expect(slowGuest.carrier.send(createFrameBatch(much))).toBe('queued');
  const seen = new Set<number>();
  slow.socket.removeAllListeners('data');
  slow.socket.on('data', () => {
    slow.socket.pause();
    seen.add(slowGuest.carrier.bufferedBytes);
    setImmediate(() => slow.socket.resume());
  });
  const drained = new Promise<void>((resolve) => slowGuest.whenDrained(resolve));
  slow.socket.resume();
  await drained;
  // In one write it would stand still until everything was taken.
  expect(seen.size).toBeGreaterThan(5);
});

it('threat 12: a head that comes too slowly gets 408, a silent connection is closed', async () => {
  const { port, handshakes } = await openSse({ handshakeTimeoutMs: 100 });
  const slow = new RawClient(port);
  slow.socket.write('GET /hexbus/sse HTTP/1.1\r\nHost: lab.example\r\nAcc');
  const silent = new RawClient(port);
  expect((await slow.answer()).status).toBe(408);
  await silent.closed;
  expect(handshakes).toEqual([]);
});

it('who is cut in the middle of the head gets no answer, since 400 would end an EventSource for good; nonsense does', async () => {
  const { port, handshakes } = await openSse();
  const cut = new RawClient(port);
  cut.socket.end('GET /hexbus/sse HTTP/1.1\r\nHost: lab.example\r\nAcc');
  await cut.closed;
  expect(cut.text).toBe('');
  const nonsense = new RawClient(port);
  nonsense.socket.write('nonsense\r\n\r\n');
  expect((await nonsense.answer()).status).toBe(400);
  await nonsense.closed;
  expect(handshakes).toEqual([]);
});

it('a slow reader among the streams of one connection of HTTP/2 holds up none of the others', async () => {
  const server = createHttp2Server();
  const { port } = await listening(server as unknown as Server);
  const { nextGuest, transport } = await openSse({ server });
  const caller = dial('h2c', port);
  const streams = [];
  for (let count = 0; count < 2; count++) {
    const arriving = nextGuest();
    const answer = await caller.ask({ url: '/hexbus/sse' });
    streams.push({ body: answer?.body, guest: await arriving });
  }
  const [slow, quick] = streams;
  slow?.body?.pause();
  while ((slow?.guest.carrier.bufferedBytes ?? 0) <= muchBytes) slow?.guest.carrier.send(sixteenKilobytes);
  let heard = '';
  const whole = new Promise<void>((resolve) => {
    quick?.body?.on('data', (chunk: Buffer) => {
      heard += chunk.toString();
      if (heard.includes('data: still here')) resolve();
    });
  });
  quick?.guest.carrier.send(createFrameBatch('still here'));
  await whole;
  slow?.guest.carrier.terminate();
  expect(slow?.guest.carrier.bufferedBytes).toBe(0);
  expect(await slow?.guest.ended).toBe(1006);
  await transport.close();
  caller.reset();
  await new Promise((resolve) => server.close(resolve));
});
