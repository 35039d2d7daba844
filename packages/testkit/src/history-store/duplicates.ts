import type { AppendResult } from '@hexbus/core';
import { checkSame } from '../support/check.ts';
import type { Rule } from '../support/rule.ts';
import { type HistoryLab, held, keepAll, limits } from './lab.ts';
import { message, type OpenedHistory } from './opened.ts';

/** Appends one message whose id the caller gave. */
export async function appendOnce(history: OpenedHistory, topic: string, id: string): Promise<AppendResult | undefined> {
  return (await history.append(message(topic, id, { deduplicate: true }))).appended[0];
}

async function statusOf(history: OpenedHistory, topic: string, id: string): Promise<string | undefined> {
  return (await appendOnce(history, topic, id))?.status;
}

export const duplicateRules: readonly Rule<HistoryLab>[] = [
  {
    id: 'HS-24',
    sentence:
      'A second message of a topic and id that the caller gave is a duplicate: it tells position and time of the first, and uses no position.',
    async check(lab) {
      const history = await lab.open();
      const first = await appendOnce(history, 'order.created', 'x');
      lab.clock.jump(10);
      const { appended, before, head } = await history.append(
        message('order.created', 'x', { deduplicate: true, body: '"another"' }),
      );
      checkSame(appended, [{ ...first, status: 'duplicate' }], 'the second result');
      checkSame(head, before, 'the head after a duplicate');
      checkSame(
        (await history.all(['order.created'])).map(({ body }) => body),
        ['"x"'],
        'bodies',
      );
    },
  },
  {
    id: 'HS-25',
    sentence: 'The same id on another topic is another message.',
    async check(lab) {
      const history = await lab.open();
      await appendOnce(history, 'order.created', 'x');
      checkSame(await statusOf(history, 'order.paid', 'x'), 'appended', 'the id on another topic');
    },
  },
  {
    id: 'HS-26',
    sentence: 'Only ids that the caller gave count, on both sides.',
    async check(lab) {
      const history = await lab.open();
      await history.put('order.created', 'x');
      await history.put('order.created', 'x');
      checkSame(await statusOf(history, 'order.created', 'x'), 'appended', 'an id that was used without deduplicate');
      await history.put('order.created', 'x');
      checkSame(await history.ids(['order.created']), ['x', 'x', 'x', 'x'], 'messages');
    },
  },
  {
    id: 'HS-27',
    sentence: 'Within one batch the second of an id is a duplicate of the first.',
    async check(lab) {
      const history = await lab.open();
      const once = message('order.created', 'x', { deduplicate: true });
      const { appended } = await history.append(once, once, message('order.created', 'y'));
      const [first, second] = appended;
      checkSame(
        appended.map(({ status }) => status),
        ['appended', 'duplicate', 'appended'],
        'results',
      );
      checkSame(second, { ...first, status: 'duplicate' }, 'the duplicate');
    },
  },
  {
    id: 'HS-28',
    sentence: 'An id stays remembered when its message was handled, died, or was trimmed or dropped.',
    async check(lab) {
      const dropping = held('drop.>', { maxCount: 1, overflow: 'drop-oldest' });
      const history = await lab.open({ retention: [dropping, held('wait.>'), limits('order.>', 1)] });
      for (const topic of ['wait.handled', 'wait.dead', 'order.trimmed', 'drop.dropped']) {
        const first = await appendOnce(history, topic, 'x');
        const position = first?.status === 'appended' ? first.position : 0;
        if (topic === 'wait.handled') await history.settle('handled', topic, position);
        else if (topic === 'wait.dead') await history.settle('dead', topic, position);
        else await history.put(topic, 'y');
        checkSame(await appendOnce(history, topic, 'x'), { ...first, status: 'duplicate' }, `the id on ${topic}`);
      }
    },
  },
  {
    id: 'HS-29',
    sentence: 'A refused message is not remembered.',
    async check(lab) {
      const history = await lab.open({ retention: [held('wait.>', { maxCount: 1 })] });
      const [first = 0] = await history.put('wait.order', 'a');
      checkSame(await statusOf(history, 'wait.order', 'x'), 'refused', 'a message of a full topic');
      await history.settle('handled', 'wait.order', first);
      checkSame(await statusOf(history, 'wait.order', 'x'), 'appended', 'its second try');
    },
  },
  {
    id: 'HS-30',
    sentence: 'A duplicate on a full topic is a duplicate, not refused.',
    async check(lab) {
      const history = await lab.open({ retention: [held('wait.>', { maxCount: 1 })] });
      await appendOnce(history, 'wait.order', 'x');
      checkSame(await statusOf(history, 'wait.order', 'x'), 'duplicate', 'the id on the full topic');
    },
  },
  {
    id: 'HS-31',
    sentence:
      'The last maxIds ids are remembered, over all topics, and none before them; a duplicate does not count as a new one.',
    async check(lab) {
      const history = await lab.open({ deduplication: { maxIds: 3, maxAgeMs: 60_000 } });
      for (const id of ['a', 'b']) await appendOnce(history, 'order.created', id);
      checkSame(await statusOf(history, 'order.created', 'a'), 'duplicate', 'a, one of two');
      await history.put('order.created', 'p', 'q', 'r', 's');
      await appendOnce(history, 'order.paid', 'c');
      checkSame(await statusOf(history, 'order.created', 'a'), 'duplicate', 'a, third last');
      await appendOnce(history, 'order.paid', 'd');
      checkSame(await statusOf(history, 'order.created', 'b'), 'duplicate', 'b, third last');
      checkSame(await statusOf(history, 'order.created', 'a'), 'appended', 'a, fourth last');
    },
  },
  {
    id: 'HS-32',
    sentence: 'An id is remembered for maxAgeMs and no longer; a duplicate does not prolong it.',
    async check(lab) {
      const history = await lab.open({ retention: keepAll, deduplication: { maxIds: 10, maxAgeMs: 100 } });
      await appendOnce(history, 'order.created', 'x');
      lab.clock.jump(90);
      checkSame(await statusOf(history, 'order.created', 'x'), 'duplicate', 'the id after 90 of 100 ms');
      lab.clock.jump(20);
      checkSame(await statusOf(history, 'order.created', 'x'), 'appended', 'the id after 110 of 100 ms');
      lab.clock.jump(90);
      checkSame(await statusOf(history, 'order.created', 'x'), 'duplicate', 'the id 90 ms after it was used again');
    },
  },
];
