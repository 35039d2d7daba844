import type { CancelTimer } from '../../clock.ts';
import { setDeadline } from '../../deadline.ts';
import type { Hello } from '../../ports/protocol.ts';
import { closeCodes } from '../../protocol/close-codes.ts';
import type { ClientLine } from './client-line.ts';
import { EarlyFrames } from './early-frames.ts';
import { type Greeting, greet, type Refusal } from './greeting.ts';
import type { Told } from './told.ts';

export interface EntranceHost {
  onGreeted(greeting: Greeting | Refusal, hello: Hello): void;
  /** The client is to go, with this close code. */
  end(code: number, reason: string): void;
}

/** The way of a client from its handshake to WELCOME: it says HELLO in time, is looked at, and meanwhile what it says has to wait. */
export class Entrance {
  readonly #line: ClientLine;
  readonly #told: Told;
  readonly #host: EntranceHost;
  #cancelHello: CancelTimer | undefined;
  /** What came behind HELLO, while it is being looked at. */
  #early: EarlyFrames | undefined;

  constructor(line: ClientLine, told: Told, host: EntranceHost) {
    this.#line = line;
    this.#told = told;
    this.#host = host;
  }

  /** Starts to wait for HELLO. */
  begin(): void {
    const { clock, timings } = this.#line.parts.settings;
    const late = (): void => this.#host.end(closeCodes.helloTimeout, 'no HELLO in time');
    this.#cancelHello = setDeadline(clock, late, timings.helloTimeoutMs);
  }

  hello(hello: Hello): void {
    this.#cancelHello?.();
    this.#early = new EarlyFrames();
    void greet(this.#line, this.#told, hello)
      .then((greeting) => this.#host.onGreeted(greeting, hello))
      .catch((error: unknown) => {
        this.#line.onError(error);
        this.#host.end(closeCodes.overloaded, 'the server failed');
      });
  }

  /** Whether this text has to wait, or was one too many. */
  keeps(text: string): boolean {
    if (this.#early === undefined) return false;
    if (!this.#early.add(text)) this.#host.end(closeCodes.helloMissing, 'wait for WELCOME');
    return true;
  }

  /** The client was let in. Returns what has waited, in the order in which it came. */
  opened(): readonly string[] {
    const texts = this.#early?.texts ?? [];
    this.#early = undefined;
    return texts;
  }

  end(): void {
    this.#cancelHello?.();
  }
}
