import { check, checkSame } from '../support/check.ts';
import type { Rule } from '../support/rule.ts';
import { accept, type TransportLab, turns } from './lab.ts';

export const admissionRules: readonly Rule<TransportLab>[] = [
  {
    id: 'TR-11',
    sentence:
      'The host is asked once about each client, with what it said: query, headers by lower-case name, address, protocols in order.',
    async check(lab) {
      const transport = await lab.open();
      const { visit, client } = await lab.link(transport, {
        query: '?ticket=a%20b&c',
        protocols: ['lab.v2', 'lab.v1'],
        headers: { 'X-Lab': 'Yes', cookie: 'a=b; c=d' },
      });
      checkSame(lab.visits.length, 1, 'how often the host was asked');
      const { handshake } = visit;
      checkSame(handshake.transport, transport.name, 'transport');
      check(handshake.url.startsWith('/') && handshake.url.endsWith('?ticket=a%20b&c'), `the url is ${handshake.url}`);
      checkSame(handshake.headers['x-lab'], 'Yes', 'a header');
      checkSame(handshake.headers['cookie'], 'a=b; c=d', 'the cookies');
      checkSame(handshake.protocols, ['lab.v2', 'lab.v1'], 'the protocols');
      check(handshake.address !== '', 'the address must not be empty');
      checkSame(await client.answer, { accepted: true, protocol: 'lab.v2' }, 'the answer');
    },
  },
  {
    id: 'TR-12',
    sentence:
      'The client is told the protocol that the host chose; the carrier bears it, and the handshake that the host saw.',
    async check(lab) {
      const transport = await lab.open();
      lab.answer = (visit) => visit.accept('lab.v1');
      const { carrier, client, visit } = await lab.link(transport, { protocols: ['lab.v2', 'lab.v1'] });
      checkSame(await client.answer, { accepted: true, protocol: 'lab.v1' }, 'the answer');
      checkSame(carrier.protocol, 'lab.v1', 'the protocol of the carrier');
      check(carrier.handshake === visit.handshake, 'the carrier must bear the same handshake');
    },
  },
  {
    id: 'TR-13',
    sentence: 'A client that names no protocol is let in with the one of the host.',
    async check(lab) {
      const transport = await lab.open();
      lab.answer = (visit) => visit.accept('lab.v7');
      const link = await lab.link(transport, { protocols: [] });
      checkSame(link.visit.handshake.protocols, [], 'the protocols');
      checkSame(link.carrier.protocol, 'lab.v7', 'the protocol of the carrier');
      await lab.roundTrip(link);
    },
  },
  {
    id: 'TR-14',
    sentence: 'Whom the host refuses is told the status and when to try again, and is neither connected nor abandoned.',
    async check(lab) {
      const transport = await lab.open();
      for (const status of [400, 401, 403, 429, 503] as const) {
        for (const retryAfterMs of [undefined, 5_000]) {
          lab.answer = () => ({ accepted: false, status, reason: 'the lab says no', retryAfterMs });
          const client = lab.knock(transport);
          const answer = await lab.patience.of(client.answer, 'the client is answered');
          check(!answer.accepted, `${status} let the client in`);
          checkSame(answer.status, status, 'the status');
          checkSame(answer.retryAfterMs, retryAfterMs, 'when to try again');
          checkSame((await lab.patience.of(client.closed, 'the client sees the end')).code, 1006, 'the code');
        }
      }
      for (const { connects, abandons } of lab.visits) checkSame([connects, abandons], [0, 0], 'connect and abandon');
    },
  },
  {
    id: 'TR-15',
    sentence: 'A host that takes its time about one client holds up no other.',
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
      const visiting = lab.visit();
      const first = lab.knock(transport);
      const slow = await visiting;
      lab.answer = accept;
      await lab.roundTrip(await lab.link(transport));
      checkSame([slow.connects, slow.signal.aborted], [0, false], 'the client that waits is neither in nor given up');
      answer();
      checkSame((await lab.patience.of(first.answer, 'the first is answered')).accepted, true, 'accepted');
      await lab.patience.until(() => slow.connects === 1, 'connect is called');
    },
  },
  {
    id: 'TR-16',
    sentence: 'A client that goes while the host thinks aborts the signal; it is abandoned once and never connected.',
    async check(lab) {
      const transport = await lab.open();
      for (let count = 0; count < 200; count++) {
        let answer = (): void => {};
        const decided = new Promise<void>((resolve) => {
          answer = resolve;
        });
        lab.answer = async (visit) => {
          await decided;
          return accept(visit);
        };
        const visiting = lab.visit();
        const client = lab.knock(transport);
        const visit = await visiting;
        client.reset();
        await lab.patience.until(() => visit.signal.aborted, 'the signal is aborted');
        answer();
        await lab.patience.until(() => visit.connects + visit.abandons > 0, 'abandon is called');
        checkSame([visit.connects, visit.abandons], [0, 1], 'connect and abandon');
      }
    },
  },
  {
    id: 'TR-17',
    sentence:
      'Of a client that resets while the host says yes, connect and closed are told, or abandon; nothing is thrown.',
    async check(lab) {
      const transport = await lab.open();
      for (let count = 0; count < 100; count++) {
        const visiting = lab.visit();
        lab.answer = async (visit) => {
          await turns(count % 3);
          client.reset();
          return accept(visit);
        };
        const client = lab.knock(transport);
        const visit = await visiting;
        await lab.patience.until(() => visit.abandons + visit.ends.length > 0, 'abandon or closed is told');
        checkSame(visit.connects + visit.abandons, 1, 'connect or abandon, once');
      }
    },
  },
];
