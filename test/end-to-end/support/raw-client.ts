import { onTestFinished } from 'vitest';
import { openRawLink, type RawLink } from './raw-link.ts';
import type { Via } from './via.ts';
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
  readonly link: RawLink;
  readonly frames: Tuple[] = [];
  /** Tells whether it took a text, which is then not kept in `frames`. */
  takes: (text: string) => boolean = () => false;
  readonly #watch = new Watch();

  constructor(via: Via, port: number) {
    this.link = openRawLink[via](port, (text) => {
      if (this.takes(text)) return;
      this.frames.push(JSON.parse(text) as Tuple);
      this.#watch.changed();
    });
    onTestFinished(() => this.link.terminate());
  }

  say(...frames: readonly Tuple[]): void {
    this.link.say(frames.map((frame) => JSON.stringify(frame)));
  }

  /** Connects and says HELLO. Resolves with what WELCOME says; rejects when it is not let in. */
  async enter(hello: object = {}): Promise<Entered> {
    this.say([1, { v: 1, ...hello }]);
    const closed = this.link.closed.then((code): never => {
      throw new Error(`closed with ${code} instead of WELCOME: ${JSON.stringify(this.frames)}`);
    });
    const [, welcome] = await Promise.race([this.next((frame) => frame[0] === 2), closed]);
    return welcome as Entered;
  }

  /** The first frame like this one, once it has come. */
  async next(isWanted: (frame: Tuple) => boolean): Promise<Tuple> {
    await this.#watch.until(() => this.frames.some(isWanted));
    return this.frames.find(isWanted) as Tuple;
  }
}
