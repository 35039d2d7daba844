import { deflateRawSync } from 'node:zlib';
import { createFrameBatch } from '@hexbus/testkit';
import { expect, it } from 'vitest';
import { frame } from './support/frames.ts';
import { closeAfterEach, type Opened, openWs } from './support/host.ts';
import { type RawClient, upgraded } from './support/raw-client.ts';

closeAfterEach();

const text = 1;
const continuation = 0;
const close = 8;
const ping = 9;

/** Writes the bytes to a new connection, and tells with what it was closed, on both sides, and how many texts came through. */
async function outcome(bytes: Buffer, { port, nextGuest }: Opened) {
  const arriving = nextGuest();
  const client = await upgraded(port);
  const guest = await arriving;
  client.socket.write(bytes);
  const code = await client.closeCode();
  client.socket.end();
  return { code, ended: await guest.ended, texts: guest.texts.length };
}

it.each([
  ['maxMessageBytes + 1', 65_537n],
  ['1 TiB', 1n << 40n],
  ['more than a number can hold', (1n << 62n) + 1n],
])(
  'threat 1: a header that declares %s gets 1009 before any of it came, and nothing is allocated',
  async (_, declared) => {
    const opened = await openWs();
    const before = process.memoryUsage().arrayBuffers;
    expect(await outcome(frame(text, '', { declared }), opened)).toEqual({ code: 1009, ended: 1009, texts: 0 });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 20);
  },
);

it('threat 1: a message of exactly maxMessageBytes is received', async () => {
  const { port, nextGuest } = await openWs({ maxMessageBytes: 1_000 });
  const arriving = nextGuest();
  const client = await upgraded(port);
  client.send(text, 'x'.repeat(1_000));
  await (await arriving).got(1);
});

it('threat 2: fragments that sum up above maxMessageBytes get 1009, and none is received', async () => {
  const piece = 'x'.repeat(40_000);
  const bytes = [frame(text, piece, { fin: false }), frame(continuation, piece, { fin: true })];
  expect(await outcome(Buffer.concat(bytes), await openWs())).toEqual({ code: 1009, ended: 1009, texts: 0 });
});

it('threat 3: 20,000 empty fragments get 1008', async () => {
  const empty = Array.from({ length: 20_000 }, () => frame(continuation, '', { fin: false }));
  const bytes = Buffer.concat([frame(text, 'a', { fin: false }), ...empty]);
  expect(await outcome(bytes, await openWs())).toEqual({ code: 1008, ended: 1008, texts: 0 });
});

it.each([
  ['a text that is no UTF-8', frame(text, Buffer.from([0xc3, 0x28]))],
  ['an encoded surrogate', frame(text, Buffer.from([0xed, 0xa0, 0x80]))],
  ['a close reason that is no UTF-8', frame(close, Buffer.from([0x03, 0xe8, 0xff, 0xff]))],
])('threat 4: %s gets 1007', async (_, bytes) => {
  expect(await outcome(bytes, await openWs())).toEqual({ code: 1007, ended: 1007, texts: 0 });
});

it.each([
  ['a frame without mask', frame(text, 'a', { masked: false })],
  ['RSV1', frame(text, 'a', { rsv: 4 })],
  ['RSV2', frame(text, 'a', { rsv: 2 })],
  ['opcode 3', frame(3, 'a')],
  ['opcode 11', frame(11, 'a')],
  ['a ping of 126 bytes', frame(ping, 'x'.repeat(126))],
  ['a fragmented ping', frame(ping, 'a', { fin: false })],
  ['a continuation of nothing', frame(continuation, 'a')],
  ['a text inside a fragmented one', Buffer.concat([frame(text, 'a', { fin: false }), frame(text, 'b')])],
])('threat 5: %s gets 1002', async (_, bytes) => {
  expect(await outcome(bytes, await openWs())).toEqual({ code: 1002, ended: 1002, texts: 0 });
});

it.each([
  ['code 999', Buffer.from([0x03, 0xe7])],
  ['code 1005', Buffer.from([0x03, 0xed])],
  ['one byte', Buffer.from([0x03])],
])('threat 6: a close frame with %s gets 1002', async (_, payload) => {
  expect(await outcome(frame(close, payload), await openWs())).toEqual({ code: 1002, ended: 1002, texts: 0 });
});

it('threat 7: compressed bombs get 1009 and take no memory', async () => {
  const opened = await openWs({ perMessageDeflate: true });
  const bomb = deflateRawSync(Buffer.alloc(60_000_000, 'x'));
  expect(bomb.length).toBeLessThan(65_536);
  const clients = await Promise.all(Array.from({ length: 20 }, () => upgraded(opened.port, offer)));
  const before = process.memoryUsage().rss;
  for (const client of clients) client.send(text, bomb, { rsv: 4 });
  const codes = await Promise.all(clients.map((client) => client.closeCode()));
  expect(process.memoryUsage().rss - before).toBeLessThan(16 << 20);
  expect(new Set(codes)).toEqual(new Set([1009]));
});

it('threat 7: a corrupt compressed stream gets 1007', async () => {
  const opened = await openWs({ perMessageDeflate: true });
  const arriving = opened.nextGuest();
  const client = await upgraded(opened.port, offer);
  client.send(text, Buffer.from([0xff, 0xff, 0xff, 0xff]), { rsv: 4 });
  expect(await client.closeCode()).toBe(1007);
  client.socket.end();
  expect(await (await arriving).ended).toBe(1007);
});

const offer = { 'Sec-WebSocket-Extensions': 'permessage-deflate' };

it('threat 8: a flood of pings in one write is terminated', async () => {
  const { port, nextGuest } = await openWs();
  const arriving = nextGuest();
  const client = await upgraded(port);
  const guest = await arriving;
  client.socket.pause();
  // Fills what the kernel takes, so that the pongs wait.
  const batch = createFrameBatch('x'.repeat(65_536));
  while (guest.carrier.send(batch) === 'sent');
  client.socket.write(Buffer.concat(Array.from({ length: 500 }, () => frame(ping, 'x'.repeat(100)))));
  expect(await guest.ended).toBe(1006);
  expect(guest.carrier.bufferedBytes).toBe(0);
});

it('a binary message gets 1003', async () => {
  expect(await outcome(frame(2, 'a'), await openWs())).toEqual({ code: 1003, ended: 1003, texts: 0 });
});

it('frames of both hands never mix: texts written past ws, and the pongs and the close of ws', async () => {
  const { port, nextGuest } = await openWs();
  const arriving = nextGuest();
  const client: RawClient = await upgraded(port);
  const guest = await arriving;
  const batch = createFrameBatch('a'.repeat(10), 'b'.repeat(1_000), 'c'.repeat(70_000));
  client.socket.pause();
  let rounds = 0;
  // And more, until the system takes no more.
  for (; rounds < 40 || guest.carrier.bufferedBytes === 0; rounds++) {
    client.send(ping, `ping ${rounds}`);
    client.send(text, `text ${rounds}`);
    await guest.got(rounds + 1);
    for (let count = 0; count < 5; count++) guest.carrier.send(batch);
  }
  expect(guest.carrier.bufferedBytes).toBeGreaterThan(0);
  guest.carrier.close(4321, 'done');
  client.socket.resume();
  const seen = { texts: 0, pongs: [] as string[], code: 0 };
  for (;;) {
    const next = await client.frame();
    if (next?.opcode === 1) expect(next.payload.length).toBe([10, 1_000, 70_000][seen.texts++ % 3]);
    if (next?.opcode === 10) seen.pongs.push(next.payload.toString());
    if (next?.opcode === 8) seen.code = next.payload.readUInt16BE(0);
    if (next === undefined || next.opcode === 8) break;
  }
  client.socket.destroy();
  expect(seen).toEqual({
    texts: 15 * rounds,
    pongs: Array.from({ length: rounds }, (_, round) => `ping ${round}`),
    code: 4321,
  });
  expect(await guest.ended).toBe(4321);
});
