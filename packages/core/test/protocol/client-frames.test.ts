import { createHexbusV1 } from '@hexbus/core/gateway';
import {
  encodeAcknowledge,
  encodeAsk,
  encodeAuthenticate,
  encodeCancel,
  encodeHello,
  encodePing,
  encodePong,
  encodePublish,
  encodeReply,
  encodeSubscribe,
  encodeUnsubscribe,
} from '@hexbus/core/wire';
import { createRecordingHost, type HostCall } from '@hexbus/testkit';
import { describe, expect, test } from 'vitest';

const hello = '[1,{"v":1}]';

/** What a host hears of frames that follow HELLO. */
function heard(...texts: readonly string[]): readonly HostCall[] {
  const host = createRecordingHost();
  const session = createHexbusV1().open(host);
  session.receive(hello);
  host.take();
  for (const text of texts) session.receive(text);
  return host.take();
}

describe('HELLO', () => {
  function greeted(text: string): readonly HostCall[] {
    const host = createRecordingHost();
    createHexbusV1().open(host).receive(text);
    return host.calls;
  }

  test('of a new client', () => {
    const given = { subscriptions: [], capabilities: [] };
    const text = encodeHello(given);
    expect(text).toBe('[1,{"v":1,"subs":[],"caps":[]}]');
    expect(greeted(text)).toEqual([['hello', given]]);
    expect(greeted(hello)).toEqual([['hello', given]]);
  });

  test('of a client that comes back', () => {
    const given = {
      token: 'eyJ.x.y',
      resume: { session: 'urn:hexbus:s1', secret: 'c2VjcmV0', token: 'e1.41~2:40' },
      subscriptions: [
        { id: 1, topic: 'order.>', from: 'covered' },
        { id: 2, topic: 'news', from: 'now' },
        { id: 3, topic: 'a', from: 'earliest' },
        { id: 4, topic: 'b', from: { after: 'e1.7' } },
        { id: 5, topic: 'c', from: { last: 0 } },
        { id: 6, topic: 'd', from: { since: 1_700_000_000_000 } },
      ],
      capabilities: ['console'],
    } as const;
    const text = encodeHello(given);
    expect(text).toBe(
      '[1,{"v":1,"token":"eyJ.x.y","resume":{"session":"urn:hexbus:s1","secret":"c2VjcmV0","token":"e1.41~2:40"},' +
        '"subs":[[1,"order.>","covered"],[2,"news"],[3,"a","earliest"],[4,"b",{"after":"e1.7"}],[5,"c",{"last":0}],' +
        '[6,"d",{"since":1700000000000}]],"caps":["console"]}]',
    );
    expect(greeted(text)).toEqual([['hello', given]]);
  });

  test('of a client that never got a token', () => {
    const given = { resume: { session: 's', secret: 't' }, subscriptions: [], capabilities: [] };
    expect(greeted(encodeHello(given))).toEqual([['hello', given]]);
  });

  test('of a client whose session another one has taken', () => {
    const given = {
      lastToken: 'e1.41~2:40',
      subscriptions: [{ id: 1, topic: 'news', from: 'covered' }],
      capabilities: [],
    } as const;
    const text = encodeHello(given);
    expect(text).toBe('[1,{"v":1,"lastToken":"e1.41~2:40","subs":[[1,"news","covered"]],"caps":[]}]');
    expect(greeted(text)).toEqual([['hello', given]]);
  });

  test.each([
    '[1]',
    '[1,null]',
    '[1,[]]',
    '[1,{"v":1,"token":5}]',
    '[1,{"v":1,"token":""}]',
    '[1,{"v":1,"resume":"s"}]',
    '[1,{"v":1,"resume":{"session":"s"}}]',
    '[1,{"v":1,"resume":{"session":"s p","secret":"t"}}]',
    '[1,{"v":1,"resume":{"session":"s","secret":"t","token":"é"}}]',
    '[1,{"v":1,"lastToken":""}]',
    '[1,{"v":1,"lastToken":41}]',
    '[1,{"v":1,"subs":{}}]',
    '[1,{"v":1,"subs":[1]}]',
    '[1,{"v":1,"subs":[["a","b"]]}]',
    '[1,{"v":1,"caps":"console"}]',
    '[1,{"v":1,"caps":[1]}]',
    `[1,{"v":1,"token":"${'t'.repeat(8_193)}"}]`,
  ])('%.60s is malformed', (text) => {
    expect(greeted(text)).toEqual([['violated', 4500, expect.any(String)]]);
  });

  test.each(['[1,{}]', '[1,{"v":2}]', '[1,{"v":"1"}]'])('%s is of another version', (text) => {
    expect(greeted(text)).toEqual([['violated', 4504, expect.any(String)]]);
  });
});

const frames: readonly (readonly [what: string, frame: string, text: string, call: HostCall])[] = [
  [
    'SUB',
    encodeSubscribe({ id: 1, topic: 'order.*', from: 'now' }),
    '[3,1,"order.*"]',
    ['subscribe', { id: 1, topic: 'order.*', from: 'now' }],
  ],
  [
    'SUB from somewhere',
    encodeSubscribe({ id: 2, topic: 'order.created', from: { last: 10 } }),
    '[3,2,"order.created",{"last":10}]',
    ['subscribe', { id: 2, topic: 'order.created', from: { last: 10 } }],
  ],
  ['ACK', encodeAcknowledge('e1.41'), '[6,"e1.41"]', ['acknowledge', 'e1.41']],
  ['a notification', encodeAsk('seen', { a: 1 }), '["seen",{"a":1}]', ['ask', 'seen', { a: 1 }]],
  ['a request', encodeAsk('load', null, 7), '["load",null,7]', ['ask', 'load', null, 7]],
  [
    'PUBLISH',
    encodePublish(8, { topic: 'order.created', type: 'Order', body: [1], messageId: 'm1' }),
    '[18,8,"order.created","Order",[1],{"id":"m1"}]',
    ['publish', 8, { topic: 'order.created', type: 'Order', body: [1], messageId: 'm1' }],
  ],
  [
    'a bare PUBLISH',
    encodePublish(8, { topic: 'a', body: 'x' }),
    '[18,8,"a",null,"x",{}]',
    ['publish', 8, { topic: 'a', body: 'x' }],
  ],
  [
    'RESULT',
    encodeReply(3, { ok: true, body: { done: true } }),
    '[8,3,{"done":true}]',
    ['reply', 3, { ok: true, body: { done: true } }],
  ],
  [
    'ERROR',
    encodeReply(3, { ok: false, error: { code: 'overloaded', message: 'm', retryable: true, retryAfterMs: 5 } }),
    '[9,3,{"code":"overloaded","message":"m","retryable":true,"retryAfterMs":5}]',
    ['reply', 3, { ok: false, error: { code: 'overloaded', message: 'm', retryable: true, retryAfterMs: 5 } }],
  ],
  ['AUTH', encodeAuthenticate(9, 'jwt'), '[11,9,"jwt"]', ['authenticate', 9, 'jwt']],
  ['PING', encodePing(), '[14,null]', ['ping']],
];

test.each(frames)('%s', (_, frame, text, call) => {
  expect(frame).toBe(text);
  expect(heard(frame)).toEqual([call]);
});

test('UNSUB and CANCEL', () => {
  expect(encodeUnsubscribe(1)).toBe('[4,1]');
  expect(encodeCancel(2)).toBe('[10,2]');
  expect(heard('[3,1,"a"]', '["load",null,2]', '[4,1]', '[10,2]').slice(2)).toEqual([
    ['unsubscribe', 1],
    ['cancel', 2],
  ]);
});

test('PONG says nothing but that the client lives', () => {
  expect(encodePong()).toBe('[15]');
  expect(heard('[15]')).toEqual([]);
});

test('what is absent counts as null, and what is too much is passed over', () => {
  expect(heard('["a"]', '["b",1,null]', '[14]', '[8,3]', '[18,1,"t"]', '["c",1,2,3,4]', '[3,4,"t",null,5]')).toEqual([
    ['ask', 'a', null],
    ['ask', 'b', 1],
    ['ping'],
    ['reply', 3, { ok: true, body: null }],
    ['publish', 1, { topic: 't', body: null }],
    ['ask', 'c', 1, 2],
    ['subscribe', { id: 4, topic: 't', from: 'now' }],
  ]);
});

test('an error code that is not known counts as remote-error', () => {
  expect(heard('[9,3,{"code":"__proto__","message":"m","more":1}]')).toEqual([
    ['reply', 3, { ok: false, error: { code: 'remote-error', message: 'm', retryable: false } }],
  ]);
});

test('what JSON cannot carry is refused with HEXBUS_INVALID_BODY', () => {
  expect(() => encodeAsk('load', 1n, 1)).toThrow(expect.objectContaining({ code: 'HEXBUS_INVALID_BODY' }));
});
