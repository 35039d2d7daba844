import type { Filter, StoredMessage } from '@hexbus/core';
import { check, checkSame } from '../support/check.ts';
import type { Rule } from '../support/rule.ts';
import { type HistoryLab, limits } from './lab.ts';
import { message, type OpenedHistory } from './opened.ts';

const created: Filter = ['order.created'];

function idsOf(messages: readonly StoredMessage[]): string {
  return messages.map(({ id }) => id).join('');
}

/** Ten messages on two topics, in turn: a, c, e, g, i on the first, b, d, f, h, j on the second. */
async function fill(history: OpenedHistory): Promise<number[]> {
  const positions: number[] = [];
  for (const [index, id] of [...'abcdefghij'].entries()) {
    positions.push(...(await history.put(index % 2 === 0 ? 'order.created' : 'order.paid', id)));
  }
  return positions;
}

/** Reads backwards page by page, and returns everything oldest first. */
async function allBackwards(history: OpenedHistory, filter: Filter, limit: number): Promise<StoredMessage[]> {
  const found: StoredMessage[] = [];
  for (let before = history.opened.position + 1_000_000; before > 1; ) {
    const page = await history.read(filter, { range: { before }, limit });
    check(page.through < before, `a page before ${before} looked back to ${page.through} only`);
    check(
      page.messages.every(({ position }) => position >= page.through && position < before),
      `a page before ${before} that looked back to ${page.through} holds messages outside`,
    );
    found.unshift(...page.messages);
    before = page.through;
  }
  return found;
}

export const readingRules: readonly Rule<HistoryLab>[] = [
  {
    id: 'HS-38',
    sentence: 'Reading after a position gives what follows it in the filter, oldest first, over all its topics.',
    async check(lab) {
      const history = await lab.open();
      const at = await fill(history);
      for (const after of [0, 3, 7, 10]) {
        const from = after === 0 ? 0 : (at[after - 1] ?? 0);
        const all = await history.all(['order.created', 'order.paid'], 'live', from);
        checkSame(idsOf(all), 'abcdefghij'.slice(after), `after message ${after} of both topics`);
        const odd = [...'acegi'].filter((id) => 'abcdefghij'.indexOf(id) >= after).join('');
        checkSame(idsOf(await history.all(created, 'live', from)), odd, `after message ${after} of one topic`);
      }
    },
  },
  {
    id: 'HS-39',
    sentence: 'A page holds at most limit messages: after a position the oldest ones.',
    async check(lab) {
      const history = await lab.open();
      await fill(history);
      for (const limit of [1, 2, 5, 6]) {
        const page = await history.read(created, { limit });
        check(page.messages.length <= limit, `a page of limit ${limit} holds ${page.messages.length}`);
        checkSame(idsOf(page.messages), 'acegi'.slice(0, page.messages.length), `a page of limit ${limit}`);
      }
    },
  },
  {
    id: 'HS-40',
    sentence: 'Reading before a position gives the newest ones that precede it, oldest first.',
    async check(lab) {
      const history = await lab.open();
      const at = await fill(history);
      const read = async (before: number, limit: number): Promise<string> =>
        idsOf((await history.read(['order.*'], { range: { before }, limit })).messages);
      checkSame(await read(at[5] ?? 0, 3), 'cde', 'three before f');
      checkSame(await read((at[9] ?? 0) + 1, 2), 'ij', 'two before the end');
      checkSame(await read((at[9] ?? 0) + 1000, 100), 'abcdefghij', 'all before a position above the head');
      checkSame(await read(at[0] ?? 0, 3), '', 'what precedes the first');
      const page = await history.read(created, { range: { before: at[5] ?? 0 }, limit: 2 });
      checkSame(idsOf(page.messages), 'ce', 'two of one topic before f');
      checkSame(page.trimmed, [], 'marks of a page before a position');
    },
  },
  {
    id: 'HS-41',
    sentence: 'A page holds a message if there is one, and ends once its bodies and attributes exceed maxBytes.',
    async check(lab) {
      const history = await lab.open();
      const body = JSON.stringify('x'.repeat(98));
      await history.append(...[...'abcdef'].map((id) => message('order.created', id, { body, attributes: body })));
      for (const maxBytes of [1, 150, 450, 10_000]) {
        for (const range of [{ after: 0 }, { before: 1_000_000 }]) {
          const { messages } = await history.read(created, { range, maxBytes });
          check(messages.length > 0, `a page of ${maxBytes} bytes is empty`);
          const withoutLast = (messages.length - 1) * 200;
          check(withoutLast <= maxBytes, `a page of ${maxBytes} bytes went on when it held ${withoutLast}`);
        }
      }
    },
  },
  {
    id: 'HS-42',
    sentence:
      'Below the head a page looks beyond its start, but never past a message of the filter that it does not hold.',
    async check(lab) {
      const history = await lab.open();
      const at = await fill(history);
      const head = at.at(-1) ?? 0;
      for (const filter of [created, ['order.paid'], ['order.*'], ['order.none']]) {
        for (const limit of [1, 3, 100]) {
          for (const after of [0, ...at]) {
            const { messages, through } = await history.read(filter, { range: { after }, limit });
            const where = `a page of ${filter.join()} after ${after}, limit ${limit}, looked through ${through}`;
            check(after >= head ? through === head : through > after && through <= head, where);
            const covered = (await history.all(filter, 'live', after)).filter(({ position }) => position <= through);
            checkSame(messages, covered, where);
          }
        }
      }
    },
  },
  {
    id: 'HS-43',
    sentence: 'Who reads on from through sees everything once and in order, forwards and backwards, with any limit.',
    async check(lab) {
      const history = await lab.open();
      await fill(history);
      for (const filter of [created, ['order.*'], ['order.paid', 'order.none']]) {
        const expected = idsOf(await history.all(filter));
        for (const limit of [1, 2, 4, 1000]) {
          let forwards = '';
          for (let after = 0, head = 1; after < head; ) {
            const page = await history.read(filter, { range: { after }, limit });
            check(page.through > after, `a page after ${after} looked through ${page.through}`);
            forwards += idsOf(page.messages);
            after = page.through;
            head = page.position;
          }
          checkSame(forwards, expected, `${filter.join()} forwards, limit ${limit}`);
          checkSame(
            idsOf(await allBackwards(history, filter, limit)),
            expected,
            `${filter.join()} backwards, limit ${limit}`,
          );
        }
      }
    },
  },
  {
    id: 'HS-44',
    sentence: 'A page tells the epoch and the head, also when it is empty or starts above the head.',
    async check(lab) {
      const history = await lab.open();
      const at = await fill(history);
      const head = at.at(-1) ?? 0;
      for (const range of [
        { after: 0 },
        { after: head },
        { after: head + 100 },
        { before: 1 },
        { before: head + 100 },
      ]) {
        const page = await history.read(['order.none'], { range });
        checkSame([page.epoch, page.position], [history.epoch, head], `epoch and head of ${JSON.stringify(range)}`);
        checkSame([page.messages, page.reasons], [[], []], 'messages and reasons');
      }
    },
  },
  {
    id: 'HS-45',
    sentence: 'A read of another epoch gives an empty page through 0, and tells the present epoch and head.',
    async check(lab) {
      const history = await lab.open({ retention: [limits('order.>', 2)] });
      const at = await fill(history);
      const present = { epoch: history.epoch, position: at.at(-1) };
      for (const range of [{ after: 0 }, { after: 4 }, { before: 100 }]) {
        const page = await history.read(['order.*'], { epoch: `${history.epoch}x`, range });
        checkSame(page, { ...present, messages: [], through: 0, trimmed: [], reasons: [] }, 'the page');
      }
    },
  },
  {
    id: 'HS-46',
    sentence: 'A filter matches by its names and patterns, and gives each message once.',
    async check(lab) {
      const history = await lab.open();
      for (const topic of ['a', 'a.b', 'a.b.c', 'b', 'b.b']) await history.put(topic, `[${topic}]`);
      const cases: readonly (readonly [Filter, string])[] = [
        [['a'], '[a]'],
        [['a.*'], '[a.b]'],
        [['a.>'], '[a.b][a.b.c]'],
        [['*.b'], '[a.b][b.b]'],
        [['*'], '[a][b]'],
        [['>'], '[a][a.b][a.b.c][b][b.b]'],
        [['a.*.c', 'b'], '[a.b.c][b]'],
        [['a.b', 'a.*', 'a.>', 'a.b'], '[a.b][a.b.c]'],
        [['a.b.c.d', 'A', 'a.b.*.>'], ''],
      ];
      for (const [filter, expected] of cases) checkSame(idsOf(await history.all(filter)), expected, filter.join());
    },
  },
  {
    id: 'HS-47',
    sentence: 'Patterns pass held topics by; their names do not.',
    async check(lab) {
      const history = await lab.open();
      const positions = await history.put('wait.order', 'a', 'b');
      await history.put('order.created', 'c');
      await history.settle('dead', 'wait.order', positions[0] ?? 0);
      for (const pattern of ['>', 'wait.>', 'wait.*', '*.order']) {
        const ids = await history.ids([pattern]);
        check(!ids.includes('b'), `${pattern} gives a message of a held topic`);
        checkSame(await history.ids([pattern], 'dead'), [], `dead messages of ${pattern}`);
      }
      checkSame(await history.ids(['wait.order', 'order.*']), ['b', 'c'], 'the held topic by its name');
      checkSame(
        (await history.locate(['wait.>'], { earliest: true })).start,
        history.opened.position + 3,
        'where wait.> starts',
      );
    },
  },
  {
    id: 'HS-48',
    sentence: 'A first token that begins with @ is matched only where it is written.',
    async check(lab) {
      const history = await lab.open();
      await history.put('@user.ann', 'a');
      await history.put('order.created', 'b');
      for (const pattern of ['>', '*.*', '*.ann', '*.>']) {
        check(!(await history.ids([pattern])).includes('a'), `${pattern} gives a message of @user.ann`);
      }
      for (const filter of [['@user.*'], ['@user.>'], ['@user.ann']]) {
        checkSame(await history.ids(filter), ['a'], filter.join());
      }
    },
  },
  {
    id: 'HS-49',
    sentence: 'Reading, locating and summarizing change nothing.',
    async check(lab) {
      const history = await lab.open({ retention: [limits('order.>', Infinity, 100)] });
      await history.put('order.created', 'a', 'b');
      lab.clock.jump(1000);
      await history.ids(['order.*']);
      await history.locate(created, { earliest: true });
      await history.store.summarize('order.created');
      lab.clock.jump(-1000);
      const page = await history.read(created);
      checkSame([idsOf(page.messages), page.trimmed], ['ab', []], 'messages and marks after reads at a later time');
    },
  },
  {
    id: 'HS-50',
    sentence: 'summarize tells count, first and last of a topic, and zeros for one that is unknown.',
    async check(lab) {
      const history = await lab.open();
      const at = await fill(history);
      const [waiting = 0, dead = 0, last = 0] = await history.put('wait.order', 'x', 'y', 'z');
      await history.settle('dead', 'wait.order', dead);
      const { store } = history;
      checkSame(
        await store.summarize('order.created'),
        { count: 5, dead: 0, first: at[0], last: at[8] },
        'order.created',
      );
      checkSame(await store.summarize('wait.order'), { count: 2, dead: 1, first: waiting, last }, 'wait.order');
      const nothing = { count: 0, dead: 0, first: undefined, last: undefined };
      checkSame(await store.summarize('order.none'), nothing, 'order.none');
    },
  },
];
