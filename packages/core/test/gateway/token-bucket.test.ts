import { createVirtualClock, type VirtualClock } from '@hexbus/testkit';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TokenBucket } from '../../src/gateway/connection/token-bucket.ts';

const limits = { maxFramesPerSecond: 10, maxFrameBurst: 5, maxBytesPerSecond: 1000, maxByteBurst: 2000 };

function made(changes: Partial<typeof limits> = {}): { readonly clock: VirtualClock; readonly bucket: TokenBucket } {
  const clock = createVirtualClock();
  return { clock, bucket: new TokenBucket({ ...limits, ...changes }, clock) };
}

test('a burst of frames is allowed at once, then one each time the rate gives one', () => {
  const { clock, bucket } = made();
  for (let frame = 0; frame < 5; frame++) expect(bucket.take(1, 0)).toBe(0);
  expect(bucket.take(1, 0)).toBe(100);
  clock.jump(99);
  expect(bucket.take(1, 0)).toBe(1);
  clock.jump(1);
  expect(bucket.take(1, 0)).toBe(0);
  expect(bucket.take(1, 0)).toBe(100);
});

test('bytes are counted beside frames, and the longer wait counts', () => {
  const { bucket } = made();
  expect(bucket.take(1, 2000)).toBe(0);
  expect(bucket.take(1, 500)).toBe(500);
  expect(bucket.take(5, 10)).toBe(100);
});

test('what is refused takes nothing', () => {
  const { clock, bucket } = made();
  bucket.take(1, 2000);
  for (let tries = 0; tries < 10; tries++) expect(bucket.take(4, 1)).toBe(1);
  clock.jump(1);
  expect(bucket.take(4, 1)).toBe(0);
});

test('a pause gives no more than the burst', () => {
  const { clock, bucket } = made();
  clock.jump(1_000_000);
  expect(bucket.take(5, 0)).toBe(0);
  expect(bucket.take(1, 0)).toBe(100);
});

test('what exceeds the burst waits until all of it is there, and is owed afterwards', () => {
  const { clock, bucket } = made();
  bucket.take(0, 500);
  expect(bucket.take(1, 3000)).toBe(500);
  clock.jump(500);
  expect(bucket.take(1, 3000)).toBe(0);
  expect(bucket.take(1, 100)).toBe(1100);
});

test('a clock that steps back gives nothing for the step, and goes on after it', () => {
  const { clock, bucket } = made();
  bucket.take(5, 0);
  clock.jump(-3_600_000);
  expect(bucket.take(1, 0)).toBe(100);
  clock.jump(100);
  expect(bucket.take(1, 0)).toBe(0);
});

test('a rate or burst of Infinity is no limit', () => {
  const { bucket } = made({ maxBytesPerSecond: Infinity, maxByteBurst: Infinity, maxFramesPerSecond: Infinity });
  for (let frame = 0; frame < 5; frame++) expect(bucket.take(1, 1e9)).toBe(0);
  expect(bucket.take(1, 1e9)).toBe(1);
});

test('after the wait it asked for it takes the same; and over any span never more than the rate and the burst', () => {
  const take = fc.record({
    frames: fc.integer({ min: 0, max: 5 }),
    bytes: fc.integer({ min: 0, max: 2000 }),
    pauseMs: fc.nat(300),
  });
  const rates = fc.record({
    maxFramesPerSecond: fc.integer({ min: 1, max: 333 }),
    maxBytesPerSecond: fc.integer({ min: 1, max: 99_999 }),
  });
  fc.assert(
    fc.property(rates, fc.array(take, { maxLength: 40 }), (rate, takes) => {
      const { clock, bucket } = made(rate);
      const start = clock.now();
      const taken = { frames: 0, bytes: 0 };
      for (const { frames, bytes, pauseMs } of takes) {
        clock.jump(pauseMs);
        const waitMs = bucket.take(frames, bytes);
        if (waitMs > 0) {
          clock.jump(waitMs - 1);
          expect(bucket.take(frames, bytes)).toBe(1);
          clock.jump(1);
          expect(bucket.take(frames, bytes)).toBe(0);
        }
        taken.frames += frames;
        taken.bytes += bytes;
        const seconds = (clock.now() - start) / 1000;
        expect(taken.frames).toBeLessThanOrEqual(limits.maxFrameBurst + seconds * rate.maxFramesPerSecond + 1e-6);
        expect(taken.bytes).toBeLessThanOrEqual(limits.maxByteBurst + seconds * rate.maxBytesPerSecond + 1e-6);
      }
    }),
  );
});
