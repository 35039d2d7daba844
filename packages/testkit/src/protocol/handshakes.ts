import type { Handshake, Hello, WireFrom } from '@hexbus/core/gateway';
import fc from 'fast-check';
import { check, checkSame } from '../support/check.ts';
import type { ProtocolRule } from './lab.ts';

const starts: readonly WireFrom[] = ['now', 'earliest', { after: 'e1.7' }, { last: 3 }, { since: 1_700_000_000_000 }];

/** What may be said at once; what a handshake cannot say of it is left out. */
const hellos: readonly Hello[] = [
  { subscriptions: [], capabilities: [] },
  ...starts.map((from): Hello => ({ subscriptions: [{ id: 1, topic: 'news', from }], capabilities: [] })),
  {
    subscriptions: [
      { id: 1, topic: 'order.>', from: 'now' },
      { id: 2, topic: 'é.*', from: 'now' },
    ],
    capabilities: [],
  },
  { lastToken: 'e1.41~2:40', subscriptions: [{ id: 1, topic: 'news', from: 'covered' }], capabilities: [] },
  { token: 'credential', subscriptions: [], capabilities: ['console'] },
];

const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({
    unit: fc.constantFrom('?', '&', '=', '%', '%0', '#', '/', '\u0000', 'topic', 'from', '.', '*', '>', '~', ':'),
  }),
);
const anyHandshake: fc.Arbitrary<Handshake> = fc.record({
  transport: fc.constantFrom('memory', 'ws', 'sse'),
  url: anyText.map((text) => `/${text}`),
  headers: fc.dictionary(fc.constantFrom('last-event-id', 'cookie', '__proto__'), anyText),
  address: fc.constant('192.0.2.1'),
  protocols: fc.array(anyText, { maxLength: 2 }),
});

export const handshakeRules: readonly ProtocolRule[] = [
  {
    id: 'PR-27',
    sentence:
      'What a client says by its handshake is read as it was said, or refused with a reason. Of clients that speak for themselves nothing is read.',
    async check(lab) {
      const protocol = lab.adapter.create();
      const { handshake: handshakeOf } = lab.adapter.client;
      for (const hello of handshakeOf === undefined ? [] : hellos) {
        const handshake = handshakeOf?.(hello);
        if (handshake !== undefined) checkSame(protocol.helloOf(handshake), hello, 'what the handshake says');
      }
      const property = fc.property(anyHandshake, (handshake) => {
        const hello = protocol.helloOf(handshake);
        if (handshakeOf === undefined) checkSame(hello, undefined, 'what is read of a handshake');
        else if (hello === undefined) throw new Error('nothing was read of the handshake, and no reason given');
        else if ('fault' in hello) check(hello.fault !== '', 'a refusal should have a reason');
        else check(protocol.open(lab.open().host, hello) !== undefined, 'what was read should open a session');
      });
      fc.assert(property, lab.runs as fc.Parameters<[Handshake]>);
    },
  },
];
