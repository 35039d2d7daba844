import { systemClock } from '@hexbus/core';
import { check, checkRejects, checkSame } from '../support/check.ts';
import type { Rule } from '../support/rule.ts';
import { accept, type TransportLab, turns } from './lab.ts';

export const lifecycleRules: readonly Rule<TransportLab>[] = [
  {
    id: 'TR-01',
    sentence: 'A transport has a name and every verb of the port.',
    async check(lab) {
      const transport = await lab.create();
      check(typeof transport.name === 'string' && transport.name !== '', 'the name must not be empty');
      for (const verb of ['open', 'drain', 'close'] as const) {
        check(typeof transport[verb] === 'function', `${verb} must be a function`);
      }
    },
  },
  {
    id: 'TR-02',
    sentence: 'A transport opens once: a second open rejects with HEXBUS_CONFIG, and harms nothing.',
    async check(lab) {
      const transport = await lab.open();
      await checkRejects(() => transport.open(lab.host), 'HEXBUS_CONFIG', 'a second open');
      await lab.roundTrip(await lab.link(transport));
    },
  },
  {
    id: 'TR-03',
    sentence: 'A transport that was closed, also before it was open, stays closed: open rejects with HEXBUS_CLOSED.',
    async check(lab) {
      const idle = await lab.create();
      await idle.close();
      await checkRejects(() => idle.open(lab.host), 'HEXBUS_CLOSED', 'open after close');
      const open = await lab.open();
      await open.close();
      await checkRejects(() => open.open(lab.host), 'HEXBUS_CLOSED', 'open after close');
    },
  },
  {
    id: 'TR-04',
    sentence: 'close may be called in every state and any number of times, and always gives the same promise.',
    async check(lab) {
      const opening = await lab.create();
      const opened = opening.open(lab.host).catch(() => {});
      const open = await lab.open();
      await lab.link(open);
      for (const transport of [await lab.create(), opening, open]) {
        const closing = transport.close();
        check(transport.close() === closing, 'a second close must give the promise of the first');
        await lab.patience.of(closing, 'close resolves');
        check(transport.close() === closing, 'a late close must give the promise of the first');
      }
      await lab.patience.of(opened, 'open settles when the transport is closed meanwhile');
    },
  },
  {
    id: 'TR-05',
    sentence: 'drain may be called in every state and any number of times.',
    async check(lab) {
      const idle = await lab.create();
      idle.drain();
      const open = await lab.open();
      open.drain();
      open.drain();
      await open.close();
      open.drain();
    },
  },
  {
    id: 'TR-06',
    sentence: 'A transport that drains refuses new clients and does not ask the host; its carriers live on.',
    async check(lab) {
      const link = await lab.linked();
      link.transport.drain();
      for (let count = 0; count < 3; count++) {
        const answer = await lab.patience.of(lab.knock(link.transport).answer, 'the client is answered');
        check(!answer.accepted && answer.status === 503, `expected 503, got ${JSON.stringify(answer)}`);
      }
      checkSame(lab.visits.length, 1, 'how often the host was asked');
      await lab.roundTrip(link);
    },
  },
  {
    id: 'TR-07',
    sentence: 'close terminates what is left: when it resolves every listener was told, and every client sees the end.',
    async check(lab) {
      const transport = await lab.open();
      const links = [];
      for (let count = 0; count < 5; count++) links.push(await lab.link(transport));
      links[0]?.client.pause();
      await lab.patience.of(transport.close(), 'close resolves');
      for (const { visit } of links) checkSame(visit.ends.length, 1, 'how often closed was told');
      for (const { client } of links) {
        client.resume();
        const end = await lab.patience.of(client.closed, 'the client sees the end');
        checkSame(end.code, 1006, 'the code that the client sees');
      }
    },
  },
  {
    id: 'TR-08',
    sentence: 'A closed transport lets nobody in and asks no host.',
    async check(lab) {
      const transport = await lab.open();
      await lab.link(transport);
      await transport.close();
      const { accepted } = await lab.patience.of(lab.knock(transport).answer, 'the client is answered');
      check(!accepted, 'a closed transport let a client in');
      checkSame(lab.visits.length, 1, 'how often the host was asked');
    },
  },
  {
    id: 'TR-09',
    sentence:
      'Closed while clients connect, a transport aborts their signals, connects none, and abandons whom the host lets in.',
    async check(lab) {
      const transport = await lab.open();
      let answer = (): void => {};
      const decided = new Promise<void>((resolve) => {
        answer = resolve;
      });
      lab.answer = async (visit) => {
        await decided;
        return accept(visit);
      };
      const clients = Array.from({ length: 20 }, () => lab.knock(transport));
      await lab.patience.until(() => lab.visits.length === 20, 'the host is asked about 20 clients');
      await lab.patience.of(transport.close(), 'close resolves while the host still thinks');
      for (const { signal } of lab.visits) check(signal.aborted, 'a signal was not aborted');
      answer();
      await lab.patience.until(() => lab.visits.every(({ abandons }) => abandons === 1), 'all are abandoned');
      for (const { closed } of clients) await lab.patience.of(closed, 'the client sees the end');
      checkSame(
        lab.visits.map(({ connects }) => connects).filter((connects) => connects > 0),
        [],
        'who was connected',
      );
    },
  },
  {
    id: 'TR-10',
    sentence: 'Closed in the middle of a rush, a transport leaves no client in the dark and no link standing.',
    async check(lab) {
      for (let round = 0; round < 10; round++) {
        const transport = await lab.open();
        const clients = Array.from({ length: 10 }, () => lab.knock(transport));
        await turns(round);
        await lab.patience.of(transport.close(), 'close resolves');
        for (const { closed } of clients) await lab.patience.of(closed, 'the client sees the end');
        await new Promise<void>((resolve) => systemClock.nextTurn(resolve));
        for (const visit of lab.visits.splice(0)) {
          checkSame(visit.connects + visit.abandons, 1, 'connect or abandon, once');
          checkSame(visit.ends.length, visit.connects, 'closed, once for each that was connected');
        }
      }
    },
  },
];
