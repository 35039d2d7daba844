import { createVirtualClock, type VirtualClock } from '@hexbus/testkit';
import { expect, test } from 'vitest';
import { Flusher, Outbox } from '../../src/gateway/connection/outbox.ts';
import type { Carrier, Frame, FrameBatch } from '../../src/ports/transport.ts';

interface FakeCarrier extends Carrier {
  readonly batches: FrameBatch[];
  /** What it answers from now on. */
  answer: ReturnType<Carrier['send']>;
  bufferedBytes: number;
}

interface Made {
  readonly clock: VirtualClock;
  readonly flusher: Flusher;
  readonly carrier: FakeCarrier;
  readonly outbox: Outbox;
  /** What the outbox told, in order. */
  readonly told: string[];
}

function made({
  maxBytes = 10,
  flusher,
  clock = createVirtualClock(),
}: {
  readonly maxBytes?: number;
  readonly flusher?: Flusher;
  readonly clock?: VirtualClock;
} = {}): Made {
  const carrier: FakeCarrier = {
    handshake: { transport: 'fake', url: '/', headers: {}, address: '', protocols: [] },
    protocol: 'fake',
    batches: [],
    answer: 'sent',
    bufferedBytes: 0,
    send(batch) {
      if (this.answer === 'closed') return 'closed';
      this.batches.push(batch);
      if (this.answer === 'queued') this.bufferedBytes += batch.bytes;
      return this.answer;
    },
    pause: () => undefined,
    resume: () => undefined,
    close: () => undefined,
    terminate: () => undefined,
  };
  const told: string[] = [];
  const used = flusher ?? new Flusher(clock);
  const outbox = new Outbox(carrier, used, maxBytes, {
    onHeldBack: () => void told.push('held back'),
    onFull: () => void told.push('full'),
    onRoom: () => void told.push('room'),
  });
  return { clock, flusher: used, carrier, outbox, told };
}

function frame(length: number, text = 'x'): Frame {
  return { text: text.repeat(length) };
}

function sent({ batches }: FakeCarrier): readonly (readonly string[])[] {
  return batches.map(({ frames }) => frames.map(({ text }) => text));
}

function drain({ carrier, outbox }: Made): void {
  carrier.answer = 'sent';
  carrier.bufferedBytes = 0;
  outbox.drained();
}

test('what is added in a turn is sent once, in order, when the turn is over', () => {
  const { clock, carrier, outbox } = made();
  for (const text of ['a', 'b', 'c']) outbox.add({ text });
  expect(carrier.batches).toEqual([]);
  clock.runTurn();
  expect(sent(carrier)).toEqual([['a', 'b', 'c']]);
  expect(clock.pendingTurns).toBe(0);
});

test('what is added later goes with the next turn, and a turn without frames sends nothing', () => {
  const { clock, carrier, outbox } = made();
  outbox.add({ text: 'a' });
  clock.runTurn();
  outbox.add({ text: 'b' });
  clock.runTurn();
  clock.runTurn();
  expect(sent(carrier)).toEqual([['a'], ['b']]);
});

test('a protocol without such a frame adds nothing', () => {
  const { clock, carrier, outbox } = made();
  outbox.add(undefined);
  expect(clock.pendingTurns).toBe(0);
  expect(carrier.batches).toEqual([]);
});

test('connections that are sent the same frames in a turn share one batch; in the next turn it is another', () => {
  const one = made();
  const other = made(one);
  const third = made(one);
  const [a, b] = [frame(1, 'a'), frame(1, 'b')];
  for (const { outbox } of [one, other]) for (const each of [a, b]) outbox.add(each);
  third.outbox.add(b);
  one.clock.runTurn();
  expect(one.carrier.batches[0]).toBe(other.carrier.batches[0]);
  expect(third.carrier.batches[0]).not.toBe(one.carrier.batches[0]);
  one.outbox.add(a);
  one.outbox.add(b);
  one.clock.runTurn();
  expect(one.carrier.batches[1]).not.toBe(one.carrier.batches[0]);
});

test('there is room until the bound is reached, which one frame may pass', () => {
  const { outbox, told, carrier, clock } = made({ maxBytes: 10 });
  outbox.add(frame(9));
  expect([outbox.hasRoom, outbox.bytes]).toEqual([true, 9]);
  outbox.add(frame(50));
  expect([outbox.hasRoom, outbox.bytes]).toEqual([false, 59]);
  expect(told).toEqual(['full']);
  clock.runTurn();
  expect(sent(carrier)[0]).toHaveLength(2);
});

test('bytes are counted in UTF-8', () => {
  const { outbox } = made({ maxBytes: 10 });
  outbox.add(frame(3, '漢'));
  expect([outbox.hasRoom, outbox.bytes]).toEqual([true, 9]);
  outbox.add(frame(1, 'é'));
  expect([outbox.hasRoom, outbox.bytes]).toEqual([false, 11]);
});

test('a single frame larger than the bound goes when nothing waits', () => {
  const { clock, carrier, outbox, told } = made({ maxBytes: 10 });
  outbox.add(frame(100));
  clock.runTurn();
  expect(carrier.batches[0]?.bytes).toBe(100);
  expect(told).toEqual(['full', 'room']);
  expect(outbox.hasRoom).toBe(true);
});

test('full is told once, and what must be said is taken all the same', () => {
  const { clock, carrier, outbox, told } = made({ maxBytes: 10 });
  for (let count = 0; count < 3; count++) outbox.add(frame(10));
  expect(told).toEqual(['full']);
  clock.runTurn();
  expect(sent(carrier)[0]).toHaveLength(3);
  expect(told).toEqual(['full', 'room']);
});

test('a carrier that holds a little back is no reason to stop', () => {
  const { clock, carrier, outbox, told } = made({ maxBytes: 10 });
  carrier.answer = 'queued';
  outbox.add(frame(4));
  clock.runTurn();
  expect([outbox.hasRoom, outbox.isHeldBack, outbox.bytes]).toEqual([true, true, 4]);
  outbox.add(frame(5));
  expect([outbox.hasRoom, outbox.bytes]).toEqual([true, 9]);
  clock.runTurn();
  outbox.add(frame(1));
  expect([outbox.hasRoom, outbox.bytes]).toEqual([false, 10]);
  expect(told).toEqual(['held back', 'full']);
});

test('once full there is no room before everything has drained', () => {
  const one = made({ maxBytes: 10 });
  const { clock, carrier, outbox, told } = one;
  carrier.answer = 'queued';
  outbox.add(frame(10));
  clock.runTurn();
  carrier.bufferedBytes = 1;
  expect(outbox.hasRoom).toBe(false);
  drain(one);
  expect(outbox.hasRoom).toBe(true);
  expect(outbox.bytes).toBe(0);
  expect(told).toEqual(['full', 'held back', 'room']);
});

test('drained while more waits for the end of the turn: there is room when that is sent', () => {
  const one = made({ maxBytes: 10 });
  const { clock, carrier, outbox, told } = one;
  carrier.answer = 'queued';
  outbox.add(frame(10));
  clock.runTurn();
  outbox.add(frame(1));
  drain(one);
  expect([outbox.hasRoom, outbox.isHeldBack]).toEqual([false, false]);
  clock.runTurn();
  expect(outbox.hasRoom).toBe(true);
  expect(told).toEqual(['full', 'held back', 'room']);
});

test('drained while more waits, which is held back again: there is room after the next drain', () => {
  const one = made({ maxBytes: 10 });
  const { clock, carrier, outbox, told } = one;
  carrier.answer = 'queued';
  outbox.add(frame(10));
  clock.runTurn();
  outbox.add(frame(1));
  carrier.bufferedBytes = 0;
  outbox.drained();
  clock.runTurn();
  expect(outbox.hasRoom).toBe(false);
  drain(one);
  expect(outbox.hasRoom).toBe(true);
  expect(told).toEqual(['full', 'held back', 'held back', 'room']);
});

test('a part that goes at once does not mean that the rest has drained', () => {
  const one = made({ maxBytes: 10 });
  const { clock, carrier, outbox } = one;
  carrier.answer = 'queued';
  outbox.add(frame(10));
  clock.runTurn();
  carrier.answer = 'sent';
  outbox.add(frame(1));
  clock.runTurn();
  expect([outbox.hasRoom, outbox.isHeldBack]).toEqual([false, true]);
  drain(one);
  expect(outbox.hasRoom).toBe(true);
});

test('room that was never lost is not told of', () => {
  const one = made({ maxBytes: 10 });
  const { clock, carrier, outbox, told } = one;
  carrier.answer = 'queued';
  outbox.add(frame(5));
  clock.runTurn();
  drain(one);
  outbox.drained();
  expect(told).toEqual(['held back']);
});

test('what is added because there is room again goes in a turn of its own', () => {
  const { clock, carrier, outbox, told } = made({ maxBytes: 10 });
  outbox.add(frame(10));
  clock.runTurn();
  expect(told).toEqual(['full', 'room']);
  outbox.add(frame(10));
  clock.runTurn();
  expect(sent(carrier).map((batch) => batch.length)).toEqual([1, 1]);
  expect(told).toEqual(['full', 'room', 'full', 'room']);
});

test('a carrier that is gone makes no room', () => {
  const { clock, carrier, outbox, told } = made({ maxBytes: 10 });
  carrier.answer = 'closed';
  outbox.add(frame(10));
  clock.runTurn();
  expect(told).toEqual(['full']);
  expect(outbox.hasRoom).toBe(false);
});

test('after its end nothing is sent, added or told, and there is no room', () => {
  const one = made({ maxBytes: 10 });
  const { clock, carrier, outbox, told } = one;
  carrier.answer = 'queued';
  outbox.add(frame(10));
  clock.runTurn();
  outbox.add(frame(1));
  outbox.end();
  outbox.add(frame(1));
  clock.runTurn();
  drain(one);
  expect(carrier.batches).toHaveLength(1);
  expect(told).toEqual(['full', 'held back']);
  expect(outbox.hasRoom).toBe(false);
});

test('every look at a carrier that holds less than before tells that it drains, however much more it is given', () => {
  const one = made({ maxBytes: 1_000 });
  const { clock, carrier, outbox } = one;
  carrier.answer = 'queued';
  outbox.add(frame(100));
  clock.runTurn();
  expect(outbox.drains()).toBe(0);
  carrier.bufferedBytes = 99;
  outbox.add(frame(500));
  clock.runTurn();
  expect(outbox.drains()).toBe(1);
  expect(outbox.drains()).toBe(1);
  // What a carrier adds of its own, such as pongs, is no draining, and hides none.
  carrier.bufferedBytes = 700;
  expect(outbox.drains()).toBe(1);
  carrier.bufferedBytes = 699;
  expect(outbox.drains()).toBe(2);
  drain(one);
  expect(outbox.drains()).toBe(3);
});
