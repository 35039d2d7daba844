import { HexbusError, shorten } from '../errors.ts';
import { type Message, RetainedMessage } from '../message.ts';
import type { Welcome } from '../ports/protocol.ts';
import { durationElement } from './elements.ts';
import { encodeFrame } from './encode.ts';
import { frameTypes, hexbusV1Version } from './frames.ts';

export function encodeWelcome(welcome: Welcome): string {
  const { session, secret, connection, token = null, resumed, capabilities, pingMs, last } = welcome;
  return encodeFrame(frameTypes.welcome, {
    v: hexbusV1Version,
    session,
    secret,
    connection,
    token,
    resumed,
    caps: capabilities,
    pingMs,
    last,
  });
}

/** For every receiver. Throws `HEXBUS_INVALID_BODY` when JSON cannot carry the body, which only happens on topics that are not retained. */
export function encodeEvent(message: Message, cursor: string | undefined): string {
  return `[${frameTypes.event},${quote(cursor)},${encodeContent(message)}]`;
}

/** For the named subscriptions of one client. Throws as `encodeEvent` does. */
export function encodeEventFor(
  message: Message,
  subs: readonly number[],
  token: string,
  cursor: string | undefined,
): string {
  return `[${frameTypes.eventFor},[${subs}],${quote(token)},${quote(cursor)},${encodeContent(message)}]`;
}

/** A question to the client, which has so long to answer. Throws `HEXBUS_INVALID_BODY` when JSON cannot carry the body. */
export function encodeRequest(id: number, name: string, body: unknown, timeoutMs: number): string {
  return encodeFrame(name, body, id, durationElement(timeoutMs));
}

/** A message of a held topic, to be answered. */
export function encodeDelivery(id: number, sub: number, message: Message, timeoutMs: number): string {
  return `[${frameTypes.delivery},${id},${sub},${encodeContent(message)},${durationElement(timeoutMs)}]`;
}

/** `topic, type, body, attributes`. A retained message brings the texts of the last two, and is not parsed. */
function encodeContent(message: Message): string {
  const [body, attributes] =
    message instanceof RetainedMessage
      ? [message.encoded.body, message.encoded.attributes ?? '{}']
      : encodeLive(message);
  const own = attributes === '{}' ? '' : `,${attributes.slice(1, -1)}`;
  const head = `${quote(message.topic)},${quote(message.type)},${body}`;
  return `${head},{"id":${quote(message.id)},"time":${message.time}${own}}`;
}

function encodeLive({ topic, body, sender, headers }: Message): readonly [body: string, attributes: string] {
  try {
    // JSON has no text for undefined and functions.
    return [JSON.stringify(body) ?? 'null', JSON.stringify({ sender, headers })];
  } catch (error) {
    throw new HexbusError(
      'HEXBUS_INVALID_BODY',
      `body of ${topic} cannot be encoded: ${shorten(error)}; publish plain data`,
      { cause: error },
    );
  }
}

function quote(text: string | undefined): string {
  return JSON.stringify(text ?? null);
}
