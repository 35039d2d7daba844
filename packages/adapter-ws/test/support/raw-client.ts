import { connect, type Socket } from 'node:net';
import { frame, type ReceivedFrame, takeFrame } from './frames.ts';

export interface RawAnswer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/** A client that writes what it likes, byte by byte. */
export class RawClient {
  readonly socket: Socket;
  readonly closed: Promise<void>;
  #bytes: Buffer = Buffer.alloc(0);
  readonly #parts: Buffer[] = [];
  #isOver = false;
  #look = (): void => {};

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.on('error', () => {});
    this.socket.on('data', (chunk) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      this.#look();
    });
    this.closed = new Promise((resolve) => {
      this.socket.on('close', () => {
        this.#isOver = true;
        this.#look();
        resolve();
      });
    });
  }

  /** Asks for an upgrade. A header that is undefined is left out. */
  ask(headers: Readonly<Record<string, string | undefined>> = {}, path = '/hexbus', method = 'GET'): void {
    const all = {
      Host: 'lab.example',
      Upgrade: 'websocket',
      Connection: 'Upgrade',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAA==',
      ...headers,
    };
    const lines = Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]));
    this.socket.write(`${[`${method} ${path} HTTP/1.1`, ...lines].join('\r\n')}\r\n\r\n`);
  }

  async answer(): Promise<RawAnswer> {
    await this.#until(() => this.#bytes.includes('\r\n\r\n'));
    const end = this.#bytes.indexOf('\r\n\r\n');
    const head = this.#bytes.subarray(0, Math.max(end, 0)).toString();
    this.#bytes = this.#bytes.subarray(end + 4);
    const status = Number(head.split(' ')[1]);
    if (status !== 101) await this.closed;
    return { status, head, body: status === 101 ? '' : this.#bytes.toString() };
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
    let taken = takeFrame(this.#bytes);
    await this.#until(() => {
      taken = takeFrame(this.#bytes);
      return taken !== undefined;
    });
    if (taken === undefined) return undefined;
    this.#bytes = taken.rest;
    return taken.frame;
  }

  /** The code of the close frame that comes next. */
  async closeCode(): Promise<number | undefined> {
    const next = await this.frame();
    return next?.opcode === 8 ? next.payload.readUInt16BE(0) : undefined;
  }

  #until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#look = () => {
        if (condition() || this.#isOver) resolve();
      };
      this.#look();
    });
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
