import type { Hello, WireSubscription } from '../ports/protocol.ts';
import { encodeFrame } from './encode.ts';
import { frameTypes, hexbusV1Version } from './frames.ts';

/** The first frame of a client. Its subscriptions are answered like those of SUB. */
export function encodeHello(hello: Hello): string {
  const { token, resume, lastToken, subscriptions, capabilities } = hello;
  return encodeFrame(frameTypes.hello, {
    v: hexbusV1Version,
    token,
    resume,
    lastToken,
    subs: subscriptions.map(subscriptionElements),
    caps: capabilities,
  });
}

/** Follows a topic or pattern under an id of the client; answered by a reply whose body `readSubscribed` reads. */
export function encodeSubscribe(subscription: WireSubscription): string {
  return encodeFrame(frameTypes.subscribe, ...subscriptionElements(subscription));
}

/** Ends a subscription. Not answered. */
export function encodeUnsubscribe(id: number): string {
  return encodeFrame(frameTypes.unsubscribe, id);
}

/** Everything up to this token was handled. */
export function encodeAcknowledge(token: string): string {
  return encodeFrame(frameTypes.acknowledge, token);
}

/** Asks the server; without `id` no answer is wanted. Throws `HEXBUS_INVALID_BODY` when JSON cannot carry the body. */
export function encodeAsk(name: string, body: unknown, id?: number): string {
  return id === undefined ? encodeFrame(name, body) : encodeFrame(name, body, id);
}

/** Publishes a message; answered with its receipt. Throws `HEXBUS_INVALID_BODY` when JSON cannot carry the body. */
export function encodePublish(
  id: number,
  message: {
    readonly topic: string;
    readonly type?: string | undefined;
    readonly body: unknown;
    readonly messageId?: string | undefined;
  },
): string {
  const { topic, type, body, messageId } = message;
  return encodeFrame(frameTypes.publish, id, topic, type ?? null, body, { id: messageId });
}

/** Brings a fresh credential. */
export function encodeAuthenticate(id: number, token: string): string {
  return encodeFrame(frameTypes.authenticate, id, token);
}

function subscriptionElements({ id, topic, from }: WireSubscription): readonly unknown[] {
  return from === 'now' ? [id, topic] : [id, topic, from];
}
