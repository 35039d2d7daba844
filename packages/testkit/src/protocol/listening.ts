import type { Handshake, ProtocolSession } from '@hexbus/core/gateway';
import { check, checkSame } from '../support/check.ts';
import type { ClientWord } from './adapter.ts';
import { bareHello, checkViolation, type ProtocolRule } from './lab.ts';
import { callOf, conversation, hellos } from './words.ts';

const methods: Readonly<Record<keyof ProtocolSession, true>> = {
  receive: true,
  event: true,
  eventFor: true,
  delivery: true,
  welcome: true,
  subscribed: true,
  gap: true,
  request: true,
  cancel: true,
  reply: true,
  ping: true,
  pong: true,
  expiring: true,
  bye: true,
};

const handshake: Handshake = { transport: 'memory', url: '/', headers: {}, address: '192.0.2.1', protocols: [] };

const message = { id: 'm1', topic: 'order.created', body: 1, time: 1 };

function ask(id: number): ClientWord {
  return { kind: 'ask', name: 'load', body: null, id };
}

export const openingRules: readonly ProtocolRule[] = [
  {
    id: 'PR-01',
    sentence:
      'A protocol has a name that a handshake can bear, says what it accepts, and its sessions have every method.',
    async check(lab) {
      const protocol = lab.adapter.create();
      check(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(protocol.name), `the name ${protocol.name} should be a token of HTTP`);
      check(typeof protocol.accepts(handshake) === 'boolean', 'accepts should answer true or false');
      const { session } = lab.open(protocol);
      for (const name of Object.keys(methods)) {
        check(typeof session[name as keyof ProtocolSession] === 'function', `${name} should be a method of a session`);
      }
    },
  },
  {
    id: 'PR-02',
    sentence: 'Opening a session calls nothing of its host.',
    async check(lab) {
      checkSame(lab.open().host.calls, [], 'calls while a session was opened');
    },
  },
  {
    id: 'PR-03',
    sentence: 'What asks for an answer can be answered.',
    async check(lab) {
      const { session } = lab.greet();
      if (lab.canSay(ask(1))) {
        check(session.reply(1, { ok: true, body: null }) !== undefined, 'a session should be able to answer a client');
      }
      const asks = session.request(1, 'load', null, 1) ?? session.delivery(2, 0, message, 1);
      if (asks === undefined) return;
      const answer: ClientWord = { kind: 'reply', id: 1, reply: { ok: true, body: null } };
      check(lab.canSay(answer), 'a client that is asked should be able to answer');
    },
  },
];

export const listeningRules: readonly ProtocolRule[] = [
  {
    id: 'PR-04',
    sentence: 'What a client says of itself in HELLO arrives as it was said.',
    needs: ['hello'],
    async check(lab) {
      for (const hello of hellos.filter((one) => lab.canSay({ kind: 'hello', hello: one }))) {
        checkSame(lab.open().say({ kind: 'hello', hello }), [['hello', hello]], 'what the host hears of HELLO');
      }
    },
  },
  {
    id: 'PR-05',
    sentence: 'Nothing reaches the host before HELLO: another frame before it is a violation.',
    needs: ['hello'],
    async check(lab) {
      for (const word of conversation.filter((one) => lab.canSay(one))) {
        checkViolation(lab.open().say(word, bareHello), `${word.kind} before HELLO`);
      }
    },
  },
  {
    id: 'PR-06',
    sentence: 'HELLO is said once: a second is a violation.',
    needs: ['hello'],
    async check(lab) {
      checkViolation(lab.greet().say(bareHello), 'a second HELLO');
    },
  },
  {
    id: 'PR-07',
    sentence: 'Each thing that a client says reaches the host in one call, as it was said.',
    needs: ['hello'],
    async check(lab) {
      const dialogue = lab.greet();
      for (const word of conversation.filter((one) => lab.canSay(one))) {
        checkSame(dialogue.say(word), [callOf(word)], `what the host hears of ${word.kind}`);
      }
    },
  },
  {
    id: 'PR-08',
    sentence: 'After a violation nothing reaches the host.',
    needs: ['hello'],
    async check(lab) {
      const dialogue = lab.greet();
      checkViolation(dialogue.say(bareHello), 'a second HELLO');
      checkSame(dialogue.say(bareHello, ...conversation), [], 'calls after a violation');
    },
  },
  {
    id: 'PR-09',
    sentence: 'Sessions know nothing of each other.',
    needs: ['ask'],
    async check(lab) {
      const protocol = lab.adapter.create();
      const first = lab.greet(protocol);
      first.say(ask(1));
      checkViolation(lab.open(protocol).say(ask(1)), 'a request before HELLO, said by another client');
      checkSame(lab.greet(protocol).say(ask(1)), [callOf(ask(1))], 'calls for an id that another client uses');
    },
  },
];
