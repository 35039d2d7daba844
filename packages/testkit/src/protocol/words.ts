import type { Hello, WireFrom } from '@hexbus/core/gateway';
import type { ClientWord } from './adapter.ts';
import type { HostCall } from './recording-host.ts';

/** Every way of introducing oneself; what a protocol cannot say of them is left out. */
export const hellos: readonly Hello[] = [
  { subscriptions: [], capabilities: [] },
  { token: 'credential', subscriptions: [], capabilities: [] },
  { resume: { session: 'urn:s:1', secret: 'c2VjcmV0' }, subscriptions: [], capabilities: [] },
  {
    lastToken: 'e1.41~2:40',
    subscriptions: [{ id: 1, topic: 'order.>', from: 'covered' }],
    capabilities: [],
  },
  {
    token: 'credential',
    resume: { session: 'urn:s:1', secret: 'c2VjcmV0', token: 'e1.41~2:40' },
    subscriptions: [
      { id: 1, topic: 'order.>', from: 'covered' },
      { id: 2, topic: 'news', from: { after: 'e1.40' } },
    ],
    capabilities: ['console', 'player'],
  },
];

const starts: readonly WireFrom[] = ['now', 'earliest', { after: 'e1.7' }, { last: 3 }, { since: 1_700_000_000_000 }];

/** One of each thing that a client may say after HELLO, in an order in which all of it is right. */
export const conversation: readonly ClientWord[] = [
  ...starts.map(
    (from, index): ClientWord => ({
      kind: 'subscribe',
      subscription: { id: index + 1, topic: `t.${index + 1}`, from },
    }),
  ),
  { kind: 'subscribe', subscription: { id: 9, topic: 'order.*', from: 'now' } },
  { kind: 'unsubscribe', id: 1, topic: 't.1' },
  { kind: 'acknowledge', token: 'e1.41' },
  { kind: 'ask', name: 'seen', body: { page: 3 } },
  { kind: 'ask', name: 'load', body: [1, 'é', null], id: 10 },
  { kind: 'cancel', id: 10 },
  { kind: 'publish', id: 11, message: { topic: 'order.created', body: { total: 9 } } },
  {
    kind: 'publish',
    id: 12,
    message: { topic: 'order.created', type: 'Order', body: 'x', messageId: 'm1' },
  },
  { kind: 'reply', id: 1, reply: { ok: true, body: { done: true } } },
  { kind: 'reply', id: 2, reply: { ok: false, error: { code: 'remote-error', message: 'no', retryable: false } } },
  {
    kind: 'reply',
    id: 3,
    reply: { ok: false, error: { code: 'overloaded', message: 'later', retryable: true, retryAfterMs: 500 } },
  },
  { kind: 'authenticate', id: 13, token: 'credential' },
  { kind: 'ping' },
];

/** What the host hears of a word, where all is right. */
export function callOf(word: ClientWord): HostCall {
  switch (word.kind) {
    case 'hello':
      return ['hello', word.hello];
    case 'subscribe':
      return ['subscribe', word.subscription];
    case 'unsubscribe':
      return ['unsubscribe', word.id];
    case 'acknowledge':
      return ['acknowledge', word.token];
    case 'ask':
      return word.id === undefined ? ['ask', word.name, word.body] : ['ask', word.name, word.body, word.id];
    case 'publish':
      return ['publish', word.id, word.message];
    case 'reply':
      return ['reply', word.id, word.reply];
    case 'cancel':
      return ['cancel', word.id];
    case 'authenticate':
      return ['authenticate', word.id, word.token];
    case 'ping':
      return ['ping'];
  }
}
