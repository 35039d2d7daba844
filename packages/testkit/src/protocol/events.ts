import { isHexbusError, type Message, type StoredMessage } from '@hexbus/core';
import { RetainedMessage } from '@hexbus/core/gateway';
import type { ServerFrame } from '@hexbus/core/wire';
import { check, checkSame } from '../support/check.ts';
import type { Dialogue, ProtocolLab, ProtocolRule } from './lab.ts';

const live: Message = {
  id: 'm1',
  topic: 'order.created',
  type: 'Order',
  body: { total: 9 },
  sender: 'ann',
  headers: { traceparent: '00-1' },
  time: 1_700_000_000_000,
};

const bare: Message = { id: 'm2', topic: 'order.created', body: null, time: 1_700_000_000_001 };

/** A message as a history gives it. */
export function retained(message: Message, position: number): RetainedMessage {
  const { id, topic, type, body, sender, headers, time } = message;
  const stored: StoredMessage = { position, topic, id, time, body: JSON.stringify(body) };
  return new RetainedMessage({
    ...stored,
    ...(type === undefined ? {} : { type }),
    ...(sender === undefined && headers === undefined ? {} : { attributes: JSON.stringify({ sender, headers }) }),
  });
}

/** Checks that a frame brings a message, in all that the protocol carries of it, and nothing that the message has not. */
export function checkMessage(
  lab: ProtocolLab,
  frame: ServerFrame | undefined,
  kind: 'event' | 'event-for' | 'delivery',
  message: Message,
): void {
  check(frame?.kind === kind, `the client should read ${kind} and reads ${frame?.kind ?? 'nothing'}`);
  for (const field of ['topic', 'body', ...lab.adapter.client.carries] as const) {
    // A delivery is settled by its answer, and has no place in the stream.
    if (field === 'position' && kind === 'delivery') continue;
    checkSame(frame.message[field], message[field], `${field} of the message in ${kind}`);
  }
}

function checkCursor(lab: ProtocolLab, frame: ServerFrame | undefined, cursor: string | undefined): void {
  if (!lab.adapter.client.carries.includes('position')) return;
  const read = frame?.kind === 'event' || frame?.kind === 'event-for' ? frame.cursor : undefined;
  checkSame(read, cursor, 'the cursor that the client reads');
}

function checkAllForms(lab: ProtocolLab, { session, read }: Speaker, message: Message, cursor?: string): void {
  const event = read(session.event(message, cursor));
  checkMessage(lab, event, 'event', message);
  checkCursor(lab, event, cursor);
  const catchingUp = read(session.eventFor(message, [0, 2], 'e1.50~2:41', cursor));
  // A protocol without subscriptions of its own sends everybody the same.
  if (catchingUp?.kind === 'event') checkMessage(lab, catchingUp, 'event', message);
  else {
    checkMessage(lab, catchingUp, 'event-for', message);
    checkCursor(lab, catchingUp, cursor);
    const { subs, token } = catchingUp as Extract<ServerFrame, { kind: 'event-for' }>;
    checkSame({ subs, token }, { subs: [0, 2], token: 'e1.50~2:41' }, 'subscriptions and token');
  }
  const delivery = session.delivery(7, 2, message, 30_000);
  if (delivery === undefined) return;
  const delivered = read(delivery);
  checkMessage(lab, delivered, 'delivery', message);
  const { id, sub, timeoutMs } = delivered as Extract<ServerFrame, { kind: 'delivery' }>;
  checkSame({ id, sub, timeoutMs }, { id: 7, sub: 2, timeoutMs: 30_000 }, 'what goes with a delivery');
}

type Speaker = Pick<Dialogue, 'session' | 'read'>;

function speaker(lab: ProtocolLab): Speaker {
  const dialogue = lab.greet();
  return { session: dialogue.session, read: (frame) => dialogue.read(frame) };
}

export const eventRules: readonly ProtocolRule[] = [
  {
    id: 'PR-19',
    sentence: 'A message arrives with its topic, its body, and what the protocol carries of it, and nothing else.',
    async check(lab) {
      for (const message of [live, bare]) {
        checkAllForms(lab, speaker(lab), message);
        checkAllForms(lab, speaker(lab), retained(message, 41), 'e1.41');
      }
    },
  },
  {
    id: 'PR-20',
    sentence: 'An event is one frame object for all sessions of a protocol.',
    async check(lab) {
      const protocol = lab.adapter.create();
      const sessions = [lab.greet(protocol).session, lab.greet(protocol).session, lab.greet(protocol).session];
      const messages = [retained(live, 41), retained(bare, 42), live];
      const cursors = ['e1.41', 'e1.42', undefined];
      // By session, then by message, so that a memory of the last message alone does not do.
      const frames = sessions.map((session) => messages.map((message, n) => session.event(message, cursors[n])));
      for (const one of frames) {
        for (const [n, frame] of one.entries())
          check(frame === frames[0]?.[n], `frame ${n + 1} should be the same object`);
      }
      check(new Set(frames[0]).size === messages.length, 'other messages should have other frames');
    },
  },
  {
    id: 'PR-21',
    sentence:
      'The frame of an event bears its cursor. That of an event for some subscriptions bears none, or its token.',
    async check(lab) {
      const { session } = lab.greet();
      const message = retained(live, 41);
      for (const cursor of ['e1.41', 'e2.41', undefined, 'e1.41']) {
        checkSame(session.event(message, cursor).cursor, cursor, 'the cursor of the frame');
      }
      const { cursor } = session.eventFor(message, [1], 'e1.50~1:41', 'e1.41');
      check(cursor === undefined || cursor === 'e1.50~1:41', `the frame for one subscription bears ${cursor}`);
    },
  },
  {
    id: 'PR-22',
    sentence: 'A message of a history is not parsed: its texts go out as they are.',
    async check(lab) {
      const { session } = lab.greet();
      const body = '{ not JSON }';
      const message = new RetainedMessage({ ...retained(live, 41).encoded, body });
      const frames = [session.event(message, 'e1.41'), session.eventFor(message, [1], 'e1.41', 'e1.41')];
      for (const frame of [...frames, session.delivery(1, 1, message, 1) ?? { text: body }]) {
        check(frame.text.includes(body), 'the text of the body should stand in the frame');
      }
    },
  },
  {
    id: 'PR-23',
    sentence: 'A body that JSON cannot carry is refused with HEXBUS_INVALID_BODY, and does no harm.',
    async check(lab) {
      const { session, read } = speaker(lab);
      const cycle: unknown[] = [];
      cycle.push(cycle);
      for (const body of [1n, cycle]) {
        const calls: Readonly<Record<string, () => unknown>> = {
          event: () => session.event({ ...live, body }, undefined),
          request: () => session.request(1, 'load', body, 1) ?? session.event({ ...live, body }, undefined),
          reply: () => session.reply(1, { ok: true, body }) ?? session.event({ ...live, body }, undefined),
        };
        for (const [name, call] of Object.entries(calls)) checkInvalidBody(call, name);
      }
      checkMessage(lab, read(session.event(live, undefined)), 'event', live);
    },
  },
];

function checkInvalidBody(call: () => unknown, what: string): void {
  try {
    call();
  } catch (error) {
    if (isHexbusError(error, 'HEXBUS_INVALID_BODY')) return;
    throw new Error(`${what} should throw HEXBUS_INVALID_BODY, but threw ${String(error)}`, { cause: error });
  }
  throw new Error(`${what} should throw HEXBUS_INVALID_BODY, but did not`);
}
