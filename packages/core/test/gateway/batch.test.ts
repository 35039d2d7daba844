import { expect, test } from 'vitest';
import { Batch } from '../../src/gateway/connection/batch.ts';
import type { Frame } from '../../src/ports/transport.ts';

const [a, b, c]: [Frame, Frame, Frame] = [{ text: 'a' }, { text: 'b' }, { text: 'c' }];

function textsOf({ frames }: Batch): readonly string[] {
  return frames.map(({ text }) => text);
}

test('a batch has its frames in the order in which they were added', () => {
  const empty = new Batch();
  expect(textsOf(empty)).toEqual([]);
  expect(empty.bytes).toBe(0);
  const batch = empty.with(a).with(b).with(a);
  expect(textsOf(batch)).toEqual(['a', 'b', 'a']);
  expect(textsOf(empty.with(a))).toEqual(['a']);
});

test('its bytes are those of the texts in UTF-8', () => {
  const texts = ['', 'plain', 'é', '漢', '😀', '\ud800'];
  let batch = new Batch();
  for (const text of texts) batch = batch.with({ text });
  expect(batch.bytes).toBe(Buffer.byteLength(texts.join('')));
});

test('the same frames in the same order are the same batch, whoever adds them', () => {
  const empty = new Batch();
  const first = empty.with(a).with(b);
  expect(empty.with(a).with(b)).toBe(first);
  expect(empty.with(a).with(c)).not.toBe(first);
  expect(empty.with(a).with(c)).toBe(empty.with(a).with(c));
  expect(empty.with(b).with(a)).not.toBe(first);
  expect(textsOf(empty.with(b).with(a))).toEqual(['b', 'a']);
});

test('frames are the same by identity, not by their text', () => {
  const empty = new Batch();
  expect(empty.with({ text: 'a' })).not.toBe(empty.with({ text: 'a' }));
});

test('many ways from one batch are told apart, and found again', () => {
  const empty = new Batch();
  const frames = Array.from({ length: 100 }, (_, index): Frame => ({ text: String(index) }));
  const batches = frames.map((frame) => empty.with(frame));
  expect(new Set(batches).size).toBe(100);
  for (const [index, frame] of frames.entries()) expect(empty.with(frame)).toBe(batches[index]);
});

test('it is encoded once for all carriers of a kind, and for another kind by itself', () => {
  const batch = new Batch().with(a).with(b);
  let encodings = 0;
  const join = (frames: readonly Frame[]): string => {
    encodings += 1;
    return frames.map(({ text }) => text).join('\n');
  };
  const count = (frames: readonly Frame[]): number => frames.length;
  expect(batch.encoded(join)).toBe('a\nb');
  expect(batch.encoded(join)).toBe('a\nb');
  expect(encodings).toBe(1);
  expect(batch.encoded(count)).toBe(2);
  expect(batch.encoded(join)).toBe('a\nb');
  expect(encodings).toBe(1);
});

test('it is encoded once for each kind, however many carriers of several kinds share it', () => {
  const batch = new Batch().with(a).with(b);
  const encodings = [0, 0, 0];
  const kinds = encodings.map((_, kind) => (frames: readonly Frame[]): { readonly texts: string } => {
    encodings[kind]! += 1;
    return { texts: `${kind}: ${frames.map(({ text }) => text).join('')}` };
  });
  const first = kinds.map((encode) => batch.encoded(encode));
  expect(first).toEqual([{ texts: '0: ab' }, { texts: '1: ab' }, { texts: '2: ab' }]);
  for (let carrier = 0; carrier < 9; carrier++) expect(batch.encoded(kinds[carrier % 3]!)).toBe(first[carrier % 3]);
  expect(encodings).toEqual([1, 1, 1]);
});

test('what is encoded to nothing is not encoded again, of whichever kind', () => {
  let encodings = 0;
  const nothings = [0, 1].map(() => (): undefined => {
    encodings += 1;
  });
  const batch = new Batch().with(a);
  for (const nothing of [...nothings, ...nothings]) batch.encoded(nothing);
  expect(encodings).toBe(2);
});
