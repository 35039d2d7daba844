import type { Message } from '../message.ts';
import type { WireProtocol } from '../ports/protocol.ts';
import type { Frame } from '../ports/transport.ts';
import { ClientReader } from './client-reader.ts';
import { durationElement } from './elements.ts';
import { encodeCancel, encodeFrame, encodePing, encodePong, encodeReply } from './encode.ts';
import { encodeDelivery, encodeEvent, encodeEventFor, encodeRequest, encodeWelcome } from './encode-server-frame.ts';
import { frameTypes, hexbusV1Name } from './frames.ts';

/** The native protocol: text frames, each a JSON array, as `docs/protocol.md` describes them. Also spoken by clients that name no protocol. */
export function createHexbusV1(): WireProtocol {
  const events = new EventFrames();
  return {
    name: hexbusV1Name,
    accepts: () => true,
    open: (host) => {
      const client = new ClientReader(host);
      return {
        receive: (text) => client.receive(text),
        event: (message, cursor) => events.frameOf(message, cursor),
        eventFor: (message, subs, token, cursor) => ({ text: encodeEventFor(message, subs, token, cursor) }),
        delivery: (id, sub, message, timeoutMs) => ({ text: encodeDelivery(id, sub, message, timeoutMs) }),
        welcome: (welcome) => ({ text: encodeWelcome(welcome) }),
        subscribed: (id, start) => ({ text: encodeReply(id, { ok: true, body: start }) }),
        gap: (gap) => ({ text: encodeFrame(frameTypes.gap, gap) }),
        request: (id, name, body, timeoutMs) => ({ text: encodeRequest(id, name, body, timeoutMs) }),
        cancel: (id) => ({ text: encodeCancel(id) }),
        reply: (id, reply) => {
          client.settled(id);
          return { text: encodeReply(id, reply) };
        },
        ping: (token) => ({ text: encodePing(token) }),
        pong: () => ({ text: encodePong() }),
        expiring: (inMs) => ({ text: encodeFrame(frameTypes.expiring, { inMs: durationElement(inMs) }) }),
        bye: (bye) => ({ text: encodeFrame(frameTypes.bye, bye) }),
      };
    },
  };
}

/** The frames of events, each made once for all sessions. They live as long as their messages. */
class EventFrames {
  readonly #frames = new WeakMap<Message, Frame>();
  // One message goes to many sessions in a row.
  #lastMessage: Message | undefined;
  #lastFrame: Frame | undefined;

  frameOf(message: Message, cursor: string | undefined): Frame {
    const known = message === this.#lastMessage ? this.#lastFrame : this.#frames.get(message);
    const frame = known !== undefined && known.cursor === cursor ? known : this.#make(message, cursor);
    this.#lastMessage = message;
    this.#lastFrame = frame;
    return frame;
  }

  #make(message: Message, cursor: string | undefined): Frame {
    const frame = { text: encodeEvent(message, cursor), cursor };
    this.#frames.set(message, frame);
    return frame;
  }
}
