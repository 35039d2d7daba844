import { createHexbusV1, type ProtocolSession, RetainedMessage } from '@hexbus/core/gateway';
import { decodeServerFrame, readSubscribed, type ServerFrame } from '@hexbus/core/wire';
import { createRecordingHost } from '@hexbus/testkit';
import { describe, expect, test } from 'vitest';

const protocol = createHexbusV1();
const session = protocol.open(createRecordingHost());

const live = { id: 'm1', topic: 'order.created', body: { total: 9 }, time: 1_700_000_000_000 };
const stored = new RetainedMessage({
  position: 41,
  topic: 'order.created',
  id: 'm1',
  time: 1_700_000_000_000,
  type: 'Order',
  body: '{ "total" : 9.0 }',
  attributes: '{"sender":"ann","headers":{"traceparent":"00"}}',
});
const read = {
  id: 'm1',
  topic: 'order.created',
  type: 'Order',
  body: { total: 9 },
  sender: 'ann',
  headers: { traceparent: '00' },
  time: 1_700_000_000_000,
};

const frames: readonly (readonly [
  what: string,
  make: (session: ProtocolSession) => { readonly text: string } | undefined,
  text: string,
  frame: ServerFrame,
])[] = [
  [
    'WELCOME',
    (to) =>
      to.welcome({
        session: 's',
        secret: 'x',
        connection: 'c',
        token: 'e1.41',
        resumed: true,
        capabilities: ['console'],
        pingMs: 25_000,
        last: { code: 4101, reason: 'slow' },
      }),
    '[2,{"v":1,"session":"s","secret":"x","connection":"c","token":"e1.41","resumed":true,"caps":["console"],' +
      '"pingMs":25000,"last":{"code":4101,"reason":"slow"}}]',
    {
      kind: 'welcome',
      welcome: {
        session: 's',
        secret: 'x',
        connection: 'c',
        token: 'e1.41',
        resumed: true,
        capabilities: ['console'],
        pingMs: 25_000,
        last: { code: 4101, reason: 'slow' },
      },
    },
  ],
  [
    'WELCOME of a bus without history',
    (to) => to.welcome({ session: 's', secret: 'x', connection: 'c', resumed: false, capabilities: [], pingMs: 1 }),
    '[2,{"v":1,"session":"s","secret":"x","connection":"c","token":null,"resumed":false,"caps":[],"pingMs":1}]',
    {
      kind: 'welcome',
      welcome: { session: 's', secret: 'x', connection: 'c', resumed: false, capabilities: [], pingMs: 1 },
    },
  ],
  [
    'EVENT of a history, with its texts as they are',
    (to) => to.event(stored, 'e1.41'),
    '[5,"e1.41","order.created","Order",{ "total" : 9.0 },' +
      '{"id":"m1","time":1700000000000,"sender":"ann","headers":{"traceparent":"00"}}]',
    { kind: 'event', cursor: 'e1.41', message: { ...read, position: 41 } },
  ],
  [
    'EVENT of a topic that is not retained',
    (to) => to.event(live, undefined),
    '[5,null,"order.created",null,{"total":9},{"id":"m1","time":1700000000000}]',
    { kind: 'event', message: live },
  ],
  [
    'EVENT with empty attributes',
    (to) => to.event(new RetainedMessage({ ...stored.encoded, attributes: '{}' }), 'e1.41'),
    '[5,"e1.41","order.created","Order",{ "total" : 9.0 },{"id":"m1","time":1700000000000}]',
    {
      kind: 'event',
      cursor: 'e1.41',
      message: { id: 'm1', topic: 'order.created', type: 'Order', body: { total: 9 }, time: live.time, position: 41 },
    },
  ],
  [
    'EVENT for some subscriptions',
    (to) => to.eventFor(stored, [0, 2], 'e1.50~2:41', 'e1.41'),
    '[17,[0,2],"e1.50~2:41","e1.41","order.created","Order",{ "total" : 9.0 },' +
      '{"id":"m1","time":1700000000000,"sender":"ann","headers":{"traceparent":"00"}}]',
    {
      kind: 'event-for',
      subs: [0, 2],
      token: 'e1.50~2:41',
      cursor: 'e1.41',
      message: { ...read, position: 41 },
    },
  ],
  [
    'DELIVERY',
    (to) => to.delivery(5, 2, stored, 30_000),
    '[19,5,2,"order.created","Order",{ "total" : 9.0 },' +
      '{"id":"m1","time":1700000000000,"sender":"ann","headers":{"traceparent":"00"}},30000]',
    { kind: 'delivery', id: 5, sub: 2, message: read, timeoutMs: 30_000 },
  ],
  [
    'the answer to SUB',
    (to) => to.subscribed(2, { start: 'e1.40', head: 'e1.41', token: 'e1.41~2:40' }),
    '[8,2,{"start":"e1.40","head":"e1.41","token":"e1.41~2:40"}]',
    {
      kind: 'reply',
      id: 2,
      reply: { ok: true, body: { start: 'e1.40', head: 'e1.41', token: 'e1.41~2:40' } },
    },
  ],
  [
    'GAP',
    (to) => to.gap({ subs: [1], topics: ['a'], from: 3, to: 9, why: 'trimmed', token: 'e1.9' }),
    '[7,{"subs":[1],"topics":["a"],"from":3,"to":9,"why":"trimmed","token":"e1.9"}]',
    { kind: 'gap', gap: { subs: [1], topics: ['a'], from: 3, to: 9, why: 'trimmed', token: 'e1.9' } },
  ],
  [
    'GAP of drops',
    (to) => to.gap({ topics: ['a'], why: 'dropped' }),
    '[7,{"topics":["a"],"why":"dropped"}]',
    {
      kind: 'gap',
      gap: { topics: ['a'], why: 'dropped' },
    },
  ],
  [
    'a request',
    (to) => to.request(4, 'getState', {}, 5_000),
    '["getState",{},4,5000]',
    {
      kind: 'request',
      name: 'getState',
      body: {},
      id: 4,
      timeoutMs: 5_000,
    },
  ],
  [
    'a request that may take part of a millisecond',
    (to) => to.request(4, 'getState', null, 0.2),
    '["getState",null,4,1]',
    { kind: 'request', name: 'getState', body: null, id: 4, timeoutMs: 1 },
  ],
  [
    'a request that may take for ever',
    (to) => to.request(4, 'getState', null, Infinity),
    '["getState",null,4,null]',
    { kind: 'request', name: 'getState', body: null, id: 4, timeoutMs: Infinity },
  ],
  [
    'DELIVERY that may take for ever',
    (to) => to.delivery(5, 2, stored, Infinity),
    '[19,5,2,"order.created","Order",{ "total" : 9.0 },' +
      '{"id":"m1","time":1700000000000,"sender":"ann","headers":{"traceparent":"00"}},null]',
    { kind: 'delivery', id: 5, sub: 2, message: read, timeoutMs: Infinity },
  ],
  ['CANCEL', (to) => to.cancel(4), '[10,4]', { kind: 'cancel', id: 4 }],
  [
    'RESULT',
    (to) => to.reply(4, { ok: true, body: undefined }),
    '[8,4,null]',
    {
      kind: 'reply',
      id: 4,
      reply: { ok: true, body: null },
    },
  ],
  [
    'ERROR',
    (to) => to.reply(4, { ok: false, error: { code: 'limit', message: 'm', retryable: true, retryAfterMs: 9 } }),
    '[9,4,{"code":"limit","message":"m","retryable":true,"retryAfterMs":9}]',
    {
      kind: 'reply',
      id: 4,
      reply: { ok: false, error: { code: 'limit', message: 'm', retryable: true, retryAfterMs: 9 } },
    },
  ],
  ['PING', (to) => to.ping('e1.41'), '[14,"e1.41"]', { kind: 'ping', token: 'e1.41' }],
  ['PING without history', (to) => to.ping(undefined), '[14,null]', { kind: 'ping' }],
  ['PONG', (to) => to.pong(), '[15]', { kind: 'pong' }],
  ['EXPIRING', (to) => to.expiring(60_000), '[12,{"inMs":60000}]', { kind: 'expiring', inMs: 60_000 }],
  [
    'BYE',
    (to) => to.bye({ code: 1012, reason: 'restart', reconnect: true, afterMs: 1_500 }),
    '[16,{"code":1012,"reason":"restart","reconnect":true,"afterMs":1500}]',
    { kind: 'bye', bye: { code: 1012, reason: 'restart', reconnect: true, afterMs: 1_500 } },
  ],
];

test.each(frames)('%s', (_, make, text, frame) => {
  expect(make(session)?.text).toBe(text);
  expect(decodeServerFrame(text)).toStrictEqual(frame);
});

test('a notification', () => {
  expect(decodeServerFrame('["refresh",{"page":3}]')).toEqual({
    kind: 'notification',
    name: 'refresh',
    body: { page: 3 },
  });
});

test('the body of the answer to SUB', () => {
  expect(readSubscribed({ start: 'e.1', head: 'e.2', token: 'e.2', more: 1 })).toEqual({
    start: 'e.1',
    head: 'e.2',
    token: 'e.2',
  });
  expect(readSubscribed(null)).toEqual({});
});

describe('an event', () => {
  test('is one frame object for all sessions, which bears its cursor', () => {
    const frame = session.event(stored, 'e1.41');
    const other = new RetainedMessage({ ...stored.encoded, position: 42 });
    const otherFrame = session.event(other, 'e1.42');
    expect(frame.cursor).toBe('e1.41');
    expect(otherFrame).not.toBe(frame);
    expect(protocol.open(createRecordingHost()).event(stored, 'e1.41')).toBe(frame);
    expect(protocol.open(createRecordingHost()).event(other, 'e1.42')).toBe(otherFrame);
  });

  test('asked for with another cursor is another frame', () => {
    expect(session.event(stored, 'e1.41').cursor).toBe('e1.41');
    expect(session.event(stored, 'e2.41').cursor).toBe('e2.41');
    expect(session.event(stored, undefined).cursor).toBeUndefined();
  });

  test('for some subscriptions bears no cursor, since not everything up to it was sent', () => {
    expect(session.eventFor(stored, [1], 'e1.50~1:41', 'e1.41').cursor).toBeUndefined();
  });

  test('of a history is not parsed', () => {
    const message = new RetainedMessage({ ...stored.encoded, body: 'no JSON', attributes: '{no JSON}' });
    expect(session.event(message, 'e1.41').text).toContain('"Order",no JSON,{"id":"m1","time":1700000000000,no JSON}]');
  });

  test('with a body that JSON cannot carry is refused, and the next one is not', () => {
    const invalid = expect.objectContaining({ code: 'HEXBUS_INVALID_BODY' });
    expect(() => session.event({ ...live, body: 1n }, undefined)).toThrow(invalid);
    expect(() => session.request(1, 'a', 1n, 1)).toThrow(invalid);
    expect(() => session.reply(1, { ok: true, body: 1n })).toThrow(invalid);
    expect(session.event({ ...live, body: undefined }, undefined).text).toContain(',null,{');
  });
});

describe('a client', () => {
  test('passes over what a later server may say', () => {
    expect(decodeServerFrame('[64,"new"]')).toEqual({ kind: 'unknown', type: 64 });
    expect(decodeServerFrame('[15,"more"]')).toEqual({ kind: 'pong' });
    expect(decodeServerFrame('[12,{"inMs":1,"more":2},3]')).toEqual({ kind: 'expiring', inMs: 1 });
    expect(decodeServerFrame('["a",1,2,3,4]')).toEqual({ kind: 'request', name: 'a', body: 1, id: 2, timeoutMs: 3 });
    expect(decodeServerFrame('[9,1,{"code":"new","message":"m"}]')).toEqual({
      kind: 'reply',
      id: 1,
      reply: { ok: false, error: { code: 'remote-error', message: 'm', retryable: false } },
    });
  });

  test.each([
    '',
    'null',
    '{}',
    '[]',
    '[null]',
    '[-1]',
    '[1.5]',
    '[0]',
    '[1,{"v":1}]',
    '[13]',
    '[63]',
    '[2]',
    '[2,{"session":"s"}]',
    '[5]',
    '[5,"e1.41","t",null,1]',
    '[5,"e1.41","t",null,1,{"id":1,"time":1}]',
    '[5,"e1.x","t",null,1,{"id":"m","time":1}]',
    '[5,null,"t",null,1,{"id":"m","time":1,"headers":5}]',
    '[17,1,"e1.41",null,"t",null,1,{"id":"m","time":1}]',
    '[19,0,1,"t",null,1,{"id":"m","time":1},5]',
    '[7,{"why":"other"}]',
    '[8]',
    '[9,1]',
    '[12,1]',
    '[16]',
    '["a",1,2]',
  ])('takes %s for malformed', (text) => {
    expect(decodeServerFrame(text)).toEqual({ kind: 'malformed' });
  });
});
