import { connect, type Socket } from 'node:net';

/** The head of an HTTP answer. */
export interface RawHead {
  readonly status: number;
  readonly head: string;
}

/** A client that writes what it likes, byte by byte. */
export class RawSocket {
  readonly socket: Socket;
  readonly closed: Promise<void>;
  /** Everything that came and was not taken. */
  protected bytes: Buffer = Buffer.alloc(0);
  #isOver = false;
  #look = (): void => {};

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.on('error', () => {});
    this.socket.on('data', (chunk) => {
      this.bytes = Buffer.concat([this.bytes, chunk]);
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

  /** Resolves when that is so, or the link is gone. */
  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#look = () => {
        if (condition() || this.#isOver) resolve();
      };
      this.#look();
    });
  }

  /** A header that is undefined is left out. */
  protected askFor(method: string, path: string, headers: Readonly<Record<string, string | undefined>>): void {
    const all = { Host: 'lab.example', ...headers };
    const lines = Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]));
    this.socket.write(`${[`${method} ${path} HTTP/1.1`, ...lines].join('\r\n')}\r\n\r\n`);
  }

  /** The head of the next answer; what follows it is left to be taken. */
  protected async head(): Promise<RawHead> {
    await this.until(() => this.bytes.includes('\r\n\r\n'));
    const end = this.bytes.indexOf('\r\n\r\n');
    const head = this.bytes.subarray(0, Math.max(end, 0)).toString();
    this.bytes = this.bytes.subarray(end + 4);
    return { status: Number(head.split(' ')[1]), head };
  }
}
