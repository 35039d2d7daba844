import { check } from '../support/check.ts';
import type { Rule } from '../support/rule.ts';
import { a, answered, type BrokerLab, b, longMs } from './lab.ts';

export const answerRules: readonly Rule<BrokerLab>[] = [
  {
    id: 'BR-01',
    sentence: 'A broker has a name and every verb of the port.',
    async check(lab) {
      const broker = lab.at(a);
      check(typeof broker.name === 'string' && broker.name !== '', 'the name should be a text that is not empty');
      for (const verb of ['open', 'request', 'close'] as const)
        check(typeof broker[verb] === 'function', `${verb} should be a method`);
    },
  },
  {
    id: 'BR-02',
    sentence:
      'A request reaches the node that was asked, and no other, and its answer comes back; a node may ask itself.',
    async check(lab) {
      await lab.open(a);
      await lab.open(b);
      const pairs = [
        [a, b],
        [b, a],
        [a, a],
      ] as const;
      for (const [from, node] of pairs)
        await lab.checkEnd(lab.ask(node, '"!"', longMs, from), answered(node, '"!"'), `what ${from} asked ${node}`);
    },
  },
  {
    id: 'BR-03',
    sentence: 'Texts of requests and answers arrive character for character.',
    async check(lab) {
      await lab.open(a);
      await lab.at(b).open(b, async (request) => request);
      const long = JSON.stringify('x'.repeat(60_000));
      for (const text of ['""', '"\\u0000\u2028\\n"', '"é 🚌 e\u0301"', '{ "__proto__": 1.0 }', long])
        await lab.checkEnd(lab.ask(b, text), { status: 'answered', text }, 'what was asked with the same text');
    },
  },
  {
    id: 'BR-04',
    sentence: 'The handler is told how much time is left: the timeout of the request, or less.',
    async check(lab) {
      await lab.open(a);
      const calls = await lab.openHeld(b);
      lab.ask(b, '"?"', 5000);
      await lab.called(calls, 1);
      const timeoutMs = calls[0]?.timeoutMs ?? 0;
      check(timeoutMs > 0 && timeoutMs <= 5000, `timeoutMs should be above 0 and at most 5000, but was ${timeoutMs}`);
    },
  },
  {
    id: 'BR-05',
    sentence: 'Requests run side by side, and each gets its own answer, in whatever order they come.',
    async check(lab) {
      await lab.open(a);
      const calls = await lab.openHeld(b);
      const asked = Array.from({ length: 20 }, (_, index) => lab.ask(b, `${index}`));
      await lab.called(calls, asked.length);
      for (const { request, resolve } of [...calls].reverse()) resolve(`[${request}]`);
      for (const [index, one] of asked.entries())
        await lab.checkEnd(one, { status: 'answered', text: `[${index}]` }, `request ${index}`);
    },
  },
  {
    id: 'BR-06',
    sentence: 'A handler that rejects or throws ends its request as disconnected, without its text, and goes on.',
    async check(lab) {
      await lab.open(a);
      await lab.at(b).open(b, (request) => {
        if (request === '"throw"') throw new Error('planted');
        return request === '"reject"' ? Promise.reject(new Error('planted')) : Promise.resolve(request);
      });
      for (const text of ['"throw"', '"reject"'])
        await lab.checkEnd(lab.ask(b, text), { status: 'disconnected' }, `the request ${text}`);
      await lab.checkEnd(lab.ask(b, '1'), { status: 'answered', text: '1' }, 'the next request');
    },
  },
  {
    id: 'BR-07',
    sentence: 'Names of nodes are compared character for character, whatever they look like.',
    async check(lab) {
      const names = ['x', 'X', 'x.y', 'x.*', '>', 'x y', 'x/y', '__proto__', '\u00e9', 'e\u0301', '🚌'];
      await lab.open(a);
      for (const name of names) await lab.open(name);
      for (const name of names) await lab.checkEnd(lab.ask(name), answered(name), `node ${JSON.stringify(name)}`);
      for (const name of ['y', 'x.', 'x.z', '*', 'constructor'])
        await lab.checkEnd(lab.ask(name), { status: 'not-found' }, `node ${JSON.stringify(name)}`);
    },
  },
];
