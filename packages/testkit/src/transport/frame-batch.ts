import type { Frame, FrameBatch } from '@hexbus/core/gateway';

/** A batch of these texts, as the gateway would make it. */
export function createFrameBatch(...texts: readonly string[]): FrameBatch {
  const frames: readonly Frame[] = texts.map((text) => ({ text }));
  const encodings = new Map<unknown, unknown>();
  return {
    frames,
    bytes: new TextEncoder().encode(texts.join('')).length,
    encoded<T>(encode: (frames: readonly Frame[]) => T): T {
      if (!encodings.has(encode)) encodings.set(encode, encode(frames));
      return encodings.get(encode) as T;
    },
  };
}
