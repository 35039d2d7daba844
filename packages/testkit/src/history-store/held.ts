import { checkSame } from '../support/check.ts';
import type { Rule } from '../support/rule.ts';
import { type HistoryLab, held, keepAll } from './lab.ts';
import { message, settlement } from './opened.ts';

const topic = 'wait.order';

export const heldRules: readonly Rule<HistoryLab>[] = [
  {
    id: 'HS-64',
    sentence: 'A held message waits until it is handled, and is then gone.',
    async check(lab) {
      const history = await lab.open();
      const [, b = 0] = await history.put(topic, 'a', 'b', 'c');
      checkSame(await history.settle('handled', topic, b), [true], 'settled');
      checkSame(await history.ids([topic]), ['a', 'c'], 'what waits');
      checkSame(await history.ids([topic], 'dead'), [], 'what is dead');
    },
  },
  {
    id: 'HS-65',
    sentence: 'A dead message no longer waits, but can be read with its reason.',
    async check(lab) {
      const history = await lab.open();
      const [a = 0, b = 0, c = 0] = await history.put(topic, 'a', 'b', 'c');
      await history.write({
        settle: [
          { outcome: 'dead', topic, position: c, reason: '' },
          { outcome: 'dead', topic, position: a, reason: 'boom "1"\n🚌' },
        ],
      });
      const before = await history.read([topic]);
      checkSame(
        before.messages.map(({ id }) => id),
        ['b'],
        'what waits',
      );
      checkSame(before.reasons, [], 'reasons of waiting messages');
      const dead = await history.read([topic], { state: 'dead' });
      checkSame(
        dead.messages.map(({ id, position }) => [id, position]),
        [
          ['a', a],
          ['c', c],
        ],
        'what is dead',
      );
      checkSame(dead.reasons, ['boom "1"\n🚌', ''], 'why');
      const summary = await history.store.summarize(topic);
      checkSame(summary, { count: 1, dead: 2, first: b, last: b }, 'the summary');
      const back = await history.read([topic], { state: 'dead', range: { before: c }, limit: 1 });
      checkSame([back.messages.map(({ id }) => id), back.reasons], [['a'], ['boom "1"\n🚌']], 'dead ones backwards');
    },
  },
  {
    id: 'HS-66',
    sentence: 'Requeueing makes a dead message wait again in its old place, unchanged.',
    async check(lab) {
      const history = await lab.open();
      const [a = 0] = await history.put(topic, 'a', 'b');
      const [first] = await history.all([topic]);
      await history.settle('dead', topic, a);
      lab.clock.jump(10);
      await history.put(topic, 'c');
      checkSame(await history.settle('requeue', topic, a), [true], 'settled');
      checkSame(await history.ids([topic]), ['a', 'b', 'c'], 'what waits');
      checkSame((await history.all([topic]))[0], first, 'the message');
      checkSame(await history.ids([topic], 'dead'), [], 'what is dead');
      checkSame(await history.settle('handled', topic, a), [true], 'settled as handled then');
    },
  },
  {
    id: 'HS-67',
    sentence: 'Discarding removes a dead message.',
    async check(lab) {
      const history = await lab.open();
      const [a = 0] = await history.put(topic, 'a', 'b');
      await history.settle('dead', topic, a);
      checkSame(await history.settle('discard', topic, a), [true], 'settled');
      checkSame([await history.ids([topic]), await history.ids([topic], 'dead')], [['b'], []], 'waiting and dead');
      checkSame(await history.settle('requeue', topic, a), [false], 'requeued after it was discarded');
    },
  },
  {
    id: 'HS-68',
    sentence:
      'Settling says false, and does nothing, where that message of that topic is not there in the state that the outcome needs.',
    async check(lab) {
      const history = await lab.open();
      const [waiting = 0, dead = 0] = await history.put(topic, 'a', 'b');
      const [stream = 0] = await history.put('order.created', 'c');
      await history.settle('dead', topic, dead);
      const refused = [
        settlement('handled', topic, stream + 10),
        settlement('handled', topic, 0),
        settlement('handled', 'wait.other', waiting),
        settlement('handled', topic, dead),
        settlement('dead', topic, dead),
        settlement('requeue', topic, waiting),
        settlement('discard', topic, waiting),
        settlement('handled', 'order.created', stream),
        settlement('dead', 'order.created', stream),
        settlement('handled', topic, stream),
      ];
      checkSame(
        (await history.write({ settle: refused })).settled,
        refused.map(() => false),
        'settled',
      );
      checkSame(await history.ids([topic, 'order.created']), ['a', 'c'], 'live messages');
      checkSame(await history.ids([topic], 'dead'), ['b'], 'dead messages');
      const twice = [settlement('handled', topic, waiting), settlement('handled', topic, waiting)];
      checkSame((await history.write({ settle: twice })).settled, [true, false], 'settled twice in a batch');
    },
  },
  {
    id: 'HS-69',
    sentence:
      "A full topic with overflow 'reject' refuses the message, without using a position, and no other of the batch.",
    async check(lab) {
      const history = await lab.open({ retention: [held(topic, { maxCount: 2 }), ...keepAll] });
      const one = await history.append(message(topic, 'a'), message('order.created', 'b'), message(topic, 'c'));
      const two = await history.append(message(topic, 'd'), message('wait.other', 'e'), message(topic, 'f'));
      const full = { status: 'refused', reason: 'topic-full' };
      checkSame([two.appended[0], two.appended[2]], [full, full], 'results of the full topic');
      checkSame(two.appended[1]?.status, 'appended', 'the result of another topic');
      const [, other] = two.appended;
      checkSame(two.head, other?.status === 'appended' ? other.position : 0, 'the head');
      checkSame([one.dropped, two.dropped], [[], []], 'dropped');
      checkSame(await history.ids([topic]), ['a', 'c'], 'what waits');
      checkSame(await history.ids(['wait.other', 'order.created']), ['b', 'e'], 'other topics');
    },
  },
  {
    id: 'HS-70',
    sentence: 'Only waiting messages count towards the bound of a held topic.',
    async check(lab) {
      const dropping = held('drop.>', { maxCount: 1, overflow: 'drop-oldest' });
      const history = await lab.open({ retention: [held('wait.>', { maxCount: 1 }), dropping] });
      for (const name of [topic, 'drop.order']) {
        for (const id of ['a', 'b', 'c']) {
          const [position = 0] = await history.put(name, id);
          await history.settle(id === 'b' ? 'handled' : 'dead', name, position);
        }
        const result = await history.append(message(name, 'd'));
        checkSame(
          [result.appended[0]?.status, result.dropped],
          ['appended', []],
          `a message beside two dead ones of ${name}`,
        );
        checkSame(await history.ids([name], 'dead'), ['a', 'c'], `dead messages of ${name}`);
      }
    },
  },
  {
    id: 'HS-71',
    sentence:
      "Overflow 'drop-oldest' removes the oldest waiting messages, lists them oldest first, and marks the topic.",
    async check(lab) {
      const history = await lab.open({ retention: [held('wait.>', { maxCount: 2, overflow: 'drop-oldest' })] });
      const [a = 0, b = 0] = await history.put('wait.a', 'a', 'b');
      const [c = 0] = await history.put('wait.b', 'c');
      checkSame(await history.settle('dead', 'wait.a', b), [true], 'settled');
      const result = await history.append(...[...'defg'].map((id, n) => message(n < 2 ? 'wait.b' : 'wait.a', id)));
      checkSame(
        result.appended.map(({ status }) => status),
        Array(4).fill('appended'),
        'results',
      );
      const dropped = [
        { topic: 'wait.a', position: a, id: 'a' },
        { topic: 'wait.b', position: c, id: 'c' },
      ];
      checkSame(result.dropped, dropped, 'dropped');
      checkSame(await history.ids(['wait.a', 'wait.b']), ['d', 'e', 'f', 'g'], 'what waits');
      checkSame((await history.read(['wait.a'])).trimmed, [{ topic: 'wait.a', through: a }], 'marks of wait.a');
      checkSame((await history.read(['wait.b'])).trimmed, [{ topic: 'wait.b', through: c }], 'marks of wait.b');
      checkSame(await history.settle('handled', 'wait.a', a), [false], 'settling what was dropped');
      const many = await history.append(...[...'hijk'].map((id) => message('wait.c', id)));
      checkSame(
        many.dropped.map(({ id }) => id),
        ['h', 'i'],
        'dropped of a batch above the bound',
      );
    },
  },
  {
    id: 'HS-72',
    sentence: 'Waiting messages that are over age are dropped by every write, listed and marked alike.',
    async check(lab) {
      const history = await lab.open({ retention: [held('wait.>', { maxAgeMs: 100 })] });
      const [a = 0] = await history.put(topic, 'a');
      lab.clock.jump(60);
      await history.put(topic, 'b');
      lab.clock.jump(40);
      checkSame((await history.write()).dropped, [], 'dropped when one is exactly 100 ms old');
      lab.clock.jump(1);
      checkSame((await history.write()).dropped, [{ topic, position: a, id: 'a' }], 'dropped 1 ms later');
      const page = await history.read([topic]);
      checkSame(
        page.messages.map(({ id }) => id),
        ['b'],
        'what waits',
      );
      checkSame(page.trimmed, [{ topic, through: a }], 'marks');
    },
  },
  {
    id: 'HS-73',
    sentence: 'A mark never falls, also when a requeued message is dropped after younger ones.',
    async check(lab) {
      const history = await lab.open({ retention: [held('wait.>', { maxAgeMs: 100 })] });
      const [a = 0, b = 0] = await history.put(topic, 'a', 'b');
      await history.settle('dead', topic, a);
      lab.clock.jump(101);
      await history.write();
      await history.settle('requeue', topic, a);
      await history.write();
      checkSame(await history.ids([topic]), [], 'what waits');
      checkSame((await history.read([topic])).trimmed, [{ topic, through: b }], 'marks');
    },
  },
  {
    id: 'HS-74',
    sentence: 'Dead messages are never dropped.',
    async check(lab) {
      const dropping = held('wait.>', { maxCount: 1, maxAgeMs: 100, overflow: 'drop-oldest' });
      const history = await lab.open({ retention: [dropping] });
      const [a = 0] = await history.put(topic, 'a');
      await history.settle('dead', topic, a);
      await history.put(topic, 'b', 'c', 'd');
      lab.clock.jump(1000);
      await history.write();
      checkSame(await history.ids([topic], 'dead'), ['a'], 'dead messages');
      checkSame(await history.ids([topic]), [], 'waiting messages');
    },
  },
  {
    id: 'HS-75',
    sentence: 'A requeued message waits whatever the bound of a topic that rejects.',
    async check(lab) {
      const history = await lab.open({ retention: [held('wait.>', { maxCount: 1 })] });
      const [a = 0] = await history.put(topic, 'a');
      await history.settle('dead', topic, a);
      await history.put(topic, 'b');
      checkSame(await history.settle('requeue', topic, a), [true], 'settled');
      await history.write();
      checkSame(await history.ids([topic]), ['a', 'b'], 'what waits');
      checkSame((await history.append(message(topic, 'c'))).appended[0]?.status, 'refused', 'the next message');
    },
  },
];
