import { check, checkSame } from '../support/check.ts';
import type { Rule } from '../support/rule.ts';
import { a, type BrokerLab, b, longMs } from './lab.ts';

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
    sentence: 'A request reaches the node that was asked, and no other, and its answer comes back.',
    async check(lab) {
      await lab.open(a);
      await lab.open(b);
      for (const node of [a, b])
        checkSame(
          await lab.request(node),
          { status: 'answered', text: `${node}: "?"` },
          `the answer of ${node} to ${a}`,
        );
      const answer = await lab.at(b).request(a, '"!"', { timeoutMs: longMs });
      checkSame(answer, { status: 'answered', text: `${a}: "!"` }, `the answer of ${a} to ${b}`);
    },
  },
  {
    id: 'BR-03',
    sentence: 'Texts of requests and answers arrive character for character.',
    async check(lab) {
      await lab.open(a);
      await lab.open(b, async (request) => request);
      const texts = [
        '""',
        '"\u0000\u2028\\n"',
        '"é 🚌 e\u0301"',
        '{"__proto__":1}',
        JSON.stringify('x'.repeat(60_000)),
      ];
      for (const text of texts) checkSame(await lab.request(b, text), { status: 'answered', text }, 'the answer');
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
      const { timeoutMs } = calls[0] ?? { timeoutMs: 0 };
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
      for (const { request, resolve } of [...calls].reverse()) resolve(`answer to ${request}`);
      for (const [index, { promise }] of asked.entries())
        checkSame(await promise, { status: 'answered', text: `answer to ${index}` }, `the answer to request ${index}`);
    },
  },
  {
    id: 'BR-06',
    sentence: 'A handler that rejects or throws ends its request as disconnected, without its text, and goes on.',
    async check(lab) {
      await lab.open(a);
      await lab.open(b, (request) => {
        if (request === '"throw"') throw new Error('planted');
        return request === '"reject"' ? Promise.reject(new Error('planted')) : Promise.resolve(request);
      });
      for (const text of ['"throw"', '"reject"'])
        checkSame(await lab.request(b, text), { status: 'disconnected' }, `the answer to ${text}`);
      checkSame(await lab.request(b), { status: 'answered', text: '"?"' }, 'the next answer');
    },
  },
  {
    id: 'BR-07',
    sentence: 'Names of nodes are compared character for character, whatever they look like.',
    async check(lab) {
      const names = ['x', 'X', 'x.y', 'x.*', '>', 'x y', 'x/y', '__proto__', '\u00e9', 'e\u0301', '🚌'];
      await lab.open(a);
      for (const name of names) await lab.open(name);
      for (const name of names)
        checkSame(
          await lab.request(name, '1'),
          { status: 'answered', text: `${name}: 1` },
          `the answer of ${JSON.stringify(name)}`,
        );
      for (const name of ['y', 'x.', 'x.z', '*', 'constructor'])
        checkSame(await lab.request(name), { status: 'not-found' }, `the answer of ${JSON.stringify(name)}`);
    },
  },
];
