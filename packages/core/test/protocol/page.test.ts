import { readFileSync } from 'node:fs';
import { createHexbusV1, createHexbusV1EventSource, type Frame, type ProtocolSession } from '@hexbus/core/gateway';
import {
  closeCodes,
  decodeServerFrame,
  encodeAcknowledge,
  encodeAsk,
  encodeHello,
  encodePong,
  encodeReply,
  frameTypes,
  readSubscribed,
  reconnectAfter,
  type ServerFrame,
  wireErrorCodes,
  wireLimits,
} from '@hexbus/core/wire';
import { createRecordingHost, type HostCall } from '@hexbus/testkit';
import { describe, expect, test } from 'vitest';

const page = readFileSync(new URL('../../../../docs/protocol.md', import.meta.url), 'utf8');

/** The cells of the table that begins with these headings. */
function table(...headings: readonly string[]): readonly (readonly string[])[] {
  const start = page.indexOf(`| ${headings.join(' | ')} |\n`);
  expect(start).toBeGreaterThan(0);
  const [, , ...rows] = (page.slice(start).split('\n\n')[0] ?? '').trim().split('\n');
  return rows.map((row) =>
    row
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  );
}

describe('docs/protocol.md', () => {
  test('lists every frame type and no other', () => {
    const listed = table('number', 'name', 'who', 'elements after the number').map(([number]) => Number(number));
    expect(listed).toEqual(Object.values(frameTypes).sort((a, b) => a - b));
  });

  test('lists every close code with what a client does after it', () => {
    const listed = table('code', 'means', 'reconnect').map(([code, , how]) => [Number(code), how]);
    const known = Object.values(closeCodes).map((code) => [code, `\`${reconnectAfter(code)}\``]);
    expect(listed).toEqual(known);
  });

  test('explains each way of coming back', () => {
    const ways = new Set(Object.values(closeCodes).map((code) => `\`${reconnectAfter(code)}\``));
    expect(table('reconnect', 'the client comes back').map(([way]) => way)).toEqual(expect.arrayContaining([...ways]));
    expect(table('reconnect', 'the client comes back')).toHaveLength(ways.size);
  });

  test('explains each code of an error', () => {
    const listed = [...page.matchAll(/^\| `([a-z-]+)` \| [a-z]/gm)].map(([, code]) => code);
    expect(listed).toEqual(expect.arrayContaining([...wireErrorCodes]));
  });

  test('names the limits', () => {
    const listed = table('what', 'at most').map(([, most = '']) => Number(most.replace(',', '')));
    const { maxFrameBytes, maxDepth, maxTopicBytes, maxNameBytes } = wireLimits;
    const { maxSessionLength, maxCursorLength, maxTokenLength } = wireLimits;
    expect(listed).toEqual([
      maxFrameBytes,
      maxDepth,
      maxTopicBytes,
      maxNameBytes,
      maxSessionLength,
      maxCursorLength,
      maxTokenLength,
    ]);
  });
});

/** What hexbus's own client writes to say what a host heard. */
function written(call: HostCall | undefined): string | undefined {
  switch (call?.[0]) {
    case 'hello':
      return encodeHello(call[1]);
    case 'ask':
      return encodeAsk(call[1], call[2], call[3]);
    case 'acknowledge':
      return encodeAcknowledge(call[1]);
    case 'reply':
      return encodeReply(call[1], call[2]);
    default:
      // PONG calls nothing.
      return call === undefined ? encodePong() : undefined;
  }
}

/** What a session sends to say what a client read. */
function spoken(session: ProtocolSession, frame: ServerFrame): Frame | undefined {
  switch (frame.kind) {
    case 'welcome':
      return session.welcome(frame.welcome);
    case 'event':
      return session.event(frame.message, frame.cursor);
    case 'event-for':
      return session.eventFor(frame.message, frame.subs, frame.token, frame.cursor);
    case 'request':
      return session.request(frame.id, frame.name, frame.body, frame.timeoutMs);
    case 'reply': {
      const body = frame.reply.ok ? readSubscribed(frame.reply.body) : {};
      return body.start === undefined ? session.reply(frame.id, frame.reply) : session.subscribed(frame.id, body);
    }
    case 'ping':
      return session.ping(frame.token);
    case 'bye':
      return session.bye(frame.bye);
    default:
      return undefined;
  }
}

describe('what docs/protocol.md says of server-sent events', () => {
  test('are the names of events', () => {
    const session = createHexbusV1EventSource().open(createRecordingHost());
    const error = { code: 'forbidden', message: 'no', retryable: false } as const;
    const welcome = { session: 's', secret: 's', connection: 'c', resumed: false, capabilities: [], pingMs: 1 };
    const frames = [
      session.welcome(welcome),
      session.subscribed(1, {}),
      session.reply(1, { ok: false, error }),
      session.gap({ why: 'reset' }),
      session.ping(undefined),
      session.expiring(1),
      session.bye({ code: 1012, reason: '', reconnect: true, afterMs: 1 }),
    ];
    const listed = table('event', 'frame').map(([event = '']) => event.replaceAll('`', ''));
    // The last one is of the transport, as for every client.
    expect(listed).toEqual([...frames.map((frame) => frame?.event), 'close']);
  });

  test('are frames that a server writes', () => {
    const session = createHexbusV1().open(createRecordingHost());
    const texts = [...page.matchAll(/^data: (\[.*\])$/gm)].map(([, text = '']) => text);
    expect(texts).toHaveLength(2);
    for (const text of texts) expect(spoken(session, decodeServerFrame(text))?.text).toBe(text);
  });

  test('are the parameters of an address', () => {
    const url = `/?${table('in the query', 'means')
      .flatMap(([names = '']) => [...names.matchAll(/`(\w+)`/g)].map(([, name]) => `${name}=x`))
      .join('&')}`;
    expect(url).toBe('/?topic=x&from=x&after=x&last=x&since=x&ticket=x');
    const handshake = { transport: 'sse', url, headers: {}, address: '', protocols: [] };
    expect(createHexbusV1EventSource().helloOf(handshake)).toEqual({ fault: expect.stringContaining('start') });
  });
});

describe('the example of docs/protocol.md', () => {
  const exchanges = [...page.matchAll(/^```\n([CS] [\s\S]*?)\n```$/gm)].map(([, lines = '']) => lines.split('\n'));

  test('is there', () => {
    expect(exchanges.map((lines) => lines.length)).toEqual([13, 5]);
  });

  test.each(exchanges)('is what client and server write, from %s', (...lines) => {
    const host = createRecordingHost();
    const session = createHexbusV1().open(host);
    for (const line of lines) {
      const text = line.slice(2);
      if (line.startsWith('C')) {
        session.receive(text);
        const calls = host.take();
        expect(calls.length).toBeLessThanOrEqual(1);
        expect(written(calls[0])).toBe(text);
      } else {
        expect(spoken(session, decodeServerFrame(text))?.text).toBe(text);
      }
    }
  });
});

describe('a close code', () => {
  test.each([1005, 1006, 1011, 3000, 4002, 4100, 4499, 5000])('%d, which is not listed, is not final', (code) => {
    expect(reconnectAfter(code)).toBe('backoff');
  });

  test.each([1000, 1008, 4500, 4501, 4503, 4504, 4506, 4509, 4511, 4999])('%d is final', (code) => {
    expect(reconnectAfter(code)).toBe('no');
  });

  test.each([4505, 4510])('%d is not, although it is above 4500', (code) => {
    expect(reconnectAfter(code)).not.toBe('no');
  });
});
