import type { Message } from '../message.ts';
import type { Bye, Welcome, WireGap, WireReply } from '../ports/protocol.ts';
import { isCount, isFields, isId, optionalText, readDuration, readError } from './elements.ts';
import { frameTypes, wireLimits } from './frames.ts';
import { parseJson } from './parse-bounded.ts';

/** What a server said. */
export type ServerFrame =
  | { readonly kind: 'welcome'; readonly welcome: Welcome }
  /** For every subscription whose filter matches. `cursor` is also the token; absent when the topic is not retained. */
  | { readonly kind: 'event'; readonly message: Message; readonly cursor?: string }
  /** For the named subscriptions only. */
  | {
      readonly kind: 'event-for';
      readonly message: Message;
      readonly cursor?: string;
      readonly subs: readonly number[];
      readonly token: string;
    }
  /** A message of a held topic, to be answered. */
  | {
      readonly kind: 'delivery';
      readonly id: number;
      readonly sub: number;
      readonly message: Message;
      readonly timeoutMs: number;
    }
  | { readonly kind: 'gap'; readonly gap: WireGap }
  | { readonly kind: 'notification'; readonly name: string; readonly body: unknown }
  | {
      readonly kind: 'request';
      readonly name: string;
      readonly body: unknown;
      readonly id: number;
      readonly timeoutMs: number;
    }
  | { readonly kind: 'reply'; readonly id: number; readonly reply: WireReply }
  | { readonly kind: 'cancel'; readonly id: number }
  | { readonly kind: 'expiring'; readonly inMs: number }
  | { readonly kind: 'ping'; readonly token?: string }
  | { readonly kind: 'pong' }
  | { readonly kind: 'bye'; readonly bye: Bye }
  /** Of a later version of the protocol: to be passed over. */
  | { readonly kind: 'unknown'; readonly type: number }
  | { readonly kind: 'malformed' };

const malformed: ServerFrame = { kind: 'malformed' };

/** Reads a frame of a server. Never throws. Elements and fields that it does not know are passed over. */
export function decodeServerFrame(text: string): ServerFrame {
  const frame = parseJson(text);
  if (!Array.isArray(frame)) return malformed;
  const [type, ...elements] = frame as readonly unknown[];
  if (typeof type === 'string') return decodeApplication(type, elements) ?? malformed;
  if (!isCount(type)) return malformed;
  if (type > wireLimits.maxKnownType) return { kind: 'unknown', type };
  return decodeProtocol(type, elements) ?? malformed;
}

/** The body of the reply to a subscription: where it began, the head at that time, and the token that covers it. */
export function readSubscribed(body: unknown): {
  readonly start?: string;
  readonly head?: string;
  readonly token?: string;
  readonly held?: true;
} {
  if (!isFields(body)) return {};
  const { start, head, token, held } = body;
  return {
    ...(typeof start === 'string' ? { start } : {}),
    ...(typeof head === 'string' ? { head } : {}),
    ...(typeof token === 'string' ? { token } : {}),
    ...(held === true ? { held } : {}),
  };
}

function decodeApplication(name: string, [body = null, id, limit]: readonly unknown[]): ServerFrame | undefined {
  if (id === undefined || id === null) return { kind: 'notification', name, body };
  const timeoutMs = readDuration(limit);
  return isId(id) && timeoutMs !== undefined ? { kind: 'request', name, body, id, timeoutMs } : undefined;
}

function decodeProtocol(type: number, elements: readonly unknown[]): ServerFrame | undefined {
  const [first, second] = elements;
  switch (type) {
    case frameTypes.welcome:
      return decodeWelcome(first);
    case frameTypes.event:
      return decodeEvent(elements);
    case frameTypes.eventFor:
      return decodeEventFor(first, second, elements.slice(2));
    case frameTypes.delivery:
      return decodeDelivery(first, second, elements.slice(2));
    case frameTypes.gap:
      return decodeGap(first);
    case frameTypes.result:
      return isId(first) ? { kind: 'reply', id: first, reply: { ok: true, body: second ?? null } } : undefined;
    case frameTypes.error: {
      const error = readError(second);
      return isId(first) && error !== undefined ? { kind: 'reply', id: first, reply: { ok: false, error } } : undefined;
    }
    case frameTypes.cancel:
      return isId(first) ? { kind: 'cancel', id: first } : undefined;
    case frameTypes.expiring:
      return isFields(first) && isCount(first['inMs']) ? { kind: 'expiring', inMs: first['inMs'] } : undefined;
    case frameTypes.ping:
      return typeof first === 'string' ? { kind: 'ping', token: first } : { kind: 'ping' };
    case frameTypes.pong:
      return { kind: 'pong' };
    case frameTypes.bye:
      return decodeBye(first);
    default:
      return undefined;
  }
}

function decodeWelcome(value: unknown): ServerFrame | undefined {
  if (!isFields(value)) return undefined;
  const { session, secret, connection, token, resumed, caps, pingMs, last } = value;
  if (typeof session !== 'string' || typeof secret !== 'string' || typeof connection !== 'string') return undefined;
  if (!optionalText(token) || !isCount(pingMs)) return undefined;
  const ended = readLast(last);
  return {
    kind: 'welcome',
    welcome: {
      session,
      secret,
      connection,
      ...(typeof token === 'string' ? { token } : {}),
      resumed: resumed === true,
      capabilities: textsOf(caps) ?? [],
      pingMs,
      ...(ended === undefined ? {} : { last: ended }),
    },
  };
}

function readLast(value: unknown): Welcome['last'] {
  if (!isFields(value)) return undefined;
  const { code, reason } = value;
  return isCount(code) && typeof reason === 'string' ? { code, reason } : undefined;
}

function decodeEvent(elements: readonly unknown[]): ServerFrame | undefined {
  const [cursor, ...content] = elements;
  if (!optionalText(cursor)) return undefined;
  const message = decodeMessage(content, cursor);
  return message === undefined ? undefined : { kind: 'event', message, ...(cursor ? { cursor } : {}) };
}

function decodeEventFor(subs: unknown, token: unknown, elements: readonly unknown[]): ServerFrame | undefined {
  const event = decodeEvent(elements);
  if (event?.kind !== 'event' || !isSubs(subs) || typeof token !== 'string') return undefined;
  return { ...event, kind: 'event-for', subs, token };
}

function decodeDelivery(id: unknown, sub: unknown, content: readonly unknown[]): ServerFrame | undefined {
  const message = decodeMessage(content, undefined);
  const timeoutMs = readDuration(content[4]);
  if (message === undefined || !isId(id) || !isCount(sub) || timeoutMs === undefined) return undefined;
  return { kind: 'delivery', id, sub, message, timeoutMs };
}

/** The message of `[topic, type, body, attributes]`. Its position is what its cursor ends with. */
function decodeMessage(content: readonly unknown[], cursor: string | null | undefined): Message | undefined {
  const [topic, type, body = null, attributes] = content;
  if (typeof topic !== 'string' || !optionalText(type) || !isFields(attributes)) return undefined;
  const { id, time, sender, headers } = attributes;
  if (typeof id !== 'string' || typeof time !== 'number') return undefined;
  if (!optionalText(sender) || (headers !== undefined && !isFields(headers))) return undefined;
  const position = cursor ? Number(/\.(\d{1,16})$/.exec(cursor)?.[1]) : undefined;
  if (position !== undefined && !isCount(position)) return undefined;
  return {
    id,
    topic,
    ...(typeof type === 'string' ? { type } : {}),
    body,
    ...(typeof sender === 'string' ? { sender } : {}),
    ...(headers === undefined ? {} : { headers: headers as Readonly<Record<string, string>> }),
    time,
    ...(position === undefined ? {} : { position }),
  };
}

function decodeGap(value: unknown): ServerFrame | undefined {
  if (!isFields(value)) return undefined;
  const { subs, topics, from, to, why, token } = value;
  if (why !== 'trimmed' && why !== 'reset' && why !== 'dropped') return undefined;
  const named = textsOf(topics);
  return {
    kind: 'gap',
    gap: {
      ...(isSubs(subs) ? { subs } : {}),
      ...(named === undefined ? {} : { topics: named }),
      ...(isCount(from) ? { from } : {}),
      ...(isCount(to) ? { to } : {}),
      why,
      ...(typeof token === 'string' ? { token } : {}),
    },
  };
}

function decodeBye(value: unknown): ServerFrame | undefined {
  if (!isFields(value)) return undefined;
  const { code, reason, reconnect, afterMs } = value;
  if (!isCount(code)) return undefined;
  return {
    kind: 'bye',
    bye: {
      code,
      reason: typeof reason === 'string' ? reason : '',
      reconnect: reconnect === true,
      afterMs: isCount(afterMs) ? afterMs : 0,
    },
  };
}

function isSubs(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every(isCount);
}

function textsOf(value: unknown): readonly string[] | undefined {
  return Array.isArray(value) ? value.filter((entry): entry is string => typeof entry === 'string') : undefined;
}
