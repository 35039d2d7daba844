import {
  type Bye,
  closeCodes,
  createHexbusV1,
  createHexbusV1EventSource,
  type Handshake,
  type Hello,
  type ProtocolSession,
  RetainedMessage,
} from '@hexbus/core/gateway';
import { createRecordingHost } from '@hexbus/testkit';
import { describe, expect, test } from 'vitest';

const retained = (position: number): RetainedMessage =>
  new RetainedMessage({ position, topic: 'order.a', id: `m${position}`, time: 1, body: '{"a":1}' });
const welcome = {
  session: 's',
  secret: 'c',
  connection: 'k',
  token: 'e.1',
  resumed: false,
  capabilities: [],
  pingMs: 25_000,
} as const;
const refused = { ok: false, error: { code: 'forbidden', message: 'no', retryable: false } } as const;
const later = { ok: false, error: { ...refused.error, code: 'overloaded', retryable: true } } as const;

/** What a client says that follows so many topics. */
function helloOf(topics: number, lastToken?: string): Hello {
  const subscriptions = Array.from({ length: topics }, (_, index) => ({
    id: index + 1,
    topic: 'a',
    from: 'now' as const,
  }));
  return { ...(lastToken === undefined ? {} : { lastToken }), subscriptions, capabilities: [] };
}

function sessionOf(topics: number, lastToken?: string): ProtocolSession {
  return createHexbusV1EventSource().open(createRecordingHost(), helloOf(topics, lastToken));
}

describe('a client is taken', () => {
  const handshake: Handshake = { transport: 'sse', url: '/', headers: {}, address: '', protocols: [] };

  test.each([
    ['sse', true],
    ['ws', false],
  ])('that names no protocol, over %s: %s', (transport, isTaken) => {
    expect(createHexbusV1EventSource().accepts({ ...handshake, transport })).toBe(isTaken);
  });
});

describe('a frame', () => {
  test('has the text of the native protocol, and a name unless it is a message', () => {
    const native = createHexbusV1();
    const [ours, theirs] = [createHexbusV1EventSource(native), native].map((protocol) =>
      protocol.open(createRecordingHost(), helloOf(1)),
    ) as [ProtocolSession, ProtocolSession];
    const bye: Bye = { code: 1012, reason: 'restart', reconnect: true, afterMs: 70.5 };
    const live = { id: 'm', topic: 'news', body: 'a\r\nb\u2028', time: 1 };
    const spoken = (session: ProtocolSession) => [
      session.welcome(welcome),
      session.subscribed(1, { start: 'e.0', head: 'e.1', token: 'e.1' }),
      session.event(live, undefined),
      session.event(retained(2), 'e.2'),
      session.reply(1, refused),
      session.gap({ why: 'trimmed', subs: [1], topics: ['order.a'], from: 1, to: 2 }),
      session.ping('e.2'),
      session.expiring(1_000),
      session.bye(bye),
    ];
    const frames = spoken(ours);
    expect(frames.map((frame) => frame?.text)).toEqual(spoken(theirs).map((frame) => frame?.text));
    expect(frames.map((frame) => frame?.event)).toEqual([
      'welcome',
      'subscribed',
      undefined,
      undefined,
      'refused',
      'gap',
      'ping',
      'expiring',
      'bye',
    ]);
    for (const frame of frames) expect(frame?.text).not.toMatch(/[\r\n]/);
    expect(ours.event(retained(3), 'e.3').text).toBe(ours.eventFor(retained(3), [1], 'e.3~1:2', 'e.3').text);
  });

  test('of a message is the one of the native protocol, made once', () => {
    const native = createHexbusV1();
    const protocol = createHexbusV1EventSource(native);
    const sessions = [protocol, protocol, native].map((each) => each.open(createRecordingHost(), helloOf(0)));
    const message = retained(1);
    expect(new Set(sessions.map((session) => session.event(message, 'e.1'))).size).toBe(1);
  });

  test('is missing where an answer would be wanted', () => {
    const session = sessionOf(0);
    expect([
      session.request(1, 'load', null, 1),
      session.delivery(1, 1, retained(1), 1),
      session.cancel(1),
      session.pong(),
    ]).toEqual([undefined, undefined, undefined, undefined]);
  });
});

describe('the id of a frame', () => {
  test('is the token once every topic was answered, with the answer to the last', () => {
    const session = sessionOf(3);
    const ids = [
      session.welcome(welcome),
      session.subscribed(2, { token: 'e.1~2:0' }),
      session.eventFor(retained(1), [2], 'e.1', 'e.1'),
      session.event(retained(2), 'e.2'),
      session.ping('e.2'),
      session.gap({ why: 'reset', token: 'e.2' }),
      session.reply(3, refused),
      session.subscribed(1, {}),
      session.event(retained(3), 'e.3'),
      session.gap({ why: 'dropped', topics: ['news'] }),
      session.gap({ why: 'reset', token: 'f.0' }),
      session.eventFor(retained(4), [2], 'f.9~2:4', 'f.4'),
      session.ping('f.9'),
    ].map((frame) => frame?.cursor);
    const withheld = Array.from({ length: 6 }, () => undefined);
    expect(ids).toEqual(['-', ...withheld, 'e.2', 'e.3', 'e.3', 'f.0', 'f.9~2:4', 'f.9']);
  });

  test('is that of WELCOME where there are no topics, and where there is a history', () => {
    expect(sessionOf(0).welcome(welcome)?.cursor).toBe('e.1');
    expect(sessionOf(0).welcome({ ...welcome, token: undefined })?.cursor).toBe('-');
    expect(sessionOf(1).welcome(welcome)?.cursor).toBe('-');
  });

  test('is that of WELCOME, if no answer brings one', () => {
    const session = sessionOf(1);
    session.welcome(welcome);
    expect(session.subscribed(1, {})?.cursor).toBe('e.1');
  });

  test('is not set back by WELCOME for a client that comes back', () => {
    const session = sessionOf(1, 'e.7');
    expect(session.welcome(welcome)?.cursor).toBeUndefined();
    expect(session.reply(1, refused)?.cursor).toBeUndefined();
    expect(session.ping('e.8')?.cursor).toBe('e.8');
  });

  test('is withheld for good where a topic was refused that may be had later', () => {
    const session = sessionOf(2);
    session.subscribed(1, { token: 'e.1' });
    expect([session.reply(2, later), session.event(retained(2), 'e.2')].map((frame) => frame?.cursor)).toEqual([
      undefined,
      undefined,
    ]);
  });

  test('is at most 128 characters long', () => {
    const session = sessionOf(0);
    const token = (length: number): string => `e.1~1:${'2'.repeat(length - 6)}`;
    expect(session.ping(token(128))?.cursor).toBe(token(128));
    expect(session.ping(token(129))?.cursor).toBeUndefined();
    expect(session.event(retained(1), 'e.1').cursor).toBe('e.1');
  });
});

describe('the pause that BYE names', () => {
  const pauseOf = (bye: Partial<Bye>): number | undefined =>
    sessionOf(0).bye({ code: closeCodes.restarting, reason: '', reconnect: true, afterMs: 0, ...bye })?.retryMs;

  test.each([
    ['that of the server, whole', { afterMs: 700.5 }, 701],
    ['no shorter than may be waited again and again', { afterMs: 0.5 }, 500],
    ['none, if the server names none', {}, undefined],
    ['the longest, if the client is to stay away', { code: closeCodes.ended, reconnect: false }, 2_147_483_647],
    ['the longest, if only a new session would do', { code: closeCodes.sessionTaken }, 2_147_483_647],
    ['no longer than an EventSource can wait', { afterMs: 1e12 }, 2_147_483_647],
  ])('is %s', (_, bye, pause) => {
    expect(pauseOf(bye)).toBe(pause);
  });
});

test('whatever such a client says is one violation', () => {
  const host = createRecordingHost();
  const session = createHexbusV1EventSource().open(host, helloOf(0));
  session.receive('[15]');
  session.receive('{');
  expect(host.calls).toEqual([['violated', 4500, expect.any(String)]]);
});
