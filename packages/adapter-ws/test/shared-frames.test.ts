import { maxSliceBytes } from '@hexbus/core/gateway';
import { expect, it } from 'vitest';
import { encodeFrames } from '../src/shared-frames.ts';
import { takeFrame } from './support/frames.ts';

it.each([0, 1, 125, 126, 127, 65_525, 65_528])('a text of %i bytes is one frame, in one slice', (length) => {
  const [bytes = Buffer.alloc(0), ...more] = encodeFrames([{ text: 'x'.repeat(length) }, { text: 'ü' }]);
  expect(more).toEqual([]);
  const first = takeFrame(bytes);
  expect(first?.frame).toMatchObject({ opcode: 1, fin: true });
  expect(first?.frame.payload.length).toBe(length);
  const second = takeFrame(first?.rest ?? Buffer.alloc(0));
  expect(second?.frame.payload.toString()).toBe('ü');
  expect(second?.rest.length).toBe(0);
});

it.each([65_529, 65_532, 65_533, 131_064, 131_065, 1_000_000])(
  'texts around %i bytes are whole frames in slices of at most 64 KiB',
  (length) => {
    const texts = [`${'ü'.repeat(length / 2)}${length % 2 > 0 ? 'x' : ''}`, 'small', 'y'.repeat(length)];
    const slices = encodeFrames(texts.map((text) => ({ text })));
    const read: string[] = [];
    let parts: Buffer[] = [];
    for (const slice of slices) {
      expect(slice.length).toBeLessThanOrEqual(maxSliceBytes);
      for (let rest = slice; rest.length > 0; ) {
        const taken = takeFrame(rest);
        if (taken === undefined) throw new Error('a slice ends within a frame');
        expect(taken.frame.opcode).toBe(parts.length === 0 ? 1 : 0);
        parts.push(taken.frame.payload);
        if (taken.frame.fin) read.push(Buffer.concat(parts).toString());
        if (taken.frame.fin) parts = [];
        rest = taken.rest;
      }
    }
    expect(read).toEqual(texts);
  },
);
