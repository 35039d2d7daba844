import { type Filter, matchesPattern, type TrimMark } from '@hexbus/core';
import { check, checkSame } from '../support/check.ts';
import type { Rule } from '../support/rule.ts';
import { type HistoryLab, held, limits } from './lab.ts';
import { message, type OpenedHistory } from './opened.ts';

/** How far a topic was trimmed, as the marks of a page after `after` tell it. */
async function trimmedThrough(
  history: OpenedHistory,
  topic: string,
  after = 0,
  filter: Filter = [topic],
): Promise<number> {
  const { trimmed } = await history.read(filter, { range: { after } });
  return reach(trimmed, topic);
}

function reach(marks: readonly TrimMark[], topic: string): number {
  const covering = marks.filter((mark) => mark.topic === topic || matchesPattern(mark.topic, topic));
  return Math.max(0, ...covering.map(({ through }) => through));
}

export const trimmingRules: readonly Rule<HistoryLab>[] = [
  {
    id: 'HS-57',
    sentence: 'After each write a topic holds at most its maxCount messages, the newest.',
    async check(lab) {
      const history = await lab.open({ retention: [limits('order.>', 3)] });
      for (let round = 0; round < 4; round++) {
        await history.put('order.created', `a${round}`, `b${round}`);
        await history.put('order.paid', `p${round}`);
        const expected = ['a0', 'b0', 'a1', 'b1', 'a2', 'b2', 'a3', 'b3'].slice(0, 2 * round + 2).slice(-3);
        checkSame(await history.ids(['order.created']), expected, 'order.created');
      }
      checkSame(await history.ids(['order.paid']), ['p1', 'p2', 'p3'], 'order.paid');
      await history.append(...[...'uvwxyz'].map((id) => message('order.sent', id)));
      checkSame(await history.ids(['order.sent']), ['x', 'y', 'z'], 'more than maxCount in one batch');
    },
  },
  {
    id: 'HS-58',
    sentence:
      'Every write, also an empty one, removes what is older than maxAgeMs, on every topic; what is exactly that old stays.',
    async check(lab) {
      const history = await lab.open({ retention: [limits('fast.>', Infinity, 100), limits('slow.>', Infinity, 300)] });
      await history.put('fast.a', 'a1');
      await history.put('slow.a', 's1');
      lab.clock.jump(60);
      await history.put('fast.a', 'a2');
      await history.put('fast.b', 'b1');
      lab.clock.jump(40);
      await history.write();
      checkSame(await history.ids(['fast.a']), ['a1', 'a2'], 'messages at most 100 ms old');
      lab.clock.jump(1);
      await history.put('slow.a', 's2');
      checkSame(await history.ids(['fast.*']), ['a2', 'b1'], 'messages of other topics 1 ms later');
      lab.clock.jump(60);
      await history.write();
      checkSame(await history.ids(['fast.*']), [], 'messages after another 60 ms and an empty write');
      checkSame(await history.ids(['slow.a']), ['s1', 's2'], 'messages with a longer age');
    },
  },
  {
    id: 'HS-59',
    sentence:
      "What a limit removed is marked: a page after a position tells the marks above it of its filter's topics.",
    async check(lab) {
      const history = await lab.open({ retention: [limits('aged.>', Infinity, 100), limits('order.>', 2)] });
      const [old = 0] = await history.put('aged.a', 'x');
      const created = await history.put('order.created', 'a', 'b', 'c', 'd');
      await history.put('order.paid', 'e');
      const gone = created[1] ?? 0;
      const one = { topic: 'order.created', through: gone };
      checkSame((await history.read(['order.created'])).trimmed, [one], 'marks of order.created');
      checkSame((await history.read(['order.*'], { limit: 1 })).trimmed, [one], 'marks of order.*');
      checkSame(
        (await history.read(['order.created'], { range: { after: gone - 1 } })).trimmed,
        [one],
        'marks just above',
      );
      checkSame((await history.read(['order.created'], { range: { after: gone } })).trimmed, [], 'marks not above');
      checkSame((await history.read(['order.paid', 'aged.*'])).trimmed, [], 'marks of what was never trimmed');
      lab.clock.jump(101);
      await history.write();
      checkSame(await trimmedThrough(history, 'aged.a'), old, 'how far age has trimmed');
      checkSame(await trimmedThrough(history, 'aged.a', 0, ['>']), old, 'the same, seen through a pattern');
      const [next = 0] = await history.put('aged.a', 'y');
      lab.clock.jump(101);
      await history.write();
      checkSame(await trimmedThrough(history, 'aged.a'), next, 'how far it has trimmed then');
    },
  },
  {
    id: 'HS-60',
    sentence: 'Settling is no trimming: it leaves no mark.',
    async check(lab) {
      const history = await lab.open();
      const [a = 0, b = 0] = await history.put('wait.order', 'a', 'b');
      await history.settle('handled', 'wait.order', a);
      await history.settle('dead', 'wait.order', b);
      await history.settle('discard', 'wait.order', b);
      checkSame((await history.read(['wait.order'])).trimmed, [], 'marks');
    },
  },
  {
    id: 'HS-61',
    sentence: "A topic's own policy wins over patterns, and of patterns the first that matches.",
    async check(lab) {
      const history = await lab.open({
        retention: [limits('order.*', 2), limits('order.>', 3), limits('order.own', 1), held('order.held')],
      });
      for (const topic of ['order.own', 'order.a', 'order.a.b', 'order.held']) await history.put(topic, ...'12345');
      const counts = ['order.own', 'order.a', 'order.a.b', 'order.held'].map(
        async (topic) => (await history.ids([topic])).length,
      );
      checkSame(await Promise.all(counts), [1, 2, 3, 5], 'how many are kept');
    },
  },
  {
    id: 'HS-62',
    sentence: 'The limit Infinity removes nothing.',
    async check(lab) {
      const history = await lab.open({ retention: [limits('order.>'), held('wait.>', { maxCount: Infinity })] });
      const ids = Array.from({ length: 300 }, (_, index) => `m${index}`);
      await history.put('order.created', ...ids);
      await history.put('wait.order', ...ids);
      lab.clock.jump(100 * 365 * 86_400_000);
      await history.write();
      check((await history.ids(['order.created'])).length === ids.length, 'a message without limits is gone');
      check((await history.ids(['wait.order'])).length === ids.length, 'a held message without limits is gone');
    },
  },
  {
    id: 'HS-63',
    sentence:
      'The mark of a topic that has become empty may be told of the pattern of its policy, and then wider, but never narrower.',
    async check(lab) {
      const history = await lab.open({ retention: [limits('user.*', Infinity, 100)] });
      const at: number[] = [];
      for (let user = 0; user < 50; user++) at.push(...(await history.put(`user.${user}`, 'x')));
      lab.clock.jump(101);
      await history.write();
      for (let round = 0; round < 3; round++) {
        lab.clock.jump(1_000_000);
        await history.write();
      }
      for (const [user, position] of at.entries()) {
        const through = await trimmedThrough(history, `user.${user}`);
        check(through >= position, `user.${user} was trimmed through ${position}, but its mark says ${through}`);
        check(through <= (at.at(-1) ?? 0), `the mark of user.${user} says ${through}, where nothing was trimmed`);
      }
      const { trimmed } = await history.read(['user.>']);
      for (const [user, position] of at.entries()) {
        check(reach(trimmed, `user.${user}`) >= position, `user.> does not tell the mark of user.${user}`);
      }
    },
  },
];
