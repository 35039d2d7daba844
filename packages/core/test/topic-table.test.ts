import { expect, test } from 'vitest';
import { type Subscriber, TopicTable } from '../src/bus/topic-table.ts';

function subscriber(name: string): Subscriber & { readonly name: string } {
  return { name, call: () => {}, push: () => {} };
}

const [a, b, c] = [subscriber('a'), subscriber('b'), subscriber('c')];

function reached(table: TopicTable, topic: string): string {
  return table
    .get(topic)
    .subscribers.map((one) => (one as Subscriber & { readonly name: string }).name)
    .join(' ');
}

test('subscribers are reached in the order in which they came, through whatever entry', () => {
  const table = new TopicTable([]);
  table.add(['x.*'], a);
  table.add(['x.y'], b);
  table.add(['>', 'x.y'], c);
  expect([reached(table, 'x.y'), reached(table, 'x.z'), reached(table, 'z')]).toEqual(['a b c', 'a c', 'c']);
  table.remove(['x.*'], a);
  table.add(['x.y'], a);
  expect([reached(table, 'x.y'), reached(table, 'x.z')]).toEqual(['b c a', 'c']);
});

test('a subscriber that is registered several times is reached once, until each time was taken back', () => {
  const table = new TopicTable([]);
  table.add(['x.y'], a);
  table.add(['x.y'], b);
  table.add(['x.y'], a);
  table.add(['x.*'], a);
  expect(reached(table, 'x.y')).toBe('a b');
  table.remove(['x.y'], a);
  expect(reached(table, 'x.y')).toBe('a b');
  table.remove(['x.*'], a);
  expect(reached(table, 'x.y')).toBe('a b');
  table.remove(['x.y'], a);
  table.remove(['x.y'], a);
  expect(reached(table, 'x.y')).toBe('b');
});

test('whoever walks a list sees the subscribers of that moment', () => {
  const table = new TopicTable([]);
  table.add(['x'], a);
  const { subscribers } = table.get('x');
  table.add(['x'], b);
  table.remove(['x'], a);
  expect(subscribers).toEqual([a]);
});

test('a pattern that comes or goes reaches every topic that was resolved before, however it begins', () => {
  const topics = ['x', 'x.y', 'x.y.z', 'y', 'y.x', '@user.x'];
  const table = new TopicTable([]);
  const all = (): string[] => topics.filter((topic) => reached(table, topic) !== '');
  for (const [pattern, matching] of [
    ['>', ['x', 'x.y', 'x.y.z', 'y', 'y.x']],
    ['*', ['x', 'y']],
    ['*.x', ['y.x']],
    ['x.>', ['x.y', 'x.y.z']],
    ['x.*', ['x.y']],
    ['@user.*', ['@user.x']],
  ] as const) {
    expect(all()).toEqual([]);
    table.add([pattern], a);
    expect(all()).toEqual(matching);
    table.remove([pattern], a);
  }
  expect(all()).toEqual([]);
});

test('a pattern makes no entry void that begins otherwise', () => {
  const table = new TopicTable([]);
  table.add(['x.y'], a);
  const before = [table.get('x.y'), table.get('z')];
  table.add(['y.>'], b);
  expect([table.get('x.y'), table.get('z')].map((entry, index) => entry === before[index])).toEqual([true, true]);
  table.add(['x.>'], b);
  expect(table.get('x.y')).not.toBe(before[0]);
  expect(table.get('z')).toBe(before[1]);
});

test('the last topic that goes takes no pattern along that begins like it', () => {
  const table = new TopicTable([]);
  table.add(['x.*'], a);
  table.add(['x.y'], b);
  table.remove(['x.y'], b);
  expect(reached(table, 'x.y')).toBe('a');
});
