import { HexbusError, shorten } from '../errors.ts';
import type { WireReply } from '../ports/protocol.ts';
import { frameTypes } from './frames.ts';

/** A frame as text. Throws `HEXBUS_INVALID_BODY` when JSON cannot carry what a caller put into it: a cycle, a BigInt, a `toJSON` that throws. */
export function encodeFrame(...elements: readonly unknown[]): string {
  try {
    return JSON.stringify(elements);
  } catch (error) {
    throw new HexbusError(
      'HEXBUS_INVALID_BODY',
      `the body of frame ${shorten(elements[0])} cannot be encoded: ${shorten(error)}; send plain data`,
      { cause: error },
    );
  }
}

/** Answers a request of the other side. Throws `HEXBUS_INVALID_BODY` when JSON cannot carry the body. */
export function encodeReply(id: number, reply: WireReply): string {
  return reply.ok ? encodeFrame(frameTypes.result, id, reply.body) : encodeFrame(frameTypes.error, id, reply.error);
}

/** Gives up on a request of one's own. */
export function encodeCancel(id: number): string {
  return encodeFrame(frameTypes.cancel, id);
}

/** Asks for a sign of life. A server adds how far its stream is. */
export function encodePing(token?: string): string {
  return encodeFrame(frameTypes.ping, token ?? null);
}

export function encodePong(): string {
  return encodeFrame(frameTypes.pong);
}
