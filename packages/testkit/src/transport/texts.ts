import { check, checkSame } from '../support/check.ts';
import type { Rule } from '../support/rule.ts';
import { createFrameBatch } from './frame-batch.ts';
import { accept, type TransportLab } from './lab.ts';

/** None holds a line break, as frames do not. */
const oddTexts: readonly string[] = [
  'a',
  ' ',
  '[1,{"v":1}]',
  '["line one\\nline two\\r\\nline three"]',
  'data: not a field',
  ': not a comment ',
  '\ufeff a mark',
  'ünïcödé 漢字 🚌 \u0085 \u2028 \u2029 \u0000 \ufeff',
  '🚌'.repeat(40),
  ...[125, 126, 127, 4_096, 60_000].map((length) => 'x'.repeat(length)),
];

export const textRules: readonly Rule<TransportLab>[] = [
  {
    id: 'TR-18',
    sentence: 'What a client sends is received whole, in order, one call for each text.',
    async check(lab) {
      const { client, visit } = await lab.linked();
      for (const text of oddTexts) client.send(text);
      for (let count = 0; count < 500; count++) client.send(`n${count}`);
      await lab.patience.until(() => visit.texts.length >= oddTexts.length + 500, 'all texts are received');
      checkSame(visit.texts.slice(0, oddTexts.length), oddTexts, 'the texts received');
      checkSame(
        visit.texts.slice(oddTexts.length),
        Array.from({ length: 500 }, (_, count) => `n${count}`),
        'the texts received',
      );
    },
  },
  {
    id: 'TR-19',
    sentence: 'The frames of a batch arrive one by one, whole and in order, and so do batches.',
    async check(lab) {
      const { client, visit } = await lab.linked();
      visit.send(createFrameBatch(...oddTexts));
      for (const text of oddTexts) visit.send(createFrameBatch(text));
      for (const text of [...oddTexts, ...oddTexts]) checkSame(await lab.next(client), text, 'a text');
    },
  },
  {
    id: 'TR-20',
    sentence: 'A batch that many are sent is encoded by one function, and reaches each of them unchanged.',
    async check(lab) {
      const transport = await lab.open();
      const links = [];
      for (let count = 0; count < 5; count++) links.push(await lab.link(transport));
      const encoders = new Set<unknown>();
      const batch = createFrameBatch('first', 'second');
      const watched: typeof batch = {
        ...batch,
        encoded(encode) {
          encoders.add(encode);
          return batch.encoded(encode);
        },
      };
      for (let round = 0; round < 3; round++) {
        for (const { visit } of links) visit.send(watched);
      }
      for (const { client } of links) {
        for (let round = 0; round < 3; round++) {
          checkSame([await lab.next(client), await lab.next(client)], ['first', 'second'], 'the texts');
        }
      }
      check(encoders.size <= 1, `the batch was encoded by ${encoders.size} functions`);
    },
  },
  {
    id: 'TR-21',
    sentence: 'A carrier can be used inside connect, and what the client sent at once is received after it.',
    async check(lab) {
      const transport = await lab.open();
      lab.answer = (visit) => {
        visit.onConnect = () => visit.send(createFrameBatch('welcome'));
        return accept(visit);
      };
      const visiting = lab.visit();
      const client = lab.knock(transport);
      const visit = await visiting;
      await lab.patience.of(client.answer, 'the client is answered');
      client.send('hello');
      checkSame(await lab.next(client), 'welcome', 'the first text');
      await lab.patience.until(() => visit.texts.length > 0, 'a text is received');
      checkSame(visit.texts, ['hello'], 'the texts received');
    },
  },
  {
    id: 'TR-22',
    sentence: 'Texts reach the client they were sent to, and no other; each listener hears its own.',
    async check(lab) {
      const transport = await lab.open();
      const links = [];
      for (let count = 0; count < 20; count++) links.push(await lab.link(transport));
      for (const [index, { client, visit }] of links.entries()) {
        client.send(`up ${index}`);
        visit.send(createFrameBatch(`down ${index}`));
      }
      for (const [index, { client, visit }] of links.entries()) {
        checkSame(await lab.next(client), `down ${index}`, 'the text of the client');
        await lab.patience.until(() => visit.texts.length > 0, 'a text is received');
        checkSame(visit.texts, [`up ${index}`], 'the texts received');
      }
    },
  },
];
