import { expect, test } from 'vitest';
import { PositionList } from '../src/position-list.ts';
import { pseudoRandom } from './support.ts';

test('does what a sorted array does', () => {
  const random = pseudoRandom('position list');
  for (let run = 0; run < 50; run++) {
    const list = new PositionList<{ position: number }>();
    let model: number[] = [];
    let next = 1;
    for (let step = 0; step < 300; step++) {
      const kind = random(10);
      const some = model[random(model.length || 1)];
      if (kind < 5) {
        list.push({ position: next });
        model.push(next);
        next += 1 + random(3);
      } else if (kind < 7 && model.length > 0) {
        list.removeFirst();
        model.shift();
      } else if (kind === 7 && some !== undefined) {
        list.remove(some);
        model = model.filter((position) => position !== some);
      } else if (kind === 8) {
        const position = random(next);
        if (model.includes(position)) continue;
        list.insert({ position });
        model = [...model, position].sort((a, b) => a - b);
      } else {
        const position = random(next + 1);
        expect(list.indexAfter(position)).toBe(model.filter((other) => other <= position).length);
        expect(list.find(position)?.position).toBe(model.find((other) => other === position));
      }
      expect(list.length).toBe(model.length);
      expect(list.first?.position).toBe(model[0]);
      expect(list.last?.position).toBe(model.at(-1));
    }
    expect(model.map((_, index) => list.at(index)?.position)).toEqual(model);
  }
});
