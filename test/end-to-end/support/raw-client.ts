import { onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { Watch } from './watch.ts';

export type Tuple = readonly [first: string | number, ...rest: unknown[]];

/** What WELCOME says. */
export interface Entered {
  readonly connection: string;
  readonly session: string;
  readonly secret: string;
  readonly token: string;
}

/** Speaks the native protocol by hand, and answers nothing by itself. */
export class RawClient {
  readonly socket: WebSocket;
  readonly frames: Tuple[] = [];
  /** Resolves with the close code. */
  readonly closed: Promise<number>;
  readonly #watch = new Watch();
  readonly #opened: Promise<unknown>;

  constructor(port: number) {
    this.socket = new WebSocket(`ws://127.0.0.1:${port}/hexbus`, 'hexbus.v1.json');
    this.socket.on('message', (data) => {
      this.frames.push(JSON.parse(data.toString()) as Tuple);
      this.#watch.changed();
    });
    this.socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      this.socket.on('close', resolve);
    });
    this.#opened = new Promise((resolve) => {
      this.socket.on('open', resolve);
    });
    onTestFinished(() => this.socket.terminate());
  }

  say(...frames: readonly Tuple[]): void {
    for (const frame of frames) this.socket.send(JSON.stringify(frame));
  }

  /** Connects and says HELLO. Resolves with what WELCOME says. */
  async enter(hello: object = {}): Promise<Entered> {
    await this.#opened;
    this.say([1, { v: 1, ...hello }]);
    const [, welcome] = await this.next((frame) => frame[0] === 2);
    return welcome as Entered;
  }

  /** The first frame like this one, once it has come. */
  async next(isWanted: (frame: Tuple) => boolean): Promise<Tuple> {
    await this.#watch.until(() => this.frames.some(isWanted));
    return this.frames.find(isWanted) as Tuple;
  }
}
