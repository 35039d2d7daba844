import { check, checkRejects, checkSame } from '../support/check.ts';
import type { Rule } from '../support/rule.ts';
import { a, answered, type BrokerLab, b, longMs } from './lab.ts';

const disconnected = { status: 'disconnected' } as const;
const notFound = { status: 'not-found' } as const;

export const endRules: readonly Rule<BrokerLab>[] = [
  {
    id: 'BR-08',
    sentence: 'A node that has not joined, or has left, is not found at once.',
    async check(lab) {
      await lab.open(a);
      await lab.checkEnd(lab.ask(b), notFound, 'a node that has not joined');
      await lab.open(b);
      await lab.at(b).close(b);
      await lab.checkEnd(lab.ask(b), notFound, 'a node that has left');
      await lab.open(b);
      await lab.checkEnd(lab.ask(b), answered(b), 'a node that joined again');
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
      checkSame(asked.end, undefined, 'the end before the timeout');
      await lab.pass(2 * lab.toleranceMs);
      await lab.checkEnd(asked, { status: 'timeout' }, 'after the timeout');
      calls[0]?.resolve('"late"');
      const next = lab.ask(b);
      await lab.called(calls, 2);
      calls[1]?.resolve('"in time"');
      await lab.checkEnd(next, { status: 'answered', text: '"in time"' }, 'the next request');
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
      checkSame([first.end, second.end], [undefined, undefined], 'the ends while the node is there');
      calls.find(({ request }) => request === '1')?.resolve('"at last"');
      await lab.checkEnd(first, { status: 'answered', text: '"at last"' }, 'what was answered');
      await lab.at(b).close(b);
      await lab.checkEnd(second, disconnected, 'what was not, when the node left');
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
      for (const asked of [first, second]) await lab.checkEnd(asked, disconnected, 'what the node was asked');
      checkSame(other.end, undefined, 'the end of what another was asked');
      others[0]?.resolve('"here"');
      await lab.checkEnd(other, { status: 'answered', text: '"here"' }, 'what another was asked');
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
      await lab.checkEnd(before, disconnected, 'what the former was asked');
      const present = await lab.openHeld(b);
      const asked = lab.ask(b);
      await lab.called(present, 1);
      former[0]?.resolve('"former"');
      present[0]?.resolve('"present"');
      await lab.checkEnd(asked, { status: 'answered', text: '"present"' }, 'what the present one was asked');
      checkSame(former.length, 1, 'the number of calls of the former handler');
    },
  },
  {
    id: 'BR-13',
    sentence: 'A name under which a node has joined is refused with HEXBUS_NAME_TAKEN, and that node goes on.',
    async check(lab) {
      await lab.open(a);
      await lab.open(b);
      const open = (): Promise<void> => lab.at(a).open(b, async () => '"thief"');
      await checkRejects(open, 'HEXBUS_NAME_TAKEN', 'open under a name that is taken');
      await lab.checkEnd(lab.ask(b), answered(b), 'what the node was asked');
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
      await lab.checkEnd(lab.ask(a), answered(a), 'what the node that stayed was asked');
    },
  },
  {
    id: 'BR-15',
    sentence: 'P30: a request that has ended leaves no timer behind, however it ended.',
    async check(lab) {
      await lab.open(a);
      const calls = await lab.openHeld(b);
      const [first, second, third] = [lab.ask(b, '1'), lab.ask(b, '2'), lab.ask(b, '3')];
      await lab.called(calls, 3);
      calls.find(({ request }) => request === '1')?.resolve('1');
      calls.find(({ request }) => request === '2')?.reject(new Error('planted'));
      await lab.checkEnd(first, { status: 'answered', text: '1' }, 'what was answered');
      await lab.checkEnd(second, disconnected, 'what was rejected');
      await lab.at(b).close(b);
      await lab.checkEnd(third, disconnected, 'what was neither');
      await lab.checkEnd(lab.ask('unknown'), notFound, 'a node that has not joined');
      const { pendingTimers = 0 } = lab;
      check(pendingTimers === 0, `no timer should be left, but there are ${pendingTimers}`);
    },
  },
];
