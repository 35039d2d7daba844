import type { Frame, ProtocolSession } from '@hexbus/core/gateway';
import type { ServerFrame } from '@hexbus/core/wire';
import fc from 'fast-check';
import { check, checkSame } from '../support/check.ts';
import { checkMessage, retained } from './events.ts';
import type { ProtocolRule } from './lab.ts';

type Speech = readonly [say: (session: ProtocolSession) => Frame | undefined, heard: ServerFrame];

const welcome = {
  session: 'urn:s:1',
  secret: 'c2VjcmV0',
  connection: 'c1',
  token: 'e1.41',
  resumed: true,
  capabilities: ['console'],
  pingMs: 25_000,
  last: { code: 4101, reason: 'slow' },
};
const started = { start: 'e1.40', head: 'e1.41', token: 'e1.41~2:40' };
const gap = { subs: [0, 2], topics: ['news'], from: 3, to: 9, why: 'trimmed', token: 'e1.9' } as const;
const error = { code: 'overloaded', message: 'later', retryable: true, retryAfterMs: 500 } as const;
const bye = { code: 1012, reason: 'restart', reconnect: true, afterMs: 1_500 };

const speeches: readonly Speech[] = [
  [(to) => to.welcome(welcome), { kind: 'welcome', welcome }],
  [(to) => to.subscribed(2, started), { kind: 'reply', id: 2, reply: { ok: true, body: started } }],
  [(to) => to.gap(gap), { kind: 'gap', gap }],
  [(to) => to.gap({ why: 'reset' }), { kind: 'gap', gap: { why: 'reset' } }],
  [
    (to) => to.request(4, 'load', { a: 1 }, 5_000),
    { kind: 'request', name: 'load', body: { a: 1 }, id: 4, timeoutMs: 5_000 },
  ],
  [(to) => to.cancel(4), { kind: 'cancel', id: 4 }],
  [(to) => to.reply(5, { ok: true, body: { a: 1 } }), { kind: 'reply', id: 5, reply: { ok: true, body: { a: 1 } } }],
  [(to) => to.reply(5, { ok: true, body: undefined }), { kind: 'reply', id: 5, reply: { ok: true, body: null } }],
  [(to) => to.reply(6, { ok: false, error }), { kind: 'reply', id: 6, reply: { ok: false, error } }],
  [(to) => to.ping('e1.41'), { kind: 'ping', token: 'e1.41' }],
  [(to) => to.ping(undefined), { kind: 'ping' }],
  [(to) => to.pong(), { kind: 'pong' }],
  [(to) => to.expiring(60_000), { kind: 'expiring', inMs: 60_000 }],
  [(to) => to.bye(bye), { kind: 'bye', bye }],
];

/** Texts with what breaks frames: halves of characters, line separators, quotes. */
const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: fc.constantFrom('\ud800', '\udfff', '\u2028', '\u0000', '\r', '\n', '"', '\\', '\ufeff', 'é') }),
);
const anyBody = fc.oneof(
  fc.jsonValue({ stringUnit: 'binary' }),
  text,
  fc.dictionary(text, text),
  fc.constant(JSON.parse('{"__proto__":{"a":1}}') as unknown),
);

export const speakingRules: readonly ProtocolRule[] = [
  {
    id: 'PR-24',
    sentence: 'What else a server says arrives as it was said, where the protocol has a frame for it.',
    async check(lab) {
      const dialogue = lab.greet();
      for (const [say, heard] of speeches) {
        const frame = say(dialogue.session);
        if (frame !== undefined) checkSame(dialogue.read(frame), heard, `what the client reads of ${heard.kind}`);
      }
    },
  },
  {
    id: 'PR-25',
    sentence: 'Whatever JSON can hold comes out as it went in, both ways.',
    async check(lab) {
      const dialogue = lab.greet();
      const property = fc.property(anyBody, text, (drawn, id) => {
        const body: unknown = JSON.parse(JSON.stringify(drawn));
        const message = { id, topic: 'order.created', type: id, body, sender: id, headers: { [id]: id }, time: 1 };
        checkMessage(lab, dialogue.read(dialogue.session.event(message, undefined)), 'event', message);
        const stored = retained(message, 41);
        checkMessage(lab, dialogue.read(dialogue.session.event(stored, 'e1.41')), 'event', stored);
        if (!lab.canSay({ kind: 'ask', name: 'load', body })) return;
        const calls = dialogue.say({ kind: 'ask', name: 'load', body });
        checkSame(calls, [['ask', 'load', body]], 'what the host hears of a notification');
      });
      fc.assert(property, lab.runs as fc.Parameters<[unknown, string]>);
    },
  },
];

/** What the port says of the parts of a frame. */
function checkForm({ text, cursor, event, retryMs }: Frame): void {
  check(!/[\r\n]/.test(text), 'a frame should hold no line break');
  for (const [what, value] of Object.entries({ cursor, event })) {
    check(value === undefined || /^[\x21-\x7e]{1,128}$/.test(value), `the ${what} of a frame is ${value}`);
  }
  check(retryMs === undefined || (Number.isSafeInteger(retryMs) && retryMs >= 0), `a pause of ${retryMs} is none`);
}

export const formRules: readonly ProtocolRule[] = [
  {
    id: 'PR-28',
    sentence: 'A frame is one line. Its cursor and its name are 1 to 128 visible characters, its pause a whole number.',
    async check(lab) {
      const { session } = lab.greet();
      const breaks = 'a\r\nb\nc\rd';
      const message = { id: breaks, topic: 'order.created', type: breaks, body: { [breaks]: breaks }, time: 1 };
      const long = `e1.50~${Array.from({ length: 40 }, (_, id) => `${id}:41`).join(',')}`;
      const spoken: readonly Speech[0][] = [
        (to) => to.event(message, undefined),
        (to) => to.event(retained(message, 41), 'e1.41'),
        (to) => to.eventFor(retained(message, 42), [1], long, 'e1.42'),
        (to) => to.ping(long),
        (to) => to.gap({ why: 'reset', token: long }),
        (to) => to.reply(7, { ok: false, error: { ...error, message: breaks } }),
        (to) => to.bye({ ...bye, reason: breaks, afterMs: 0.5 }),
        ...speeches.map(([say]) => say),
      ];
      for (const say of spoken) {
        const frame = say(session);
        if (frame !== undefined) checkForm(frame);
      }
    },
  },
];
