import { expect, it } from 'vitest';
import { closeReason } from '../src/close-frame.ts';
import { encodeFrames } from '../src/shared-frames.ts';
import { takeFrame } from './support/frames.ts';

it.each([0, 1, 125, 126, 127, 65_535, 65_536, 1_000_000])('a text of %i bytes is one frame', (length) => {
  const bytes = encodeFrames([{ text: 'x'.repeat(length) }, { text: 'ü' }]);
  const first = takeFrame(bytes);
  expect(first?.frame.opcode).toBe(1);
  expect(first?.frame.payload.length).toBe(length);
  const second = takeFrame(first?.rest ?? Buffer.alloc(0));
  expect(second?.frame.payload.toString()).toBe('ü');
  expect(second?.rest.length).toBe(0);
});

it('a reason is cut between characters, at 123 bytes', () => {
  expect(closeReason('x'.repeat(123))).toHaveLength(123);
  expect(closeReason('x'.repeat(124))).toHaveLength(123);
  expect(closeReason(`${'x'.repeat(122)}ü`)).toBe('x'.repeat(122));
  expect(closeReason(`${'x'.repeat(121)}ü`)).toBe(`${'x'.repeat(121)}ü`);
  expect(closeReason(`${'x'.repeat(120)}🚌`)).toBe('x'.repeat(120));
});
