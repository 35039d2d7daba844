import type { Message } from '../message.ts';
import type { Bye, ProtocolSession, Welcome, WireGap, WireProtocol, WireReply } from '../ports/protocol.ts';
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
    helloOf: () => undefined,
    open: (host) => new HexbusV1Session(new ClientReader(host), events),
  };
}

/** A class, since an object of closures for each client takes time and memory when many come. */
class HexbusV1Session implements ProtocolSession {
  readonly #client: ClientReader;
  readonly #events: EventFrames;

  constructor(client: ClientReader, events: EventFrames) {
    this.#client = client;
    this.#events = events;
  }

  receive(text: string): void {
    this.#client.receive(text);
  }

  event(message: Message, cursor: string | undefined): Frame {
    return this.#events.frameOf(message, cursor);
  }

  eventFor(message: Message, subs: readonly number[], token: string, cursor: string | undefined): Frame {
    return { text: encodeEventFor(message, subs, token, cursor) };
  }

  delivery(id: number, sub: number, message: Message, timeoutMs: number): Frame {
    return { text: encodeDelivery(id, sub, message, timeoutMs) };
  }

  welcome(welcome: Welcome): Frame {
    return { text: encodeWelcome(welcome) };
  }

  subscribed(
    id: number,
    start: { readonly start?: string; readonly head?: string; readonly token?: string; readonly held?: true },
  ): Frame {
    return { text: encodeReply(id, { ok: true, body: start }) };
  }

  gap(gap: WireGap): Frame {
    return { text: encodeFrame(frameTypes.gap, gap) };
  }

  request(id: number, name: string, body: unknown, timeoutMs: number): Frame {
    return { text: encodeRequest(id, name, body, timeoutMs) };
  }

  cancel(id: number): Frame {
    return { text: encodeCancel(id) };
  }

  reply(id: number, reply: WireReply): Frame {
    this.#client.settled(id);
    return { text: encodeReply(id, reply) };
  }

  ping(token: string | undefined): Frame {
    return { text: encodePing(token) };
  }

  pong(): Frame {
    return { text: encodePong() };
  }

  expiring(inMs: number): Frame {
    return { text: encodeFrame(frameTypes.expiring, { inMs: durationElement(inMs) }) };
  }

  bye(bye: Bye): Frame {
    return { text: encodeFrame(frameTypes.bye, bye) };
  }
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
