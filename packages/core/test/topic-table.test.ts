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
