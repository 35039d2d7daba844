import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import type { WsTransportOptions } from '@hexbus/adapter-ws';
import { createFrameBatch } from '@hexbus/testkit';
import { afterEach, expect, it } from 'vitest';
import { fill, sixteenKilobytes, testSlowReaders } from '../../../test/support/transports/slow-reader-tests.ts';
import { closeAfterEach, openWs } from './support/host.ts';
import { RawClient, upgraded } from './support/raw-client.ts';

closeAfterEach();

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** A client that reads nothing, and one that reads, with their guests. */
async function slowAndQuick(options: WsTransportOptions = {}) {
  const opened = await openWs(options);
  const arriving = opened.nextGuest();
  const slow = await upgraded(opened.port);
  slow.socket.pause();
  const slowGuest = await arriving;
  const next = opened.nextGuest();
  const quick = await upgraded(opened.port);
  return { slow, slowGuest, quick, quickGuest: await next };
}

testSlowReaders<RawClient>({
  threat: 9,
  framing: 4,
  muchBytes: 1 << 20,
  open: slowAndQuick,
  next: async (client) => (await client.frame())?.payload.toString(),
});

it('a slow reader loses neither its close nor what stands before it to the time that an answer may take', async () => {
  const { slow, slowGuest, quickGuest } = await slowAndQuick({ closeTimeoutMs: 50 });
  let count = 0;
  while (slowGuest.carrier.bufferedBytes <= 1 << 20) {
    slowGuest.carrier.send(sixteenKilobytes);
    count += 1;
  }
  slowGuest.carrier.close(4503, 'over');
  quickGuest.carrier.close(4503, 'over');
  // It does not answer, so that time has passed now.
  await quickGuest.ended;
  slow.socket.resume();
  for (let taken = 0; taken < count; taken++) expect((await slow.frame())?.payload.length).toBe(16_384);
  expect(await slow.closeCode()).toBe(4503);
  expect(await slowGuest.ended).toBe(4503);
});

it('threat 10: a client that never answers a close is ended after closeTimeoutMs', async () => {
  const opened = await openWs({ closeTimeoutMs: 50 });
  const arriving = opened.nextGuest();
  const mute = await upgraded(opened.port);
  const { carrier, ended } = await arriving;
  carrier.close(4103, 'expired');
  expect(await mute.closeCode()).toBe(4103);
  expect(await ended).toBe(4103);
});

it.each([
  ['plain', {}, {}],
  ['with compression', { perMessageDeflate: true }, { 'Sec-WebSocket-Extensions': 'permessage-deflate' }],
])('what waits of one batch falls while a client takes it slowly, %s', async (_, options, headers) => {
  const opened = await openWs(options);
  const arriving = opened.nextGuest();
  const client = await upgraded(opened.port, headers);
  const guest = await arriving;
  const { carrier } = guest;
  client.socket.pause();
  const taken = await fill(guest, 0);
  // Compression makes nothing less of it.
  const text = randomBytes(Math.max(24 << 20, 5 * taken)).toString('base64');
  expect(carrier.send(createFrameBatch(text))).toBe('queued');
  const seen = new Set<number>();
  client.socket.removeAllListeners('data');
  client.socket.on('data', () => {
    client.socket.pause();
    seen.add(carrier.bufferedBytes);
    setImmediate(() => client.socket.resume());
  });
  const drained = new Promise<void>((resolve) => {
    opened.guests[0]?.whenDrained(resolve);
  });
  client.socket.resume();
  await drained;
  // In one write it would stand still until everything was taken.
  expect(seen.size).toBeGreaterThan(5);
});

it('threat 11: a peer that stands still is no end by itself; terminate ends it at once', async () => {
  const { port, nextGuest, transport } = await openWs();
  const arriving = nextGuest();
  const program = `
    const socket = require('node:net').connect(${port}, '127.0.0.1');
    socket.write('GET /hexbus HTTP/1.1\\r\\nHost: a\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n' +
      'Sec-WebSocket-Version: 13\\r\\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\\r\\n\\r\\n');`;
  const child = spawn(process.execPath, ['-e', program], { stdio: 'ignore' });
  children.push(child);
  const { carrier, ended } = await arriving;
  child.kill('SIGSTOP');
  expect(carrier.send(createFrameBatch('ping'))).toBe('sent');
  carrier.terminate();
  expect(await ended).toBe(1006);
  await transport.close();
});

it('threat 12: upgrade headers that come too slowly get 408, a silent connection is closed', async () => {
  const { port, handshakes } = await openWs({ handshakeTimeoutMs: 100 });
  const slow = new RawClient(port);
  slow.socket.write('GET /hexbus HTTP/1.1\r\nHost: lab.example\r\nUpgr');
  const silent = new RawClient(port);
  expect((await slow.answer()).status).toBe(408);
  await silent.closed;
  expect(handshakes).toEqual([]);
});

it('threat 13: a client that is let in and says nothing keeps its carrier until the gateway closes it', async () => {
  const { port, nextGuest } = await openWs();
  const arriving = nextGuest();
  const client = await upgraded(port);
  const { carrier, ended } = await arriving;
  carrier.close(4005, 'no hello');
  expect(await client.closeCode()).toBe(4005);
  client.socket.end();
  expect(await ended).toBe(4005);
});
