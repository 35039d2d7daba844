import { connect, type Socket } from 'node:net';
import { type Dialect, early, greeted, type Kept } from './dialects.ts';
import { type Cut, clientFrame, cutEvents, cutFrames, cutLines } from './frames.ts';

/** The first bytes of a comment, and of an event with a name. */
const passedOver = [':', 'e'].map((character) => character.charCodeAt(0));

/** What a client tells of. */
export interface WireClientEvents {
  greeted(): void;
  /** So many messages came at once, of so many bytes on the wire. */
  got(messages: number, bytes: number): void;
  closed(): void;
}

/** One client of any server: a TCP socket that is parsed the same way for all, since no client library of a peer is to be measured. */
export class WireClient {
  /** Whether it keeps of each message what coming back takes. */
  keeps = false;
  /** Whether its messages are questions. */
  answers = false;
  readonly #dialect: Dialect;
  readonly #events: WireClientEvents;
  readonly #kept: Kept;
  readonly #socket: Socket;
  readonly #cut: Cut;
  #rest: Buffer | undefined;
  #state: 'upgrading' | 'greeting' | 'greeted';

  constructor(dialect: Dialect, port: number, kept: Kept, events: WireClientEvents) {
    this.#dialect = dialect;
    this.#kept = kept;
    this.#events = events;
    const { path, stream } = dialect;
    this.#cut = stream !== undefined ? cutEvents : path === undefined ? cutLines : cutFrames;
    this.#state = path === undefined && stream === undefined ? 'greeted' : 'upgrading';
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => this.#begin());
    this.#socket.on('data', (chunk) => this.#read(chunk as Buffer));
    this.#socket.on('close', () => events.closed());
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #begin(): void {
    const { path, stream, subprotocol } = this.#dialect;
    if (stream !== undefined) {
      const { id } = this.#kept;
      const last = id === undefined ? '' : `Last-Event-ID: ${id}\r\n`;
      this.#socket.write(`GET ${stream} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n${last}\r\n`);
      return;
    }
    if (path === undefined) {
      this.#events.greeted();
      return;
    }
    const offer = subprotocol === undefined ? '' : `Sec-WebSocket-Protocol: ${subprotocol}\r\n`;
    this.#socket.write(
      `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n` +
        `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${offer}\r\n`,
    );
  }

  #read(chunk: Buffer): void {
    let bytes = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    if (this.#state === 'upgrading') {
      const end = bytes.indexOf('\r\n\r\n');
      if (end < 0) {
        this.#rest = bytes;
        return;
      }
      if (!/^HTTP\/1\.1 (101|200)/.test(bytes.toString('latin1'))) throw new Error(bytes.toString('latin1'));
      bytes = bytes.subarray(end + 4);
      this.#state = 'greeting';
      const hello = this.#dialect.hello?.(this.#kept);
      if (hello !== undefined) this.#socket.write(clientFrame(hello));
    }
    let messages = 0;
    const answers: string[] = [];
    const { answer } = this.#dialect;
    this.#rest = this.#cut(bytes, (whole, start, end) => {
      if (this.#state !== 'greeted') {
        if (this.#greet(whole.toString('utf8', start, end))) messages++;
        return;
      }
      if (this.#dialect.onlyUnnamed === true && passedOver.includes(whole[start] as number)) return;
      messages++;
      if (this.keeps) this.#dialect.keep?.(whole.toString('utf8', start, end), this.#kept);
      else if (this.answers && answer !== undefined) answers.push(answer(whole.toString('utf8', start, end)));
    });
    if (answers.length > 0) this.#answer(answers);
    if (messages > 0) this.#events.got(messages, chunk.length);
  }

  /** Whether it was a message. */
  #greet(text: string): boolean {
    const answer = this.#dialect.greet?.(text, this.#kept);
    if (answer === greeted) {
      this.#state = 'greeted';
      this.#events.greeted();
    } else if (typeof answer === 'string') this.#socket.write(clientFrame(answer));
    return answer === early;
  }

  #answer(answers: readonly string[]): void {
    this.#socket.write(this.#dialect.path === undefined ? answers.join('') : Buffer.concat(answers.map(clientFrame)));
  }
}
