import { check, checkRejects, checkSame } from '../support/check.ts';
import type { Rule } from '../support/rule.ts';
import { a, type BrokerLab, b, longMs } from './lab.ts';

const disconnected = { status: 'disconnected' };

export const endRules: readonly Rule<BrokerLab>[] = [
  {
    id: 'BR-08',
    sentence: 'A node that has not joined, or has left, is not found at once.',
    async check(lab) {
      await lab.open(a);
      checkSame(await lab.request(b), { status: 'not-found' }, 'a node that has not joined');
      await lab.open(b);
      await lab.at(b).close(b);
      checkSame(await lab.request(b), { status: 'not-found' }, 'a node that has left');
      await lab.open(b);
      checkSame(await lab.request(b), { status: 'answered', text: `${b}: "?"` }, 'a node that joined again');
    },
  },
  {
    id: 'BR-09',
    sentence:
      'P29: a request without an answer ends as timeout after timeoutMs, and not before; a late answer changes nothing.',
    async check(lab) {
      await lab.open(a);
      const calls = await lab.openHeld(b);
      const asked = lab.ask(b, '"?"', 1000);
      await lab.called(calls, 1);
      await lab.pass(1000 - lab.toleranceMs);
      checkSame(asked.answer, undefined, 'the end before the timeout');
      await lab.pass(2 * lab.toleranceMs);
      checkSame(asked.answer, { status: 'timeout' }, 'the end after the timeout');
      calls[0]?.resolve('late');
      const next = lab.ask(b);
      await lab.called(calls, 2);
      calls[1]?.resolve('in time');
      checkSame(await next.promise, { status: 'answered', text: 'in time' }, 'the next request');
    },
  },
  {
    id: 'BR-10',
    sentence: 'A request with the timeout Infinity waits as long as the node is there.',
    async check(lab) {
      await lab.open(a);
      const calls = await lab.openHeld(b);
      const [first, second] = [lab.ask(b, '1', Infinity), lab.ask(b, '2', Infinity)];
      await lab.called(calls, 2);
      await lab.pass(longMs);
      checkSame([first.answer, second.answer], [undefined, undefined], 'the ends while the node is there');
      calls.find(({ request }) => request === '1')?.resolve('at last');
      checkSame(await first.promise, { status: 'answered', text: 'at last' }, 'the answer');
      await lab.at(b).close(b);
      checkSame(await second.promise, disconnected, 'the end when the node left');
    },
  },
  {
    id: 'BR-11',
    sentence:
      'P32: when a node leaves, what it was asked and has not answered ends as disconnected at once, and nothing else does.',
    async check(lab) {
      await lab.open(a);
      const calls = await lab.openHeld(b);
      const others = await lab.openHeld('node-c');
      const [first, second, other] = [lab.ask(b), lab.ask(b), lab.ask('node-c')];
      await lab.called(calls, 2);
      await lab.called(others, 1);
      await lab.at(b).close(b);
      for (const { promise } of [first, second]) checkSame(await promise, disconnected, 'what the node was asked');
      checkSame(other.answer, undefined, 'what another was asked');
      others[0]?.resolve('here');
      checkSame(await other.promise, { status: 'answered', text: 'here' }, 'the answer of the other');
    },
  },
  {
    id: 'BR-12',
    sentence: 'P31: a node that joined again answers by its new handler; what its former one says settles nothing.',
    async check(lab) {
      await lab.open(a);
      const former = await lab.openHeld(b);
      const before = lab.ask(b);
      await lab.called(former, 1);
      await lab.at(b).close(b);
      const calls = await lab.openHeld(b);
      const asked = lab.ask(b);
      await lab.called(calls, 1);
      former[0]?.resolve('of the former');
      checkSame(await before.promise, disconnected, 'what the former was asked');
      calls[0]?.resolve('of the present');
      checkSame(await asked.promise, { status: 'answered', text: 'of the present' }, 'what the present one was asked');
      checkSame(former.length, 1, 'calls of the former handler');
    },
  },
  {
    id: 'BR-13',
    sentence: 'A name under which a node has joined is refused with HEXBUS_NAME_TAKEN, and that node goes on.',
    async check(lab) {
      await lab.open(a);
      await lab.open(b);
      await checkRejects(
        () => lab.at(a).open(b, async () => 'thief'),
        'HEXBUS_NAME_TAKEN',
        'open under a name that is taken',
      );
      checkSame(await lab.request(b), { status: 'answered', text: `${b}: "?"` }, 'the answer of the node');
    },
  },
  {
    id: 'BR-14',
    sentence: 'close may be called in any state and any number of times.',
    async check(lab) {
      await lab.open(a);
      await lab.at(b).close(b);
      await lab.open(b);
      await Promise.all([lab.at(b).close(b), lab.at(b).close(b)]);
      await lab.at(b).close(b);
      checkSame(await lab.request(a), { status: 'answered', text: `${a}: "?"` }, 'the answer of the node that stayed');
    },
  },
  {
    id: 'BR-15',
    sentence: 'P30: a request that has ended leaves no timer behind, however it ended.',
    async check(lab) {
      await lab.open(a);
      const calls = await lab.openHeld(b);
      const asked = ['answered', 'rejected', 'left'].map((text) => lab.ask(b, text));
      await lab.called(calls, asked.length);
      calls.find(({ request }) => request === 'answered')?.resolve('');
      calls.find(({ request }) => request === 'rejected')?.reject(new Error('planted'));
      await Promise.all(asked.slice(0, 2).map(({ promise }) => promise));
      await lab.at(b).close(b);
      await asked[2]?.promise;
      await lab.request('unknown');
      check((lab.pendingTimers ?? 0) === 0, `no timer should be left, but there are ${lab.pendingTimers}`);
    },
  },
];
