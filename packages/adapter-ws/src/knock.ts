import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';

/** An HTTP answer instead of a connection. */
export interface Refusal {
  readonly status: number;
  readonly reason: string;
  readonly retryAfterMs?: number | undefined;
}

/** A client between its request and the answer. From the first moment on it may go, which is no error. */
export class Knock {
  readonly socket: Duplex;
  readonly #gone = new AbortController();
  readonly #head: Buffer[];

  constructor(socket: Duplex, head: Buffer) {
    this.socket = socket;
    this.#head = [head];
    // Stays, also behind the listener of ws: a reset between two owners of the socket must not be uncaught.
    socket.on('error', ignore);
    socket.on('close', this.#onGone);
    // Without a reader the end of the client's side would not be seen.
    socket.on('end', this.#onGone);
    socket.on('data', this.#onEarly);
  }

  /** Aborted when the client went, or was refused. */
  get signal(): AbortSignal {
    return this.#gone.signal;
  }

  refuse({ status, reason, retryAfterMs }: Refusal): void {
    if (this.signal.aborted) return;
    this.#release();
    this.#gone.abort();
    const retry = retryAfterMs === undefined ? '' : `Retry-After: ${Math.ceil(retryAfterMs / 1000)}\r\n`;
    this.socket.once('finish', () => this.socket.destroy());
    this.socket.end(
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\n${retry}Content-Type: text/plain; charset=utf-8\r\n` +
        `Content-Length: ${Buffer.byteLength(reason)}\r\n\r\n${reason}`,
    );
  }

  /** Goes without an answer. */
  drop(): void {
    this.#onGone();
  }

  /** Hands the socket on, paused, with what the client sent too early. */
  release(): Buffer {
    this.#release();
    this.socket.pause();
    return Buffer.concat(this.#head);
  }

  #release(): void {
    this.socket.off('close', this.#onGone).off('end', this.#onGone).off('data', this.#onEarly);
  }

  readonly #onGone = (): void => {
    this.#release();
    this.#gone.abort();
    this.socket.destroy();
  };

  /** One chunk is kept; the rest stays in the kernel until there is somebody to bound it. */
  readonly #onEarly = (chunk: Buffer): void => {
    this.#head.push(chunk);
    this.socket.pause();
  };
}

/** Outlives the knock, and so must not hold it. */
function ignore(): void {}
