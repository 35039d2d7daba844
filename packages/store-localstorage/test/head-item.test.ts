import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatHead, type HeadItem, parseHead } from '../src/head-item.ts';
import { packPositions, unpackPositions } from '../src/positions.ts';

const position = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 2 ** 52 }));
const text = fc.option(fc.oneof(fc.constantFrom('', 'bad'), fc.string()), { nil: null });
const item = fc.oneof(
  fc.tuple(fc.constantFrom('m', 'd'), position).map(([kind, number]) => `${kind}/${number}`),
  fc.string().map((name) => `c/${name}`),
);
const byItem = (put: HeadItem['put']) => [...put].sort(([a], [b]) => (a < b ? -1 : 1));

test('a head says the same when it is read again', () => {
  const put = fc.uniqueArray(fc.tuple(item, text), { selector: ([each]) => each });
  const gone = fc.uniqueArray(position);
  fc.assert(
    fc.property(put, gone, (drawn, positions) => {
      const head: HeadItem = { epoch: 'e', owner: 'o', position: 7, time: 8, count: 9, gone: positions, put: drawn };
      const read = parseHead(formatHead(head)) as HeadItem;
      expect({ ...read, put: byItem(read.put) }).toEqual({
        ...head,
        gone: positions.toSorted((a, b) => a - b),
        put: byItem(drawn),
      });
    }),
  );
});

test('positions in a row take the room of two', () => {
  expect(packPositions([9, 1, 3, 2, 5])).toEqual([[1, 3], 5, 9]);
  expect(unpackPositions([[1, 3], 5, 9])).toEqual([1, 2, 3, 5, 9]);
});
