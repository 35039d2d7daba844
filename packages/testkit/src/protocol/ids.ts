import { checkSame } from '../support/check.ts';
import type { ClientWord } from './adapter.ts';
import { checkRefused, checkViolation, namesOf, type ProtocolRule } from './lab.ts';

const refusal = { ok: false, error: { code: 'forbidden', message: 'no', retryable: false } } as const;

function openings(id: number): readonly ClientWord[] {
  return [
    { kind: 'ask', name: 'load', body: null, id },
    { kind: 'subscribe', subscription: { id, topic: `t.${id}`, from: 'now' } },
    { kind: 'publish', id, message: { topic: 'order.created', body: null } },
    { kind: 'authenticate', id, token: 'credential' },
  ];
}

function closings(id: number): readonly ClientWord[] {
  return [
    { kind: 'unsubscribe', id, topic: `t.${id}` },
    { kind: 'cancel', id },
  ];
}

export const idRules: readonly ProtocolRule[] = [
  {
    id: 'PR-10',
    sentence: 'An id that is open is not opened again: that is a violation.',
    async check(lab) {
      const words = openings(1).filter((word) => lab.canSay(word));
      for (const first of words) {
        for (const second of words) {
          const dialogue = lab.greet();
          checkSame(namesOf(dialogue.say(first)), [first.kind], `calls of ${first.kind}`);
          checkViolation(dialogue.say(second), `${second.kind} with the id of an open ${first.kind}`);
        }
      }
    },
  },
  {
    id: 'PR-11',
    sentence: 'An id is free again once the request was answered or the subscription was refused.',
    async check(lab) {
      for (const word of openings(1).filter((one) => lab.canSay(one))) {
        const dialogue = lab.greet();
        for (let round = 0; round < 3; round++) {
          checkSame(namesOf(dialogue.say(word)), [word.kind], `calls of ${word.kind}, time ${round + 1}`);
          dialogue.session.reply(1, refusal);
        }
      }
    },
  },
  {
    id: 'PR-12',
    sentence:
      'A subscription that was granted keeps its id until the client ends it; then, as after CANCEL, the id is free.',
    async check(lab) {
      const dialogue = lab.greet();
      const [ask, subscribe] = openings(1) as [ClientWord, ClientWord];
      const [unsubscribe, cancel] = closings(1) as [ClientWord, ClientWord];
      if (lab.canSay(ask) && lab.canSay(cancel)) {
        checkSame(namesOf(dialogue.say(ask, cancel, ask, cancel)), ['ask', 'cancel', 'ask', 'cancel'], 'calls');
      }
      if (!lab.canSay(subscribe)) return;
      dialogue.say(subscribe);
      dialogue.session.subscribed(1, {});
      if (lab.canSay(unsubscribe)) {
        checkSame(namesOf(dialogue.say(unsubscribe, subscribe)), ['unsubscribe', 'subscribe'], 'calls');
        dialogue.session.subscribed(1, {});
      }
      checkViolation(dialogue.say(subscribe), 'the id of a subscription that was granted');
    },
  },
  {
    id: 'PR-13',
    sentence: 'UNSUB and CANCEL of what is not open are ignored, and counted.',
    async check(lab) {
      for (const word of closings(1).filter((one) => lab.canSay(one))) {
        checkSame(namesOf(lab.greet().say(word)), ['ignored'], `calls of ${word.kind} of what is not open`);
      }
    },
  },
  {
    id: 'PR-14',
    sentence: 'An id that is no positive integer below 2^53 reaches nobody.',
    async check(lab) {
      for (const id of [0, -1, 1.5, 2 ** 53, 1e300]) {
        for (const word of [...openings(id), ...closings(id)].filter((one) => lab.canSay(one))) {
          checkRefused(lab.greet().say(word), `${word.kind} with id ${id}`);
        }
      }
      const largest = openings(2 ** 53 - 1).filter((word) => lab.canSay(word));
      for (const word of largest) checkSame(namesOf(lab.greet().say(word)), [word.kind], 'calls with the largest id');
    },
  },
];
