import { check, checkRejects, checkSame } from '../support/check.ts';
import type { Rule } from '../support/rule.ts';
import { heard } from '../support/unhandled.ts';
import { appendOnce } from './duplicates.ts';
import { type HistoryLab, held, keepAll, limits, openStore } from './lab.ts';
import { message, type OpenedHistory } from './opened.ts';

const cursor = { name: 'billing', epoch: 'an-old-one', position: 3, filter: ['order.>', 'a'] };

/** A bit of everything that a history keeps. */
async function fill(history: OpenedHistory): Promise<void> {
  const attributes = '{"sender":"ann"}';
  const [, dead = 0, handled = 0] = await history.put('wait.order', 'w1', 'w2', 'w3');
  await history.append(
    message('order.created', 'a', { type: 'OrderCreated', attributes, body: '{ "n": 1.0, "__proto__": [] }' }),
    message('@user.ann', 'b', { deduplicate: true }),
  );
  await history.settle('dead', 'wait.order', dead);
  await history.settle('handled', 'wait.order', handled);
  await history.write({ commitCursors: [cursor] });
}

async function contents(history: OpenedHistory): Promise<unknown> {
  const filter = ['wait.order', 'order.*', '@user.*'];
  const dead = await history.read(filter, { state: 'dead' });
  const summary = await history.store.summarize('wait.order');
  return [await history.all(filter), dead.messages, dead.reasons, summary, await history.store.loadCursor('billing')];
}

export const durableRules: readonly Rule<HistoryLab>[] = [
  {
    id: 'HS-79',
    sentence: 'Reopened, a history has the same epoch, messages, states, reasons and cursors, and no lower head.',
    async check(lab) {
      const before = await lab.open();
      await fill(before);
      const expected = await contents(before);
      const { position } = await before.read([]);
      const after = await lab.reopen(before);
      checkSame(after.epoch, before.epoch, 'the epoch');
      check(after.opened.position >= position, `the head fell from ${position} to ${after.opened.position}`);
      checkSame(await contents(after), expected, 'contents');
    },
  },
  {
    id: 'HS-80',
    sentence: 'Reopened, positions go on above the old ones and times do not fall, also when no message is left.',
    async check(lab) {
      const retention = [held('wait.>')];
      const before = await lab.open({ retention });
      lab.clock.jump(100);
      const { appended } = await before.append(message('wait.order', 'a'), message('wait.order', 'b'));
      const [, last] = appended.map((each) => (each.status === 'refused' ? { position: 0, time: 0 } : each));
      const used = last?.position ?? 0;
      await before.settle('handled', 'wait.order', used, used - 1);
      lab.clock.jump(-50);
      const after = await lab.reopen(before, { retention });
      const [next] = (await after.append(message('wait.order', 'c'))).appended;
      check(next?.status === 'appended' && next.position > used, 'a position was used again');
      check(next.time >= (last?.time ?? 0), `the time fell from ${last?.time} to ${next.time}`);
    },
  },
  {
    id: 'HS-81',
    sentence: 'Reopened, a history still tells its trim marks.',
    async check(lab) {
      const retention = [held('drop.>', { maxCount: 1, overflow: 'drop-oldest' }), limits('order.>', 1)];
      const before = await lab.open({ retention });
      const [a = 0] = await before.put('drop.a', 'a', 'b');
      const [c = 0] = await before.put('order.created', 'c', 'd');
      const after = await lab.reopen(before, { retention });
      const { trimmed } = await after.read(['drop.a', 'order.*']);
      const sorted = [...trimmed].sort((one, two) => one.through - two.through);
      checkSame(
        sorted,
        [
          { topic: 'drop.a', through: a },
          { topic: 'order.created', through: c },
        ],
        'marks',
      );
    },
  },
  {
    id: 'HS-82',
    sentence: 'Reopened, a history still knows duplicates, in the order and with the times of before.',
    async check(lab) {
      const deduplication = { maxIds: 3, maxAgeMs: 1000 };
      const retention = [limits('order.>', 1), held('wait.>', { maxCount: 1 })];
      let history = await lab.open({ retention, deduplication });
      for (const id of ['a', 'b']) await appendOnce(history, 'order.created', id);
      lab.clock.jump(500);
      const first = await appendOnce(history, 'wait.order', 'x');
      checkSame((await appendOnce(history, 'wait.order', 'y'))?.status, 'refused', 'a message of a full topic');
      await history.settle('handled', 'wait.order', first?.status === 'appended' ? first.position : 0);
      history = await lab.reopen(history, { retention, deduplication });
      checkSame(await appendOnce(history, 'wait.order', 'x'), { ...first, status: 'duplicate' }, 'a handled message');
      checkSame((await appendOnce(history, 'order.created', 'a'))?.status, 'duplicate', 'a trimmed message');
      checkSame((await appendOnce(history, 'wait.order', 'y'))?.status, 'appended', 'a message that was refused');
      checkSame((await appendOnce(history, 'order.created', 'b'))?.status, 'duplicate', 'the third last id');
      lab.clock.jump(501);
      checkSame((await appendOnce(history, 'order.created', 'b'))?.status, 'appended', 'an id that is too old');
      checkSame((await appendOnce(history, 'wait.order', 'x'))?.status, 'duplicate', 'an id that is not');
    },
  },
  {
    id: 'HS-83',
    sentence: 'open with newEpoch begins another epoch over the same messages, states and cursors.',
    async check(lab) {
      const before = await lab.open();
      await fill(before);
      const expected = await contents(before);
      const after = await lab.reopen(before, { newEpoch: true });
      check(after.epoch !== before.epoch, `the epoch is still ${before.epoch}`);
      checkSame(withoutPositions(await contents(after)), withoutPositions(expected), 'contents');
      const stale = await after.write({ epoch: before.epoch, append: [message('order.created', 'z')] });
      checkSame(stale.applied, false, 'applied, for a batch of the epoch before');
      const again = await lab.reopen(after);
      checkSame(again.epoch, after.epoch, 'the epoch, reopened without newEpoch');
    },
  },
  {
    id: 'HS-84',
    sentence:
      'Opening removes nothing; the first write, also an empty one, brings the policies of this opening about on every topic.',
    async check(lab) {
      const before = await lab.open({ retention: [limits('order.>'), held('wait.>')] });
      await before.put('order.created', 'a', 'b', 'c');
      const [w1 = 0] = await before.put('wait.order', 'w1', 'w2');
      const bounds = held('wait.>', { maxCount: 1, overflow: 'drop-oldest' });
      const after = await lab.reopen(before, { retention: [limits('order.>', 2), bounds] });
      checkSame(
        await after.ids(['order.created', 'wait.order']),
        ['a', 'b', 'c', 'w1', 'w2'],
        'messages before a write',
      );
      const { dropped } = await after.write();
      checkSame(await after.ids(['order.created', 'wait.order']), ['b', 'c', 'w2'], 'messages after a write');
      checkSame(dropped, [{ topic: 'wait.order', position: w1, id: 'w1' }], 'dropped');
    },
  },
  {
    id: 'HS-85',
    sentence:
      'A place that is open elsewhere is refused with HEXBUS_HISTORY_IN_USE, unharmed, and free again after close.',
    async check(lab) {
      const history = await lab.open();
      await history.put('order.created', 'a');
      const second = lab.createAgain(history.store);
      const options = { retention: keepAll, deduplication: { maxIds: 10, maxAgeMs: 1000 } };
      await checkRejects(() => second.open(options), 'HEXBUS_HISTORY_IN_USE', 'open on a place that is open');
      await second.close();
      const third = lab.createAgain(history.store);
      await checkRejects(
        () => third.open(options),
        'HEXBUS_HISTORY_IN_USE',
        'open after another was refused and closed',
      );
      await history.put('order.created', 'b');
      const after = await lab.reopen(history);
      checkSame(await after.ids(['order.created']), ['a', 'b'], 'messages');
    },
  },
  {
    id: 'HS-86',
    sentence: 'What a write was asked for before close was called is there after it.',
    async check(lab) {
      const before = await lab.open();
      const writes = ['a', 'b'].map((id) => heard(before.append(message('order.created', id))));
      const closing = before.store.close();
      await Promise.all(writes);
      await closing;
      const after = await openStore(lab.createAgain(before.store));
      checkSame(await after.ids(['order.created']), ['a', 'b'], 'messages');
    },
  },
];

function withoutPositions(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (key, entry: unknown) => (['position', 'first', 'last'].includes(key) ? 0 : entry)),
  );
}

/** Only where the adapter offers `crash`. */
export const crashRules: readonly Rule<HistoryLab>[] = [
  {
    id: 'HS-87',
    sentence: 'What a write has resolved is there after a crash, and no position is used again.',
    async check(lab) {
      let history = await lab.open();
      await fill(history);
      const expected = await contents(history);
      const { position } = await history.read([]);
      history = await lab.crash(history);
      checkSame(await contents(history), expected, 'contents');
      check(history.opened.position >= position, `the head fell from ${position} to ${history.opened.position}`);
      const [next = 0] = await history.put('order.created', 'z');
      check(next > position, `position ${next} was used again`);
    },
  },
];
