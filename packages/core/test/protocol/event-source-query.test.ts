import { createHexbusV1EventSource, type Handshake, type Hello } from '@hexbus/core/gateway';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

const { helloOf } = createHexbusV1EventSource();

function said(query: string, lastEventId?: string): Hello | { readonly fault: string } | undefined {
  const headers = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
  const handshake: Handshake = { transport: 'sse', url: `/hexbus/sse${query}`, headers, address: '', protocols: [] };
  return helloOf(handshake);
}

function faultOf(query: string): string | undefined {
  const hello = said(query);
  return hello !== undefined && 'fault' in hello ? hello.fault : undefined;
}

describe('the topics of an address', () => {
  test('are numbered as they stand there', () => {
    expect(said('?topic=a&ticket=t&topic=b.*&topic=c.%3E&x=1')).toEqual({
      subscriptions: [
        { id: 1, topic: 'a', from: 'now' },
        { id: 2, topic: 'b.*', from: 'now' },
        { id: 3, topic: 'c.>', from: 'now' },
      ],
      capabilities: [],
    });
  });

  test.each(['', '?', '?ticket=t', '?Topic=a'])('may be none, as in %j', (query) => {
    expect(said(query)).toEqual({ subscriptions: [], capabilities: [] });
  });

  test.each([
    '?topic=',
    '?topic=a..b',
    '?topic=a%20b',
    '?topic=a%0Ab',
    '?topic=a.>.b',
    `?topic=${'a'.repeat(257)}`,
    `?topic=${'%C3%A9'.repeat(129)}`,
    '?topic=%FF.%00',
  ])('are refused where one is none: %j', (query) => {
    expect(faultOf(query)).toMatch(/topic|pattern/);
  });

  test.each(['?topic=a&topic=a', '?topic=a.*&topic=b&topic=a.b', '?topic=a.b&topic=>', '?topic=a.*&topic=*.b'])(
    'are refused where two overlap, since it could not be told for which an event is: %j',
    (query) => {
      expect(faultOf(query)).toContain('overlaps');
    },
  );

  test('are 240 at most', () => {
    const query = (count: number): string => `?${Array.from({ length: count }, (_, n) => `topic=t${n}`).join('&')}`;
    expect(faultOf(query(240))).toBeUndefined();
    expect(faultOf(query(241))).toContain('241');
  });
});

describe('the start of an address', () => {
  test.each([
    ['from=now', 'now'],
    ['from=earliest', 'earliest'],
    ['after=e1.7', { after: 'e1.7' }],
    ['last=0', { last: 0 }],
    ['last=25', { last: 25 }],
    ['since=1700000000000', { since: 1_700_000_000_000 }],
  ])('%s holds for all topics', (start, from) => {
    expect(said(`?topic=a&${start}&topic=b`)).toMatchObject({ subscriptions: [{ from }, { from }] });
  });

  test.each([
    'from=covered',
    'from=',
    'from=__proto__',
    'after=7',
    'after=e1.7~1:2',
    'after=',
    'last=-1',
    'last=1.5',
    'last=1e3',
    'last=',
    'since=yesterday',
    `since=${'9'.repeat(16)}`,
    'from=now&from=now',
    'last=3&since=4',
    'after=e1.7&from=earliest',
  ])('%s is refused, also without a topic', (start) => {
    for (const query of [`?topic=a&${start}`, `?${start}`])
      expect(faultOf(query)).toMatch(/from|after|last|since|cursor/);
  });
});

describe('the last id', () => {
  test.each(['e1.7', 'e1.7~1:3,2:0', `e1.7~1:${'3'.repeat(121)}`, '7', ';:,.-_~'])(
    'of the grammar of tokens, %s, covers all topics, wherever they began',
    (id) => {
      const subscriptions = [
        { id: 1, topic: 'a', from: 'covered' },
        { id: 2, topic: 'b', from: 'covered' },
      ];
      expect(said('?topic=a&from=earliest&topic=b', id)).toEqual({ lastToken: id, subscriptions, capabilities: [] });
    },
  );

  test.each(['', '-', 'e1.7 ', 'é', 'a/b', 'e'.repeat(129), '\u0000'])('that is none, %j, is passed over', (id) => {
    expect(said('?topic=a&from=earliest', id)).toEqual({
      subscriptions: [{ id: 1, topic: 'a', from: 'earliest' }],
      capabilities: [],
    });
  });
});

test('whatever the address is, it is read or refused with a reason, and what is read can be said', () => {
  const piece = fc.constantFrom(
    '?',
    '&',
    '=',
    '%',
    '%zz',
    '%00',
    '#',
    'topic',
    'from',
    'last',
    'after',
    'since',
    '>',
    '*',
    '.',
  );
  const url = fc.array(fc.oneof(piece, fc.string({ unit: 'binary', maxLength: 4 })), { maxLength: 20 });
  fc.assert(
    fc.property(url, fc.option(fc.string({ unit: 'binary' }), { nil: undefined }), (pieces, id) => {
      const hello = said(pieces.join(''), id);
      if (hello === undefined) throw new Error('it said nothing');
      if ('fault' in hello) expect(hello.fault).toMatch(/\S/);
      else for (const { topic } of hello.subscriptions) expect(topic).toMatch(/^[^\s\p{Cc}]+$/u);
    }),
    { numRuns: 300 },
  );
});
