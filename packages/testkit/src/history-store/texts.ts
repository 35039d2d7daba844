import { checkSame } from '../support/check.ts';
import type { Rule } from '../support/rule.ts';
import type { HistoryLab } from './lab.ts';
import { message } from './opened.ts';

/** JSON that a store which parses, normalises or re-encodes would give back otherwise. */
const bodies: readonly string[] = [
  '{ "spaced" : [ 1.0, 1e3, -0 ] }\n',
  '{"twice":1,"twice":2}',
  '{"2":"b","1":"a"}',
  '{"__proto__":{"polluted":true},"constructor":null}',
  '"\\ud800 alone, \\udfff too, \\u0000 and \\u00e9"',
  '"é, e\u0301, 漢字, 🚌, \u2028, \ufeff"',
  '12345678901234567890123.10',
  '"\'; drop table messages; --"',
  'null',
  '""',
];

export const textRules: readonly Rule<HistoryLab>[] = [
  {
    id: 'HS-33',
    sentence: 'The JSON texts of bodies and attributes come back character for character.',
    async check(lab) {
      const history = await lab.open();
      for (const topic of ['order.created', 'wait.order']) {
        await history.append(...bodies.map((body, n) => message(topic, `m${n}`, { body, attributes: body })));
        const read = await history.all([topic]);
        for (const [n, body] of bodies.entries()) {
          checkSame([read[n]?.body, read[n]?.attributes], [body, body], `body and attributes of ${topic}`);
        }
      }
    },
  },
  {
    id: 'HS-34',
    sentence: 'A body of 1 MB comes back whole.',
    async check(lab) {
      const history = await lab.open();
      const body = JSON.stringify('0123456789abcde🚌'.repeat(55_000));
      await history.append(message('order.created', 'big', { body }));
      const [read] = await history.all(['order.created']);
      checkSame(read?.body.length, body.length, 'the length of the body');
      checkSame(read?.body === body, true, 'whether the body is the same');
    },
  },
  {
    id: 'HS-35',
    sentence: 'Ids, types and attributes come back as they were given, and what was not given stays absent.',
    async check(lab) {
      const history = await lab.open();
      const given = [
        message('order.created', 'plain'),
        message('order.created', 'typed', { type: 'OrderCreated' }),
        message('order.created', 'with attributes', { attributes: '{"sender":"ann","headers":{"k":"v"}}' }),
        message('wait.order', 'é 🚌 \'"\\%_', { type: '漢字', attributes: '{}' }),
        message('wait.order', '__proto__', { type: 'constructor' }),
      ];
      await history.append(...given);
      const read = await history.all(['order.created', 'wait.order']);
      const expected = given.map(({ deduplicate: _, ...rest }) => rest);
      checkSame(
        read.map(({ position: _, time: __, ...rest }) => rest),
        expected,
        'messages',
      );
    },
  },
  {
    id: 'HS-36',
    sentence: 'Topics and cursor names are compared character for character, whatever they look like.',
    async check(lab) {
      const history = await lab.open();
      const topics = [
        '__proto__',
        'constructor',
        'a_b',
        'aXb',
        'a%',
        'axx',
        'A_b',
        '[a]',
        'a?',
        'é',
        'e\u0301',
        "a'b",
        'a"b',
      ];
      for (const topic of topics) await history.put(topic, topic);
      for (const topic of topics) {
        checkSame(await history.ids([topic]), [topic], `messages of ${topic}`);
        checkSame((await history.store.summarize(topic)).count, 1, `count of ${topic}`);
      }
      checkSame((await history.store.summarize('toString')).count, 0, 'count of toString');
      const cursors = topics.map((name, position) => ({ name, epoch: 'e', position, filter: [name] }));
      await history.write({ commitCursors: cursors });
      for (const cursor of cursors) checkSame(await history.store.loadCursor(cursor.name), cursor, 'cursor');
      checkSame(await history.store.loadCursor('toString'), undefined, 'a cursor named toString');
    },
  },
  {
    id: 'HS-37',
    sentence: 'What was returned does not change later, and what was passed may be changed by its owner.',
    async check(lab) {
      const history = await lab.open();
      const filter = ['order.>'];
      const cursor = { name: 'billing', epoch: history.epoch, position: 1, filter };
      const draft = { ...message('order.created', 'a') };
      const positions = await history.put('wait.order', 'w');
      // Past the helper, which would freeze them.
      await history.store.write({
        epoch: history.epoch,
        append: [draft],
        settle: [],
        commitCursors: [cursor],
        deleteCursors: [],
      });
      filter.push('more');
      cursor.position = 2;
      draft.body = '"changed"';
      const page = await history.read(['order.created', 'wait.order']);
      const loaded = await history.store.loadCursor('billing');
      const summary = await history.store.summarize('wait.order');
      const before = structuredClone({ page, loaded, summary });
      checkSame(before.loaded, { ...cursor, position: 1, filter: ['order.>'] }, 'the cursor as it was committed');
      checkSame(
        before.page.messages.map(({ body }) => body),
        ['"w"', '"a"'],
        'bodies',
      );
      await history.settle('dead', 'wait.order', ...positions);
      await history.put('order.created', 'b');
      await history.write({ commitCursors: [{ ...cursor, position: 9 }] });
      checkSame({ page, loaded, summary }, before, 'what was returned before');
    },
  },
];
