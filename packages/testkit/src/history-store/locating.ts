import { check, checkSame } from '../support/check.ts';
import type { Rule } from '../support/rule.ts';
import { type HistoryLab, limits } from './lab.ts';

export const locatingRules: readonly Rule<HistoryLab>[] = [
  {
    id: 'HS-51',
    sentence: 'earliest is the position before the first message of the filter that exists.',
    async check(lab) {
      const history = await lab.open({ retention: [limits('order.>', 2)] });
      const [first = 0] = await history.put('order.paid', 'a');
      const [, second = 0] = await history.put('order.created', 'b', 'c', 'd');
      const start = async (...filter: string[]): Promise<number> =>
        (await history.locate(filter, { earliest: true })).start;
      checkSame(await start('order.paid'), first - 1, 'order.paid');
      checkSame(await start('order.created'), second - 1, 'order.created');
      checkSame(await start('order.created', 'order.paid'), first - 1, 'both');
      checkSame(await start('order.*'), first - 1, 'order.*');
    },
  },
  {
    id: 'HS-52',
    sentence: 'last n is the position before the last n messages, counted over the whole filter.',
    async check(lab) {
      const history = await lab.open();
      for (const [topic, id] of [
        ['a', '1'],
        ['b', '2'],
        ['b', '3'],
        ['c', '4'],
        ['b', '5'],
        ['a', '6'],
      ] as const) {
        await history.put(topic, id);
      }
      for (const filter of [['a'], ['a', 'b'], ['*'], ['b', '*']]) {
        const all = await history.ids(filter);
        for (const last of [1, 2, 3, 100]) {
          checkSame(await history.idsFrom(filter, { last }), all.slice(-last), `last ${last} of ${filter.join()}`);
        }
      }
      const [third] = (await history.all(['*'])).slice(-3);
      const { start } = await history.locate(['*'], { last: 3 });
      checkSame(start, (third?.position ?? 0) - 1, 'the start of the last 3');
    },
  },
  {
    id: 'HS-53',
    sentence: 'since t is the position before the first message of the filter whose time is t or later.',
    async check(lab) {
      const history = await lab.open();
      const begin = lab.clock.now();
      const at: number[] = [];
      for (const [index, topic] of ['a', 'b', 'a', 'a'].entries()) {
        at.push(...(await history.put(topic, `${index}`)));
        // The third and the fourth share their time.
        if (index !== 2) lab.clock.jump(10);
      }
      const { position: head } = await history.read(['a']);
      const cases = [
        [['a'], -5, at[0]],
        [['a'], 0, at[0]],
        [['a'], 1, at[2]],
        [['a', 'b'], 1, at[1]],
        [['b'], 10, at[1]],
        [['*'], 20, at[2]],
        [['a'], 21, head + 1],
        [['b'], 11, head + 1],
      ] as const;
      for (const [filter, offset, first] of cases) {
        const { start } = await history.locate(filter, { since: begin + offset });
        checkSame(start, (first ?? 0) - 1, `the start of ${filter.join()} since ${offset} ms`);
      }
    },
  },
  {
    id: 'HS-54',
    sentence: 'Where nothing is there to start before, the start is the head.',
    async check(lab) {
      const history = await lab.open();
      checkSame((await history.locate(['a'], { earliest: true })).start, 0, 'the start in an empty history');
      const [, head = 0] = await history.put('b', '1', '2');
      for (const from of [{ earliest: true }, { last: 3 }, { since: 0 }] as const) {
        checkSame((await history.locate(['a'], from)).start, head, `the start for ${JSON.stringify(from)}`);
      }
      checkSame((await history.locate(['b'], { last: 0 })).start, head, 'the start of the last 0');
    },
  },
  {
    id: 'HS-55',
    sentence: 'locate tells the epoch, the head, and the marks above the start.',
    async check(lab) {
      const history = await lab.open({ retention: [limits('short.>', 1), limits('>')] });
      await history.put('long', '1');
      const [, gone = 0] = await history.put('short.a', '2', '3', '4');
      const { head } = await history.write();
      const expected = { epoch: history.epoch, position: head };
      const early = await history.locate(['long', 'short.a'], { earliest: true });
      checkSame(early, { ...expected, start: 0, trimmed: [{ topic: 'short.a', through: gone }] }, 'earliest of both');
      const late = await history.locate(['short.a'], { earliest: true });
      checkSame(late, { ...expected, start: gone, trimmed: [] }, 'earliest of the trimmed one');
      check((await history.locate(['long'], { last: 1 })).trimmed.length === 0, 'a mark of a topic outside the filter');
    },
  },
  {
    id: 'HS-56',
    sentence: 'A locate of another epoch answers start 0 and no marks, and tells the present epoch and head.',
    async check(lab) {
      const history = await lab.open({ retention: [limits('>', 1)] });
      const [, position] = await history.put('a', '1', '2');
      const query = { epoch: `${history.epoch}x`, filter: ['a'], from: { last: 1 } };
      const located = await history.store.locate(query);
      checkSame(located, { epoch: history.epoch, position, start: 0, trimmed: [] }, 'the answer');
    },
  },
];
