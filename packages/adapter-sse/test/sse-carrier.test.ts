import { Duplex } from 'node:stream';
import type { FrameBatch } from '@hexbus/core/gateway';
import { createFrameBatch, createVirtualClock } from '@hexbus/testkit';
import { expect, it } from 'vitest';
import { SseCarrier } from '../src/sse-carrier.ts';
import type { Stream } from '../src/stream.ts';
import { Guest } from './support/host.ts';

/** A socket whose writes are done when the test says so, one by one. */
class SlowSocket extends Duplex {
  readonly pending: (() => void)[] = [];
  /** What was in each write. */
  readonly writes: string[] = [];

  override _read(): void {}

  override _write(chunk: Buffer, _: unknown, done: () => void): void {
    this.writes.push(chunk.toString());
    this.pending.push(done);
  }

  override _writev(chunks: readonly { readonly chunk: Buffer }[], done: () => void): void {
    this.writes.push(chunks.map(({ chunk }) => chunk.toString()).join(''));
    this.pending.push(done);
  }

  get sizes(): number[] {
    return this.writes.map(({ length }) => length);
  }
}

function slowCarrier() {
  const socket = new SlowSocket({ autoDestroy: true });
  const clock = createVirtualClock({ turns: 'real' });
  // What the carrier needs of a response, its socket has too.
  const stream = { response: socket, sink: socket, destroy: () => void socket.destroy() } as unknown as Stream;
  const handshake = { transport: 'sse', url: '/', headers: {}, address: '', protocols: [] };
  const carrier = new SseCarrier(stream, handshake, 'lab.v1', { keepAliveMs: 15_000, clock });
  const guest = new Guest(carrier);
  carrier.start(() => guest);

  const turn = () => new Promise((resolve) => setImmediate(resolve));
  const finishOne = async (): Promise<void> => {
    socket.pending.shift()?.();
    await turn();
  };
  /** The client takes all there is, and all that comes. */
  const finishAll = async (): Promise<void> => {
    while (socket.pending.length > 0) await finishOne();
  };
  return { socket, clock, carrier, guest, finishOne, finishAll };
}

it('drained waits for everything that was sent', async () => {
  const { carrier, guest, finishOne } = slowCarrier();
  expect(carrier.send(createFrameBatch())).toBe('sent');
  expect(carrier.send(createFrameBatch('one'))).toBe('queued');
  expect(carrier.send(createFrameBatch('two'))).toBe('queued');
  await finishOne();
  expect(guest.drains).toBe(0);
  await finishOne();
  expect([guest.drains, carrier.bufferedBytes]).toEqual([1, 0]);
  carrier.terminate();
  expect(await guest.ended).toBe(1006);
});

it('what fits into a slice is one write, also of many batches; more is handed on when the write before is done', async () => {
  const { socket, carrier, guest, finishOne } = slowCarrier();
  carrier.send(createFrameBatch('a'.repeat(200_000)));
  expect(socket.sizes).toEqual([65_536]);
  const before = carrier.bufferedBytes;
  expect(before).toBeGreaterThan(200_000);
  await finishOne();
  expect(carrier.bufferedBytes).toBe(before - 65_536);
  for (let count = 0; count < 3; count++) await finishOne();
  expect([carrier.bufferedBytes, guest.drains]).toEqual([0, 1]);
  socket.writes.length = 0;
  for (let count = 0; count < 10; count++) carrier.send(createFrameBatch('x'.repeat(992)));
  await finishOne();
  expect(socket.sizes).toEqual([1_000, 9_000]);
  carrier.terminate();
  expect(await guest.ended).toBe(1006);
});

it('is given one buffer for all its receivers', async () => {
  const one = slowCarrier();
  const other = slowCarrier();
  const encoded: unknown[] = [];
  const batch = createFrameBatch('shared');
  const watched: FrameBatch = {
    ...batch,
    encoded(encode) {
      const made = batch.encoded(encode);
      encoded.push(encode, made);
      return made;
    },
  };
  one.carrier.send(watched);
  other.carrier.send(watched);
  expect(encoded[0]).toBe(encoded[2]);
  expect(encoded[1]).toBe(encoded[3]);
  expect([one.socket.writes, other.socket.writes]).toEqual([['data: shared\n\n'], ['data: shared\n\n']]);
});

it('a close waits behind what was sent, however slowly the client takes it; then it is told, and nothing after it', async () => {
  const { socket, clock, carrier, guest, finishOne, finishAll } = slowCarrier();
  carrier.send(createFrameBatch('a'.repeat(300_000)));
  carrier.close(4321, 'done');
  expect(carrier.send(createFrameBatch('late'))).toBe('closed');
  for (let count = 0; count < 3; count++) {
    await clock.advance(1_000_000);
    await finishOne();
  }
  expect(socket.writableEnded).toBe(false);
  socket.resume();
  socket.push(null);
  await finishAll();
  expect(socket.writes.at(-1)).toMatch(/a\n\nevent: close\ndata: \{"code":4321,"reason":"done"\}\n\n$/);
  expect(await guest.ended).toBe(4321);
  expect(clock.pendingTimers).toBe(0);
});

it('a close of which the client takes nothing waits until it is terminated, and keeps its code', async () => {
  const { clock, carrier, guest } = slowCarrier();
  carrier.send(createFrameBatch('a'.repeat(300_000)));
  carrier.close(4321, 'done');
  await clock.advance(1_000_000);
  expect(carrier.bufferedBytes).toBeGreaterThan(300_000);
  carrier.terminate();
  expect(await guest.ended).toBe(4321);
  expect([carrier.bufferedBytes, clock.pendingTimers]).toEqual([0, 0]);
});

it('writes a comment when nothing was written for keepAliveMs, and none while something waits', async () => {
  const { socket, clock, carrier, guest, finishAll } = slowCarrier();
  await clock.advance(14_999);
  expect(socket.writes).toEqual([]);
  await clock.advance(1);
  await finishAll();
  expect(socket.writes.splice(0)).toEqual([':\n']);
  await clock.advance(10_000);
  carrier.send(createFrameBatch('one'));
  await finishAll();
  await clock.advance(14_999);
  expect(socket.writes.splice(0)).toEqual(['data: one\n\n']);
  await clock.advance(1);
  await finishAll();
  expect(socket.writes.splice(0)).toEqual([':\n']);
  carrier.send(createFrameBatch('two'));
  await clock.advance(60_000);
  expect(socket.writes.splice(0)).toEqual(['data: two\n\n']);
  clock.jump(-1_000_000);
  await finishAll();
  await clock.advance(1_015_000);
  expect(socket.writes.splice(0)[0]).toBe(':\n');
  carrier.terminate();
  expect(await guest.ended).toBe(1006);
  expect(clock.pendingTimers).toBe(0);
});

it('tells texts only while it is not paused, and none after its end', async () => {
  const { carrier, guest } = slowCarrier();
  guest.onText = () => carrier.pause();
  const receiving = carrier.receive(['a', 'b', 'c']);
  expect(guest.texts).toEqual(['a']);
  carrier.resume();
  await new Promise((resolve) => setImmediate(resolve));
  expect(guest.texts).toEqual(['a', 'b']);
  carrier.terminate();
  expect(await receiving).toBe(false);
  expect(guest.texts).toEqual(['a', 'b']);
  expect(await carrier.receive(['d'])).toBe(false);
  expect(await guest.ended).toBe(1006);
});
