import { createHexbusV1, type ProtocolSession } from '@hexbus/core/gateway';
import { encodeAsk, encodePublish, encodeSubscribe } from '@hexbus/core/wire';
import { createRecordingHost, type HostCall, type RecordingHost } from '@hexbus/testkit';
import { describe, expect, test } from 'vitest';

function open({ greeted = true } = {}): { readonly session: ProtocolSession; readonly host: RecordingHost } {
  const host = createRecordingHost();
  const session = createHexbusV1().open(host);
  if (greeted) session.receive('[1,{"v":1}]');
  host.take();
  return { session, host };
}

function heard(...texts: readonly string[]): readonly HostCall[] {
  const { session, host } = open();
  for (const text of texts) session.receive(text);
  return host.take();
}

function violation(code: number): readonly unknown[] {
  return ['violated', code, expect.any(String)];
}

function nested(depth: number): string {
  return `${'['.repeat(depth)}${']'.repeat(depth)}`;
}

test('a text longer than a frame may be: 1009', () => {
  const sized = (length: number): string => `["a","${'x'.repeat(length - 8)}"]`;
  expect(heard(sized(65_536))).toEqual([['ask', 'a', 'x'.repeat(65_528)]]);
  expect(heard(sized(65_537), '["a",1]')).toEqual([violation(1009)]);
});

describe('threat 18', () => {
  test.each(['["hi",1]', '[3,1,"a"]', '[15]', '[99]', '[8,1,null]'])('%s instead of HELLO: 4009', (text) => {
    const { session, host } = open({ greeted: false });
    session.receive(text);
    session.receive('[1,{"v":1}]');
    expect(host.calls).toEqual([violation(4009)]);
  });

  test('a second HELLO: 4509', () => {
    expect(heard('[1,{"v":1}]', '["hi",1]')).toEqual([violation(4509)]);
  });
});

describe('threat 19', () => {
  test.each([65, 5_000, 10_000])('a body that nests %d deep: 4500', (depth) => {
    expect(heard(`["hi",${nested(depth)}]`)).toEqual([violation(4500)]);
    expect(heard(`["hi",${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}]`)).toEqual([violation(4500)]);
  });

  test('a body that nests 64 deep is let through', () => {
    expect(heard(`["hi",${nested(64)}]`)).toEqual([['ask', 'hi', JSON.parse(nested(64))]]);
  });

  test('as many keys and elements as a frame has room for', () => {
    const keys = Array.from({ length: 6_000 }, (_, n) => `"${n}":0`).join();
    expect(heard(`["hi",{${keys}}]`).map(([name]) => name)).toEqual(['ask']);
    expect(heard(`["hi",[${'[],'.repeat(20_000)}[]]]`).map(([name]) => name)).toEqual(['ask']);
  });

  test('an array of frames: 4500', () => {
    expect(heard(`[${'[15],'.repeat(12_000)}[15]]`)).toEqual([violation(4500)]);
  });

  test.each(['1e999', '-1e999', '[{"a":[1e999]}]'])('the number %s: 4500', (body) => {
    expect(heard(`["hi",${body}]`)).toEqual([violation(4500)]);
  });
});

describe('threat 20', () => {
  test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])('%s is data', (word) => {
    const body = JSON.parse(`{"${word}":{"polluted":true}}`) as unknown;
    const calls = heard(
      encodeAsk(word, body),
      encodeSubscribe({ id: 1, topic: word, from: 'now' }),
      encodePublish(2, { topic: word, type: word, body, messageId: word }),
      `[3,3,"a",{"${word}":1,"last":1}]`,
    );
    expect(calls).toEqual([
      ['ask', word, body],
      ['subscribe', { id: 1, topic: word, from: 'now' }],
      ['publish', 2, { topic: word, type: word, body, messageId: word }],
      violation(4500),
    ]);
    expect(Object.hasOwn(calls[0]?.[2] as object, word)).toBe(true);
  });

  test('the fields of a frame are its own, and Object.prototype stays as it was', () => {
    const before = Reflect.ownKeys(Object.prototype);
    const { session, host } = open({ greeted: false });
    session.receive(
      '[1,{"v":1,"__proto__":{"token":"x","subs":[[1,"a"]],"caps":["admin"]},"constructor":{"prototype":1}}]',
    );
    session.receive('[9,1,{"__proto__":{"code":"forbidden"},"code":"toString","message":"m"}]');
    expect(host.calls).toStrictEqual([
      ['hello', { subscriptions: [], capabilities: [] }],
      ['reply', 1, { ok: false, error: { code: 'remote-error', message: 'm', retryable: false } }],
    ]);
    expect(Reflect.ownKeys(Object.prototype)).toEqual(before);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});

describe('threat 21', () => {
  test.each([
    '',
    '{not json',
    'null',
    'true',
    '5',
    '"str"',
    '{}',
    '[]',
    '[null]',
    '[true]',
    '[[]]',
    '[1.5]',
    '[-1]',
    '[1e300]',
    '[0]',
    '[13,5]',
    '[63]',
    '[2,{}]',
    '[5,null,"a",null,1,{"id":"m","time":1}]',
    '[7,{}]',
    '[12,{}]',
    '[16,{}]',
    '[17,[1],"e.1","e.1","a",null,1,{}]',
    '[19,1,1,"a",null,1,{},1]',
    '#1',
    '\u0000',
    '\ufeff[15]',
    '[15][15]',
  ])('%s: 4500', (text) => {
    expect(heard(text, '["hi",1]')).toEqual([violation(4500)]);
  });

  test.each(['[64]', '[9007199254740991,1,2]'])('%s may come to mean something: ignored', (text) => {
    expect(heard(text, '["hi",1]')).toEqual([
      ['ignored', expect.any(String)],
      ['ask', 'hi', 1],
    ]);
  });
});

describe('threat 22', () => {
  test('10,000 subscriptions are all told, and forgotten when they are refused', () => {
    const { session, host } = open();
    for (let round = 0; round < 2; round++) {
      for (let id = 1; id <= 10_000; id++) session.receive(encodeSubscribe({ id, topic: 'a', from: 'now' }));
      expect(host.take()).toHaveLength(10_000);
      for (let id = 1; id <= 10_000; id++) {
        session.reply(id, { ok: false, error: { code: 'limit', message: 'm', retryable: false } });
      }
    }
  });

  test('UNSUB of what was never subscribed is ignored', () => {
    expect(heard('[4,1]', '[3,1,"a"]', '[4,1]', '[4,1]').map(([name]) => name)).toEqual([
      'ignored',
      'subscribe',
      'unsubscribe',
      'ignored',
    ]);
  });
});

describe('threat 23', () => {
  test.each(['', 'a\nb', 'a\u0000', 'a\u2028b', '\ud800', 'é'.repeat(129), 'a'.repeat(257)])(
    'topic %j is not printable or too long: 4500',
    (topic) => {
      expect(heard(encodeSubscribe({ id: 1, topic, from: 'now' }))).toEqual([violation(4500)]);
      expect(heard(encodePublish(1, { topic, body: 1 }))).toEqual([violation(4500)]);
    },
  );

  test.each(['>', '@user.bob', '@session.urn:x', '漢字.🚌', 'é'.repeat(128)])(
    'topic %j is for the gateway to judge',
    (topic) => {
      expect(heard(encodeSubscribe({ id: 1, topic, from: 'now' }))).toEqual([
        ['subscribe', { id: 1, topic, from: 'now' }],
      ]);
    },
  );

  test.each(['', '\u007f', 'x'.repeat(129)])('name, type and id %j: 4500', (name) => {
    expect(heard(encodeAsk(name, 1))).toEqual([violation(4500)]);
    expect(heard(`[18,1,"a","${name}",1,{}]`)).toEqual([violation(4500)]);
    expect(heard(encodePublish(1, { topic: 'a', body: 1, messageId: name }))).toEqual([violation(4500)]);
  });

  test.each([
    '"latest"',
    '5',
    '[]',
    '{}',
    '{"last":-1}',
    '{"last":1.5}',
    '{"last":"1"}',
    '{"since":"now"}',
    '{"after":"e 1"}',
    `{"after":"${'e'.repeat(129)}"}`,
    '{"after":"e.1","last":1}',
  ])('a subscription from %s: 4500', (from) => {
    expect(heard(`[3,1,"a",${from}]`)).toEqual([violation(4500)]);
  });
});

describe('threat 24', () => {
  test('who publishes what to whom is no matter of the protocol: it reaches the gateway as it is', () => {
    expect(heard('[18,1,"@user.bob",null,1,{"sender":"root","time":0}]')).toEqual([
      ['publish', 1, { topic: '@user.bob', body: 1 }],
    ]);
  });
});

describe('threat 25', () => {
  test.each(['0', '-1', '1.5', '9007199254740992', '1e300', '"1"', 'true', '{}', '[1]'])('id %s: 4500', (id) => {
    for (const text of [
      `["hi",1,${id}]`,
      `[3,${id},"a"]`,
      `[4,${id}]`,
      `[8,${id},1]`,
      `[9,${id},{"code":"limit","message":"m"}]`,
      `[10,${id}]`,
      `[11,${id},"t"]`,
      `[18,${id},"a",null,1,{}]`,
    ]) {
      expect(heard(text)).toEqual([violation(4500)]);
    }
  });

  test('the largest id is taken', () => {
    expect(heard('["hi",1,9007199254740991]')).toEqual([['ask', 'hi', 1, 9_007_199_254_740_991]]);
  });

  const openings = ['["hi",1,7]', '[3,7,"a"]', '[18,7,"a",null,1]', '[11,7,"t"]'];
  test.each(openings.flatMap((first) => openings.map((second) => [first, second] as const)))(
    '%s, then %s while it is open: 4509',
    (first, second) => {
      const calls = heard(first, second, '["more",1]');
      expect(calls.slice(1)).toEqual([violation(4509)]);
    },
  );

  test('an id twice in HELLO: 4509', () => {
    const { session, host } = open({ greeted: false });
    session.receive('[1,{"v":1,"subs":[[1,"a"],[1,"b"]]}]');
    expect(host.calls).toEqual([violation(4509)]);
  });

  test('an id of HELLO is open', () => {
    const { session, host } = open({ greeted: false });
    session.receive('[1,{"v":1,"subs":[[1,"a"]]}]');
    session.receive('["hi",1,1]');
    expect(host.calls.slice(1)).toEqual([violation(4509)]);
  });

  test('an id is free again when it was answered, cancelled, ended or refused', () => {
    const { session, host } = open();
    const refused = { ok: false, error: { code: 'forbidden', message: 'm', retryable: false } } as const;
    session.receive('["hi",1,1]');
    session.reply(1, { ok: true, body: null });
    session.receive('["hi",2,1]');
    session.receive('[10,1]');
    session.receive('[3,1,"a"]');
    session.subscribed(1, {});
    session.receive('[4,1]');
    session.receive('[3,1,"b"]');
    session.reply(1, refused);
    session.receive('[11,1,"t"]');
    session.reply(1, refused);
    session.receive('[18,1,"a"]');
    expect(host.calls.map(([name]) => name)).toEqual([
      'hello',
      'ask',
      'ask',
      'cancel',
      'subscribe',
      'unsubscribe',
      'subscribe',
      'authenticate',
      'publish',
    ]);
  });

  test('CANCEL ends no subscription, and UNSUB no request', () => {
    expect(heard('[3,1,"a"]', '[10,1]', '["hi",1,2]', '[4,2]').map(([name]) => name)).toEqual([
      'subscribe',
      'ignored',
      'ask',
      'ignored',
    ]);
  });
});

describe('threat 26', () => {
  test('replies reach the host with the id that the client named, however often: it knows what it asked', () => {
    expect(heard('[8,1,"a"]', '[8,1,"b"]').map(([name, id]) => [name, id])).toEqual([
      ['reply', 1],
      ['reply', 1],
    ]);
  });

  test.each(['[9,1]', '[9,1,"no"]', '[9,1,[]]', '[9,1,{"code":1,"message":"m"}]', '[9,1,{"code":"limit"}]'])(
    '%s is no error: 4500',
    (text) => {
      expect(heard(text)).toEqual([violation(4500)]);
    },
  );
});

describe('threat 27', () => {
  test('10^5 requests are all told; their ids are free once they are answered', () => {
    const { session, host } = open();
    for (let round = 0; round < 2; round++) {
      for (let id = 1; id <= 100_000; id++) session.receive(`["hi",0,${id}]`);
      for (let id = 1; id <= 100_000; id++) {
        session.reply(id, { ok: false, error: { code: 'overloaded', message: 'm', retryable: true } });
      }
      expect(host.take()).toHaveLength(100_000);
    }
  });
});
