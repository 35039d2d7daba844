import { check, checkSame } from '../support/check.ts';
import type { Rule } from '../support/rule.ts';
import { createFrameBatch } from './frame-batch.ts';
import { accept, type Link, type TransportLab } from './lab.ts';

/** No kernel keeps so much of one connection. */
const maxBatches = 16_384;
const text = 'x'.repeat(16_384);
/** The most that framing may add to a text. */
const framing = 64;

/** Sends to a client that reads nothing until a lot waits. Returns how many batches were taken. */
function fill({ visit, carrier }: Link): number {
  for (let count = 1; count <= maxBatches; count++) {
    const answer = visit.send(createFrameBatch(`${count} ${text}`));
    check(answer !== 'closed', 'the carrier was closed under a client that reads slowly');
    if (answer === 'queued' && carrier.bufferedBytes > 16 * text.length) return count;
  }
  throw new Error(`${maxBatches} batches of 16 KiB were sent to a client that reads nothing, and none waits`);
}

export const backpressureRules: readonly Rule<TransportLab>[] = [
  {
    id: 'TR-23',
    sentence: 'Sent means that nothing waits in this process, queued that something does.',
    async check(lab) {
      const link = await lab.linked();
      link.client.pause();
      for (let count = 0; count < 500; count++) {
        const answer = link.visit.send(createFrameBatch(text));
        const { bufferedBytes } = link.carrier;
        checkSame(answer, bufferedBytes === 0 ? 'sent' : 'queued', `the answer while ${bufferedBytes} bytes wait`);
      }
    },
  },
  {
    id: 'TR-24',
    sentence:
      'A client that reads nothing makes send answer queued; when it reads again drained is told, and everything arrives in order.',
    async check(lab) {
      const link = await lab.linked();
      const { client, visit, carrier } = link;
      client.pause();
      const count = fill(link);
      check(carrier.bufferedBytes > 0, 'bufferedBytes must tell what waits');
      checkSame(visit.drains, 0, 'how often drained was told');
      client.resume();
      await lab.patience.until(() => visit.drains > 0, 'drained is told');
      checkSame(carrier.bufferedBytes, 0, 'bufferedBytes');
      for (let n = 1; n <= count; n++) check((await lab.next(client)) === `${n} ${text}`, `batch ${n} is missing`);
    },
  },
  {
    id: 'TR-25',
    sentence:
      'drained is told once for all that was queued, again when something was queued again, and never otherwise.',
    async check(lab) {
      const link = await lab.linked();
      const { client, visit } = link;
      for (let round = 1; round <= 3; round++) {
        client.pause();
        const count = fill(link);
        for (let more = 0; more < 5; more++) visit.send(createFrameBatch('more'));
        client.resume();
        await lab.patience.until(() => visit.drains >= round, 'drained is told');
        for (let n = 0; n < count + 5; n++) await lab.next(client);
        checkSame(visit.drains, round, 'how often drained was told');
      }
    },
  },
  {
    id: 'TR-26',
    sentence: 'bufferedBytes grows by what is queued, and by little more.',
    async check(lab) {
      const link = await lab.linked();
      link.client.pause();
      fill(link);
      const before = link.carrier.bufferedBytes;
      for (let count = 0; count < 64; count++) link.visit.send(createFrameBatch(text));
      const grown = link.carrier.bufferedBytes - before;
      check(
        grown >= 32 * text.length && grown <= 64 * (text.length + framing),
        `64 batches of 16 KiB made it grow by ${grown}`,
      );
    },
  },
  {
    id: 'TR-27',
    sentence: 'A client that reads slowly holds up no other.',
    async check(lab) {
      const slow = await lab.linked();
      const quick = await lab.link(slow.transport);
      slow.client.pause();
      fill(slow);
      for (let count = 0; count < 10; count++) await lab.roundTrip(quick);
    },
  },
  {
    id: 'TR-28',
    sentence: 'A paused carrier reads nothing more, though it still sends; resumed, it receives everything in order.',
    async check(lab) {
      const link = await lab.linked();
      const { client, visit } = link;
      const total = 300;
      visit.onText = () => visit.carrier.pause();
      for (let count = 0; count < total; count++) client.send(`${count} ${text}`);
      await lab.patience.until(() => visit.texts.length > 0, 'a text is received');
      for (let count = 0; count < 50; count++) {
        visit.send(createFrameBatch(`still sending ${count}`));
        await lab.next(client);
      }
      // A chunk of the network may have been read whole.
      check(visit.texts.length <= total / 2, `${visit.texts.length} of ${total} texts came to a paused carrier`);
      visit.onText = () => {};
      visit.call((carrier) => carrier.resume());
      await lab.patience.until(() => visit.texts.length === total, 'all texts are received');
      for (const [index, got] of visit.texts.entries()) check(got === `${index} ${text}`, `text ${index} is missing`);
    },
  },
  {
    id: 'TR-29',
    sentence: 'A carrier paused inside connect receives nothing before it is resumed.',
    async check(lab) {
      const transport = await lab.open();
      lab.answer = (visit) => {
        visit.onConnect = (carrier) => carrier.pause();
        return accept(visit);
      };
      const visiting = lab.visit();
      const client = lab.knock(transport);
      const visit = await visiting;
      await lab.patience.of(client.answer, 'the client is answered');
      client.send('hello');
      await lab.patience.until(() => visit.connects > 0, 'connect is called');
      for (let count = 0; count < 20; count++) {
        visit.send(createFrameBatch('still sending'));
        await lab.next(client);
      }
      checkSame(visit.texts, [], 'the texts received');
      visit.call((carrier) => carrier.resume());
      await lab.patience.until(() => visit.texts.length > 0, 'the text is received');
      checkSame(visit.texts, ['hello'], 'the texts received');
    },
  },
  {
    id: 'TR-30',
    sentence: 'terminate frees at once what was queued.',
    async check(lab) {
      const link = await lab.linked();
      link.client.pause();
      fill(link);
      link.visit.call((carrier) => carrier.terminate());
      checkSame(link.carrier.bufferedBytes, 0, 'bufferedBytes');
      await lab.ended(link);
      checkSame(link.visit.drains, 0, 'how often drained was told');
    },
  },
];
