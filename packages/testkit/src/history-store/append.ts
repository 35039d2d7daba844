import { formatCursor, parseCursor } from '@hexbus/core';
import { check, checkSame } from '../support/check.ts';
import type { Rule } from '../support/rule.ts';
import { heard } from '../support/unhandled.ts';
import { type HistoryLab, held, keepAll, limits } from './lab.ts';
import { emptyBatch, message, settlement } from './opened.ts';

function checkRising(positions: readonly number[], what: string): void {
  for (const [index, position] of positions.entries()) {
    check(Number.isSafeInteger(position) && position > 0, `${what}: ${position} is not a position`);
    const before = positions[index - 1] ?? 0;
    check(position > before, `${what}: ${position} does not lie above ${before}`);
  }
}

export const appendRules: readonly Rule<HistoryLab>[] = [
  {
    id: 'HS-13',
    sentence: 'A new history stands at position 0, in an epoch of its own that fits into a cursor.',
    async check(lab) {
      const one = await lab.open();
      const two = await lab.open();
      checkSame(one.opened.position, 0, 'the position of a new history');
      checkSame(parseCursor(formatCursor(one.epoch, 7)), { epoch: one.epoch, position: 7 }, 'a cursor of this epoch');
      check(one.epoch !== two.epoch, `two histories should not share the epoch ${one.epoch}`);
    },
  },
  {
    id: 'HS-14',
    sentence: 'Positions rise in the order of the appends, over all topics and batches.',
    async check(lab) {
      const history = await lab.open();
      const positions = [
        ...(await history.put('order.created', 'a', 'b')),
        ...(await history.put('wait.order', 'c')),
        ...(await history.put('order.paid', 'd')),
        ...(await history.put('order.created', 'e')),
      ];
      checkRising(positions, 'positions');
      const all = await history.all(['order.*', 'wait.order']);
      checkSame(
        all.map(({ position, id }) => [position, id]),
        positions.map((at, index) => [at, 'abcde'[index]]),
        'messages',
      );
    },
  },
  {
    id: 'HS-15',
    sentence:
      'A write tells the head before it and after it: all its positions lie above the one, the last of them is the other.',
    async check(lab) {
      const history = await lab.open();
      let head = 0;
      for (const ids of [['a'], [], ['b', 'c', 'd'], []]) {
        const result = await history.append(...ids.map((id) => message('order.created', id)));
        checkSame([result.epoch, result.applied], [history.epoch, true], 'epoch and applied');
        checkSame(result.before, head, 'the head before the batch');
        const positions = result.appended.map((each) => (each.status === 'refused' ? 0 : each.position));
        checkRising([...(head === 0 ? [] : [head]), ...positions], 'head and positions');
        checkSame(result.head, positions.at(-1) ?? head, 'the head after the batch');
        head = result.head;
      }
    },
  },
  {
    id: 'HS-16',
    sentence: 'A write gives one result for each append and each settlement, in their order, each for itself.',
    async check(lab) {
      const history = await lab.open({ retention: [held('full.>', { maxCount: 1 }), ...keepAll] });
      const [first = 0] = await history.put('full.topic', 'a');
      const result = await history.write({
        append: [
          message('order.created', 'x', { deduplicate: true }),
          message('full.topic', 'b'),
          message('order.created', 'x', { deduplicate: true }),
          message('order.created', 'y'),
        ],
        settle: [settlement('requeue', 'full.topic', first), settlement('handled', 'full.other', first)],
      });
      const statuses = result.appended.map(({ status }) => status);
      checkSame(statuses, ['appended', 'refused', 'duplicate', 'appended'], 'results');
      checkSame(result.settled, [false, false], 'settled');
      checkSame(await history.ids(['order.created', 'full.topic']), ['a', 'x', 'y'], 'messages');
    },
  },
  {
    id: 'HS-17',
    sentence: 'The time of a message is that of the clock, but never below the one before it.',
    async check(lab) {
      const history = await lab.open();
      const start = lab.clock.now();
      await history.put('order.created', 'a');
      lab.clock.jump(50);
      await history.put('order.paid', 'b');
      lab.clock.jump(-40);
      const { appended } = await history.append(message('order.created', 'c'));
      lab.clock.jump(90);
      await history.put('order.created', 'd');
      const times = (await history.all(['order.*'])).map(({ time }) => time - start);
      checkSame(times, [0, 50, 50, 100], 'times since the start');
      const [third] = appended;
      checkSame(third?.status === 'appended' ? third.time - start : third, 50, 'the time that the write told');
    },
  },
  {
    id: 'HS-18',
    sentence: 'Calls take effect in the order in which they were made, also if nobody awaits them in between.',
    async check(lab) {
      const history = await lab.open();
      const topic = 'wait.order';
      const [first = 0] = await history.put(topic, 'a');
      const calls = [
        history.append(message(topic, 'b'), message(topic, 'c')),
        history.settle('handled', topic, first),
        history.append(message(topic, 'd')),
      ].map((call) => heard<unknown>(call));
      const between = heard(history.ids([topic]));
      const summary = heard(history.store.summarize(topic));
      const later = heard(history.append(message(topic, 'e')));
      checkSame((await between).slice(0, 3), ['b', 'c', 'd'], 'what a read sees that was called after three writes');
      checkSame((await summary).count, 3, 'what summarize counts then');
      await Promise.all([...calls, later]);
      checkSame(await history.ids([topic]), ['b', 'c', 'd', 'e'], 'messages');
    },
  },
  {
    id: 'HS-19',
    sentence: 'A position is never used twice, also when its message was settled, trimmed or dropped.',
    async check(lab) {
      const history = await lab.open({
        retention: [held('wait.>', { maxCount: 1, overflow: 'drop-oldest' }), limits('order.>', 1)],
      });
      const used: number[] = [];
      for (const [index, topic] of ['wait.a', 'order.a', 'wait.a', 'order.a', 'wait.a'].entries()) {
        const positions = await history.put(topic, `${index}`);
        used.push(...positions);
        if (topic === 'wait.a') await history.settle('handled', topic, ...positions);
      }
      used.push(...(await history.put('wait.a', 'x', 'y')), ...(await history.put('order.a', 'z')));
      checkRising(used, 'positions');
    },
  },
  {
    id: 'HS-20',
    sentence: 'A batch of another epoch changes nothing, and its answer tells the present epoch.',
    async check(lab) {
      const history = await lab.open({ retention: [held('wait.>'), limits('order.>', Infinity, 100)] });
      const [waiting = 0] = await history.put('wait.order', 'a');
      const { head } = await history.append(message('order.created', 'b'));
      const cursor = { name: 'billing', epoch: history.epoch, position: 1, filter: ['order.>'] };
      await history.write({ commitCursors: [{ ...cursor, name: 'kept' }] });
      lab.clock.jump(1000);
      const result = await history.write({
        epoch: `${history.epoch}x`,
        append: [message('order.created', 'c', { deduplicate: true })],
        settle: [settlement('handled', 'wait.order', waiting)],
        commitCursors: [cursor],
        deleteCursors: ['kept'],
      });
      const nothing = { appended: [], settled: [], dropped: [] };
      checkSame(result, { epoch: history.epoch, applied: false, before: head, head, ...nothing }, 'the answer');
      checkSame(await history.ids(['wait.order']), ['a'], 'waiting messages');
      checkSame((await history.read(['order.created'])).trimmed, [], 'marks');
      checkSame(await history.store.loadCursor('billing'), undefined, 'the cursor of that batch');
      check((await history.store.loadCursor('kept')) !== undefined, 'the cursor that it would have deleted is gone');
      const { appended } = await history.append(message('order.created', 'c', { deduplicate: true }));
      checkSame(appended[0]?.status, 'appended', 'the first message with an id that only the refused batch has used');
    },
  },
  {
    id: 'HS-21',
    sentence: 'Within a batch settlements come first, then appends, then limits.',
    async check(lab) {
      const history = await lab.open({ retention: [held('wait.>', { maxCount: 1 }), limits('order.>', 1)] });
      const [first = 0] = await history.put('wait.order', 'a');
      const { appended, settled } = await history.write({
        append: [message('wait.order', 'b'), message('order.created', 'c'), message('order.created', 'd')],
        settle: [settlement('handled', 'wait.order', first)],
      });
      checkSame(settled, [true], 'settled');
      checkSame(
        appended.map(({ status }) => status),
        ['appended', 'appended', 'appended'],
        'results',
      );
      checkSame(await history.ids(['wait.order', 'order.created']), ['b', 'd'], 'messages');
      const next = appended[0]?.status === 'appended' ? appended[0].position + 3 : 0;
      const result = await history.write({
        append: [message('order.created', 'e')],
        settle: [settlement('handled', 'wait.order', next)],
      });
      checkSame(result.settled, [false], 'settlement of what is not appended yet');
    },
  },
  {
    id: 'HS-22',
    sentence: 'A batch of hundreds of messages is one step: a read sees all of it or nothing.',
    async check(lab) {
      const history = await lab.open();
      const ids = Array.from({ length: 600 }, (_, index) => `m${index}`);
      const before = history.read(['order.created']);
      const write = heard(history.append(...ids.map((id) => message('order.created', id))));
      const after = heard(history.ids(['order.created']));
      checkSame((await before).messages.length, 0, 'messages before the batch');
      checkSame((await write).appended.length, ids.length, 'results');
      checkSame(await after, ids, 'messages after the batch');
    },
  },
  {
    id: 'HS-23',
    sentence: 'An empty batch is answered like any other.',
    async check(lab) {
      const history = await lab.open();
      const result = await history.store.write({ epoch: history.epoch, ...emptyBatch });
      const nothing = { appended: [], settled: [], dropped: [] };
      checkSame(result, { epoch: history.epoch, applied: true, before: 0, head: 0, ...nothing }, 'the answer');
    },
  },
];
