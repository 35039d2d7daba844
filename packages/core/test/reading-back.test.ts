import { createBus } from '@hexbus/core';
import { createMemoryHistory } from '@hexbus/store-memory';
import { expect, test } from 'vitest';

test('pages read back with `before` leave no message out, and meet what `after` reads on from there', async () => {
  const bus = createBus({
    history: createMemoryHistory(),
    topics: { 'order.>': { retain: { maxCount: 100 } }, 'log.>': { retain: { maxCount: 100 } } },
  });
  await bus.open();
  for (let number = 1; number <= 10; number++) {
    await bus.publish('order.created', number);
    await bus.publish('log.line', number);
  }

  let page = await bus.read('order.>', { last: 3 });
  const pages = [page.messages.map(({ body }) => body)];
  while (page.messages.length > 0) {
    const { start } = page;
    page = await bus.read('order.>', { before: start, limit: 3 });
    pages.unshift(page.messages.map(({ body }) => body));
    expect(page.cursor).toBe(start);
  }
  expect(pages).toEqual([[], [1], [2, 3, 4], [5, 6, 7], [8, 9, 10]]);

  const { cursor } = await bus.publish('order.created', 11);
  const upTo = await bus.read('order.>', { before: cursor ?? '', limit: 1 });
  expect(upTo.messages.map(({ body }) => body)).toEqual([11]);
  expect((await bus.read('order.>', { after: upTo.start })).messages.map(({ body }) => body)).toEqual([11]);
  await bus.close();
});
