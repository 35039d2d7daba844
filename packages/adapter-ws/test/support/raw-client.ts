import { type RawHead, RawSocket } from '../../../../test/support/transports/raw-socket.ts';
import { frame, type ReceivedFrame, takeFrame } from './frames.ts';

export interface RawAnswer extends RawHead {
  readonly body: string;
}

/** A client of WebSockets that writes what it likes, byte by byte. */
export class RawClient extends RawSocket {
  readonly #parts: Buffer[] = [];

  /** Asks for an upgrade. A header that is undefined is left out. */
  ask(headers: Readonly<Record<string, string | undefined>> = {}, path = '/hexbus', method = 'GET'): void {
    this.askFor(method, path, {
      Upgrade: 'websocket',
      Connection: 'Upgrade',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAA==',
      ...headers,
    });
  }

  async answer(): Promise<RawAnswer> {
    const { status, head } = await this.head();
    if (status !== 101) await this.closed;
    return { status, head, body: status === 101 ? '' : this.bytes.toString() };
  }

  send(...parts: Parameters<typeof frame>): void {
    this.socket.write(frame(...parts));
  }

  /** The next frame, of a text in parts the last one with all of it; undefined when the link is gone without one. */
  async frame(): Promise<ReceivedFrame | undefined> {
    const next = await this.#frame();
    if (next === undefined || next.opcode > 1) return next;
    if ((next.opcode === 0) !== this.#parts.length > 0) throw new Error('parts of two texts are mixed');
    this.#parts.push(next.payload);
    return next.fin ? { opcode: 1, fin: true, payload: Buffer.concat(this.#parts.splice(0)) } : this.frame();
  }

  async #frame(): Promise<ReceivedFrame | undefined> {
    let taken = takeFrame(this.bytes);
    await this.until(() => {
      taken = takeFrame(this.bytes);
      return taken !== undefined;
    });
    if (taken === undefined) return undefined;
    this.bytes = taken.rest;
    return taken.frame;
  }

  /** The code of the close frame that comes next. */
  async closeCode(): Promise<number | undefined> {
    const next = await this.frame();
    return next?.opcode === 8 ? next.payload.readUInt16BE(0) : undefined;
  }
}

/** A client whose upgrade is through. */
export async function upgraded(
  port: number,
  headers: Readonly<Record<string, string | undefined>> = {},
): Promise<RawClient> {
  const client = new RawClient(port);
  client.ask(headers);
  const { status, head } = await client.answer();
  if (status !== 101) throw new Error(`no upgrade: ${head}`);
  return client;
}
