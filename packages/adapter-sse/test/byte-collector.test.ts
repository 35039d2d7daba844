import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ByteCollector } from '../src/byte-collector.ts';

it('gives back every byte that there was room for, in order, in a buffer that is no larger than that', () => {
  const pieces = fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 20 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 150 }), pieces, (maxBytes, all) => {
      const collector = new ByteCollector(maxBytes);
      let expected = Buffer.alloc(0);
      for (const piece of all) {
        const next = Buffer.concat([expected, piece]);
        const fits = next.length <= maxBytes;
        if (fits) expected = next;
        expect(collector.add(Buffer.from(piece))).toBe(fits);
      }
      expect(collector.bytes).toEqual(expected);
      expect(collector.bytes.buffer.byteLength).toBeLessThanOrEqual(maxBytes);
    }),
  );
});

it('keeps no piece itself, as each may be a small part of something large', () => {
  const collector = new ByteCollector(10);
  const pieces = ['a', 'bc', 'd'].map((text) => Buffer.from(text));
  for (const piece of pieces) collector.add(piece);
  for (const piece of pieces) piece.fill('x');
  expect(collector.bytes.toString()).toBe('abcd');
  for (const piece of pieces) expect(collector.bytes.buffer).not.toBe(piece.buffer);
});
