import fc from 'fast-check';
import { check, checkSame } from '../support/check.ts';
import type { ClientWord } from './adapter.ts';
import { checkRefused, namesOf, type ProtocolRule } from './lab.ts';
import { callOf, conversation } from './words.ts';

const noFrames: readonly string[] = [
  '{not json',
  'null',
  'true',
  '5',
  '"text"',
  '[]',
  '[null]',
  '[true]',
  '[1.5]',
  '[-1]',
  '[[]]',
  '{}',
  '\u0000',
  '[15][15]',
];

const inherited = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty'];

function nested(depth: number): string {
  return `${'['.repeat(depth)}${']'.repeat(depth)}`;
}

export const hostileRules: readonly ProtocolRule[] = [
  {
    id: 'PR-15',
    sentence: 'A text that is no frame is a violation or ignored, and does nothing else.',
    async check(lab) {
      for (const text of noFrames) checkRefused(lab.greet().send(text), text);
    },
  },
  {
    id: 'PR-16',
    sentence: 'A body may nest 64 deep. One that nests deeper, or holds an infinite number, reaches nobody.',
    needs: ['ask'],
    async check(lab) {
      checkSame(namesOf(lab.greet().send(lab.withBody(nested(64)))), ['ask'], 'calls for a body that nests 64 deep');
      for (const depth of [65, 5_000, 30_000]) {
        checkRefused(lab.greet().send(lab.withBody(nested(depth))), `a body that nests ${depth} deep`);
      }
      for (const body of ['1e999', '{"a":[-1e999]}']) {
        checkRefused(lab.greet().send(lab.withBody(body)), `the body ${body}`);
      }
    },
  },
  {
    id: 'PR-17',
    sentence: 'Words such as __proto__ are data like others, and Object.prototype stays as it is.',
    async check(lab) {
      const before = Reflect.ownKeys(Object.prototype);
      for (const word of inherited) {
        const body = JSON.parse(`{"${word}":{"polluted":true}}`) as unknown;
        const said: readonly ClientWord[] = [
          { kind: 'ask', name: word, body, id: 1 },
          { kind: 'subscribe', subscription: { id: 2, topic: word, from: 'now' } },
          { kind: 'publish', id: 3, message: { topic: word, type: word, body, messageId: word } },
        ];
        const dialogue = lab.greet();
        for (const one of said.filter((each) => lab.canSay(each))) {
          checkSame(dialogue.say(one), [callOf(one)], `what the host hears of ${one.kind}`);
        }
      }
      checkSame(Reflect.ownKeys(Object.prototype).map(String), before.map(String), 'keys of Object.prototype');
    },
  },
  {
    id: 'PR-18',
    sentence: 'Whatever text comes, nothing is thrown, and a violation is the last that the host hears.',
    async check(lab) {
      const written = conversation.map((word) => lab.adapter.client.write(word)).filter((text) => text !== undefined);
      // A frame with a piece cut out or put in is likelier to find a hole than noise.
      const damaged = fc
        .tuple(
          fc.constantFrom('[]', ...written),
          fc.nat(),
          fc.nat({ max: 4 }),
          fc.constantFrom('', '0', 'null', '[', '"', '1e9'),
        )
        .map(([text, at, length, piece]) => {
          const start = at % text.length;
          return text.slice(0, start) + piece + text.slice(start + length);
        });
      const text = fc.oneof(fc.string({ unit: 'binary' }), fc.json(), damaged);
      const property = fc.property(fc.array(text, { maxLength: 10 }), fc.boolean(), (texts, greeted) => {
        const dialogue = greeted ? lab.greet() : lab.open();
        const names = namesOf(dialogue.send(...texts));
        const at = names.indexOf('violated');
        check(at === -1 || at === names.length - 1, `the host heard ${names.join()}, more than a violation`);
      });
      fc.assert(property, lab.runs as fc.Parameters<[string[], boolean]>);
    },
  },
];
