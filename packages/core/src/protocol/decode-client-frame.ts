import type { Hello, WireFrom, WireReply, WireSubscription } from '../ports/protocol.ts';
import { closeCodes } from './close-codes.ts';
import { isAscii, isCount, isFields, isId, isName, isPrintable, isToken, readError } from './elements.ts';
import { frameTypes, hexbusV1Version, wireLimits } from './frames.ts';
import { parseBounded } from './parse-bounded.ts';

/** What a client said. */
export type ClientFrame =
  | { readonly kind: 'hello'; readonly hello: Hello }
  | { readonly kind: 'subscribe'; readonly subscription: WireSubscription }
  | { readonly kind: 'unsubscribe'; readonly id: number }
  | { readonly kind: 'acknowledge'; readonly token: string }
  | { readonly kind: 'ask'; readonly name: string; readonly body: unknown; readonly id?: number }
  | { readonly kind: 'publish'; readonly id: number; readonly message: PublishedByClient }
  | { readonly kind: 'reply'; readonly id: number; readonly reply: WireReply }
  | { readonly kind: 'cancel'; readonly id: number }
  | { readonly kind: 'authenticate'; readonly id: number; readonly token: string }
  | { readonly kind: 'ping' }
  | { readonly kind: 'pong' }
  /** Of a later version of the protocol: to be passed over. */
  | { readonly kind: 'unknown'; readonly type: number }
  | { readonly kind: 'violation'; readonly code: number; readonly reason: string };

interface PublishedByClient {
  readonly topic: string;
  readonly type?: string;
  readonly body: unknown;
  readonly messageId?: string;
}

/**
 * Reads a frame of a client, whoever that is: never throws, and gives nothing but what was checked. An element that is absent counts as null;
 * elements and fields that it does not know are passed over.
 */
export function decodeClientFrame(text: string): ClientFrame {
  const frame = parseBounded(text);
  if (!Array.isArray(frame)) return violation('a frame is a JSON array, not nested deeply, of finite numbers');
  const [type, ...elements] = frame as readonly unknown[];
  if (typeof type === 'string') return decodeAsk(type, elements);
  if (!isCount(type)) return violation('the first element of a frame is a name or a type');
  if (type > wireLimits.maxKnownType) return { kind: 'unknown', type };
  return decodeTyped(type, elements) ?? violation(`frame ${type} is not one that a client sends, or not well formed`);
}

function violation(reason: string, code: number = closeCodes.malformed): ClientFrame {
  return { kind: 'violation', code, reason };
}

function decodeAsk(name: string, [body = null, id = null]: readonly unknown[]): ClientFrame {
  if (!isName(name)) return violation('a name is 1 to 128 printable bytes');
  if (id === null) return { kind: 'ask', name, body };
  return isId(id) ? { kind: 'ask', name, body, id } : violation('an id is a positive integer');
}

function decodeTyped(type: number, elements: readonly unknown[]): ClientFrame | undefined {
  const [first, second = null] = elements;
  switch (type) {
    case frameTypes.hello:
      return decodeHello(first);
    case frameTypes.subscribe: {
      const subscription = readSubscription(elements);
      return subscription === undefined ? undefined : { kind: 'subscribe', subscription };
    }
    case frameTypes.unsubscribe:
      return isId(first) ? { kind: 'unsubscribe', id: first } : undefined;
    case frameTypes.acknowledge:
      return isToken(first) ? { kind: 'acknowledge', token: first } : undefined;
    case frameTypes.result:
      return isId(first) ? { kind: 'reply', id: first, reply: { ok: true, body: second } } : undefined;
    case frameTypes.error: {
      const error = readError(second);
      return isId(first) && error !== undefined ? { kind: 'reply', id: first, reply: { ok: false, error } } : undefined;
    }
    case frameTypes.cancel:
      return isId(first) ? { kind: 'cancel', id: first } : undefined;
    case frameTypes.authenticate:
      return isId(first) && isCredential(second) ? { kind: 'authenticate', id: first, token: second } : undefined;
    case frameTypes.ping:
      return { kind: 'ping' };
    case frameTypes.pong:
      return { kind: 'pong' };
    case frameTypes.publish:
      return decodePublish(elements);
    default:
      return undefined;
  }
}

function decodeHello(value: unknown): ClientFrame | undefined {
  if (!isFields(value)) return undefined;
  const { v, token = null, resume = null, lastToken = null, subs = [], caps = [] } = value;
  if (v !== hexbusV1Version) return violation(`version ${hexbusV1Version} is spoken here`, closeCodes.protocolVersion);
  if (token !== null && !isCredential(token)) return undefined;
  if (!Array.isArray(subs) || !Array.isArray(caps) || !caps.every(isName)) return undefined;
  const resumed = resume === null ? undefined : readResume(resume);
  if (resume !== null && resumed === undefined) return undefined;
  if (lastToken !== null && !isToken(lastToken)) return undefined;
  const subscriptions: WireSubscription[] = [];
  for (const sub of subs) {
    const subscription = Array.isArray(sub) ? readSubscription(sub) : undefined;
    if (subscription === undefined) return undefined;
    subscriptions.push(subscription);
  }
  return {
    kind: 'hello',
    hello: {
      ...(token === null ? {} : { token }),
      ...(resumed === undefined ? {} : { resume: resumed }),
      ...(lastToken === null ? {} : { lastToken }),
      subscriptions,
      capabilities: caps,
    },
  };
}

function readResume(value: unknown): Hello['resume'] {
  if (!isFields(value)) return undefined;
  const { session, secret, token = null } = value;
  if (!isAscii(session, wireLimits.maxSessionLength) || !isAscii(secret, wireLimits.maxSessionLength)) return undefined;
  if (token === null) return { session, secret };
  return isToken(token) ? { session, secret, token } : undefined;
}

function readSubscription([id, topic, from = null]: readonly unknown[]): WireSubscription | undefined {
  const start = from === null ? 'now' : readFrom(from);
  if (!isId(id) || !isTopic(topic) || start === undefined) return undefined;
  return { id, topic, from: start };
}

function readFrom(value: unknown): WireFrom | undefined {
  if (value === 'now' || value === 'earliest' || value === 'covered') return value;
  if (!isFields(value) || Object.keys(value).length !== 1) return undefined;
  const { after, last, since } = value;
  if (isAscii(after, wireLimits.maxCursorLength)) return { after };
  if (isCount(last)) return { last };
  return typeof since === 'number' ? { since } : undefined;
}

function decodePublish([id, topic, type = null, body = null, attributes = null]: readonly unknown[]):
  | ClientFrame
  | undefined {
  if (!isId(id) || !isTopic(topic) || !(type === null || isName(type))) return undefined;
  if (attributes !== null && !isFields(attributes)) return undefined;
  const messageId = attributes?.['id'] ?? null;
  if (messageId !== null && !isName(messageId)) return undefined;
  return {
    kind: 'publish',
    id,
    message: {
      topic,
      ...(type === null ? {} : { type }),
      body,
      ...(messageId === null ? {} : { messageId }),
    },
  };
}

function isTopic(value: unknown): value is string {
  return isPrintable(value, wireLimits.maxTopicBytes);
}

function isCredential(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= wireLimits.maxTokenLength;
}
