import { check, checkSame } from '../support/check.ts';
import type { Rule } from '../support/rule.ts';
import { createFrameBatch } from './frame-batch.ts';
import { accept, type Link, type TransportLab, turns } from './lab.ts';

/** What a carrier answers when it is over: everything, without effect. */
function checkOver({ visit }: Link): void {
  checkSame(visit.send(createFrameBatch('late')), 'closed', 'send');
  checkSame(
    visit.call((carrier) => carrier.bufferedBytes),
    0,
    'bufferedBytes',
  );
  visit.call((carrier) => carrier.pause());
  visit.call((carrier) => carrier.resume());
  visit.call((carrier) => carrier.close(4000, 'again'));
  visit.call((carrier) => carrier.terminate());
}

export const endingRules: readonly Rule<TransportLab>[] = [
  {
    id: 'TR-31',
    sentence: 'A client that closes is told as closed, with its code and reason, after everything that it sent.',
    async check(lab) {
      const link = await lab.linked();
      for (let count = 0; count < 100; count++) link.client.send(`n${count}`);
      link.client.close(4321, 'because ü');
      await lab.ended(link);
      checkSame(link.visit.texts.length, 100, 'the texts received before closed');
      checkSame(link.visit.ends, [{ code: 4321, reason: 'because ü' }], 'closed');
      checkSame((await lab.patience.of(link.client.closed, 'the client sees the end')).code, 4321, 'the code');
    },
  },
  {
    id: 'TR-32',
    sentence: 'A client that resets is told as closed with 1006.',
    async check(lab) {
      const link = await lab.linked();
      link.client.reset();
      await lab.ended(link);
      checkSame(link.visit.ends, [{ code: 1006, reason: '' }], 'closed');
    },
  },
  {
    id: 'TR-33',
    sentence:
      'close ends after what was sent: the client gets it all, then code and reason, and closed is told with the same.',
    async check(lab) {
      const link = await lab.linked();
      for (let count = 0; count < 100; count++) {
        link.visit.send(createFrameBatch(`n${count}`));
      }
      link.visit.call((carrier) => carrier.close(4109, 'enough ü'));
      for (let count = 0; count < 100; count++) checkSame(await lab.next(link.client), `n${count}`, 'a text');
      const end = await lab.patience.of(link.client.closed, 'the client sees the end');
      checkSame(end, { code: 4109, reason: 'enough ü' }, 'the end that the client sees');
      await lab.ended(link);
      checkSame(link.visit.ends, [{ code: 4109, reason: 'enough ü' }], 'closed');
    },
  },
  {
    id: 'TR-34',
    sentence: 'After close nothing is sent, and what comes in is dropped.',
    async check(lab) {
      const link = await lab.linked();
      for (let count = 0; count < 20; count++) link.client.send(`n${count}`);
      await lab.patience.until(() => link.visit.texts.length === 20, 'the texts are received');
      for (let count = 0; count < 20; count++) link.client.send(`late ${count}`);
      link.visit.call((carrier) => carrier.close(4109, ''));
      checkSame(link.visit.send(createFrameBatch('late')), 'closed', 'send after close');
      await lab.ended(link);
      checkSame(link.visit.texts.length, 20, 'how many texts were received');
      await lab.patience.of(link.client.closed, 'the client sees the end');
    },
  },
  {
    id: 'TR-35',
    sentence: 'terminate ends at once: the client sees 1006, and so is closed told.',
    async check(lab) {
      const link = await lab.linked();
      link.visit.call((carrier) => carrier.terminate());
      checkSame(link.visit.send(createFrameBatch('late')), 'closed', 'send after terminate');
      await lab.ended(link);
      checkSame(link.visit.ends, [{ code: 1006, reason: '' }], 'closed');
      checkSame((await lab.patience.of(link.client.closed, 'the client sees the end')).code, 1006, 'the code');
    },
  },
  {
    id: 'TR-36',
    sentence: 'A close that the client does not take can be followed by terminate, and then keeps its code.',
    async check(lab) {
      const link = await lab.linked();
      link.client.pause();
      for (let count = 0; count < 4_096; count++) {
        if (link.visit.send(createFrameBatch('x'.repeat(16_384))) === 'queued') break;
      }
      link.visit.call((carrier) => carrier.close(4109, 'slow'));
      link.visit.call((carrier) => carrier.terminate());
      checkSame(link.carrier.bufferedBytes, 0, 'bufferedBytes');
      await lab.ended(link);
      checkSame(link.visit.ends, [{ code: 4109, reason: 'slow' }], 'closed');
      link.client.resume();
      checkSame((await lab.patience.of(link.client.closed, 'the client sees the end')).code, 1006, 'the code');
    },
  },
  {
    id: 'TR-37',
    sentence: 'A carrier that is over answers every verb, without effect and without throwing.',
    async check(lab) {
      const ends: ((link: Link) => void)[] = [
        ({ client }) => client.close(1000, ''),
        ({ client }) => client.reset(),
        ({ visit }) => visit.call((carrier) => carrier.close(1012, 'restart')),
        ({ visit }) => visit.call((carrier) => carrier.terminate()),
      ];
      const transport = await lab.open();
      for (const end of ends) {
        const link = await lab.link(transport);
        end(link);
        await lab.ended(link);
        checkOver(link);
        await turns(3);
        checkSame(link.visit.ends.length, 1, 'how often closed was told');
      }
    },
  },
  {
    id: 'TR-38',
    sentence: 'Whoever ends a link at the same time as somebody else, closed is told once, and nothing after it.',
    async check(lab) {
      const ends: ((link: Link) => void)[] = [
        ({ client }) => client.close(4001, 'client'),
        ({ client }) => client.reset(),
        ({ client }) => client.send('a last word'),
        ({ visit }) => visit.call((carrier) => carrier.close(4002, 'server')),
        ({ visit }) => visit.call((carrier) => carrier.terminate()),
        ({ visit }) => visit.send(createFrameBatch('a last word')),
      ];
      const transport = await lab.open();
      for (const first of ends) {
        for (const second of ends) {
          const link = await lab.link(transport);
          first(link);
          second(link);
          link.visit.call((carrier) => carrier.terminate());
          await lab.ended(link);
          checkOver(link);
          await lab.patience.of(link.client.closed, 'the client sees the end');
          checkSame(link.visit.ends.length, 1, 'how often closed was told');
        }
      }
    },
  },
  {
    id: 'TR-39',
    sentence: 'close and terminate can be called inside connect and inside a listener call.',
    async check(lab) {
      const transport = await lab.open();
      for (const end of ['close', 'terminate'] as const) {
        lab.answer = (visit) => {
          visit.onConnect = (carrier) => visit.call(() => carrier[end](4109, 'at once'));
          return accept(visit);
        };
        const visiting = lab.visit();
        const client = lab.knock(transport);
        const visit = await visiting;
        await lab.patience.of(client.closed, 'the client sees the end');
        await lab.patience.until(() => visit.ends.length > 0, 'closed is told');

        lab.answer = accept;
        const link = await lab.link(transport);
        link.visit.onText = () => link.visit.call((carrier) => carrier[end](4109, 'at once'));
        link.client.send('first');
        link.client.send('second');
        await lab.ended(link);
        checkSame(link.visit.texts, ['first'], 'the texts received');
      }
    },
  },
  {
    id: 'TR-40',
    sentence: 'No code and no reason makes close throw.',
    async check(lab) {
      const transport = await lab.open();
      const odd = [
        [1006, 'may not be sent'],
        [0, ''],
        [-1, ''],
        [1.5, ''],
        [Number.NaN, ''],
        [99_999, ''],
        [4000, 'ü'.repeat(500)],
        [4000, `${'x'.repeat(122)}🚌`],
      ] as const;
      for (const [code, reason] of odd) {
        const link = await lab.link(transport);
        link.visit.call((carrier) => carrier.close(code, reason));
        await lab.ended(link);
        const end = await lab.patience.of(link.client.closed, 'the client sees the end');
        check(!end.reason.includes('\ufffd'), 'the reason was cut inside a character');
      }
    },
  },
];
