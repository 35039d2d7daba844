import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Multimap } from '../../src/gateway/nodes/multimap.ts';

test('whatever is added and deleted, each key has the values that are left, each once, in the order in which they came', () => {
  const values = [{ name: 0 }, { name: 1 }, { name: 2 }];
  const step = fc.record({
    adds: fc.boolean(),
    key: fc.constantFrom('a', 'b', '__proto__'),
    value: fc.constantFrom(...values),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const map = new Multimap<{ readonly name: number }>();
      const expected = new Map<string, Set<{ readonly name: number }>>();
      for (const { adds, key, value } of steps) {
        const set = expected.get(key) ?? new Set();
        expected.set(key, set);
        if (adds) set.add(value);
        else set.delete(value);
        map[adds ? 'add' : 'delete'](key, value);
        for (const [each, there] of expected) {
          expect([...map.get(each)]).toEqual([...there]);
          expect(map.count(each)).toBe(there.size);
        }
      }
      expect([...map.get('never')]).toEqual([]);
    }),
  );
});
