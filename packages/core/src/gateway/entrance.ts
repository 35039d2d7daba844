import type { CancelTimer } from '../clock.ts';
import type { Hello } from '../ports/protocol.ts';
import type { Handshake } from '../ports/transport.ts';
import { closeCodes } from '../protocol/close-codes.ts';
import { EarlyFrames } from './early-frames.ts';
import { type Greeting, greet, type Refusal } from './greeting.ts';
import type { GatewayParts } from './parts.ts';
import type { Questions } from './questions.ts';
import type { Told } from './told.ts';

export interface EntranceOptions {
  readonly parts: GatewayParts;
  readonly connection: string;
  readonly handshake: Handshake;
  readonly told: Told;
  readonly questions: Questions;
  readonly onGreeted: (greeting: Greeting | Refusal, hello: Hello) => void;
  /** The client is to go, with this close code. */
  readonly onFailed: (code: number, reason: string) => void;
  readonly onError: (error: unknown) => void;
}

/** The way of a client from its handshake to WELCOME: it says HELLO in time, is looked at, and meanwhile what it says has to wait. */
export class Entrance {
  readonly #options: EntranceOptions;
  #cancelHello: CancelTimer | undefined;
  /** What came behind HELLO, while it is being looked at. */
  #early: EarlyFrames | undefined;

  constructor(options: EntranceOptions) {
    this.#options = options;
  }

  /** Starts to wait for HELLO. */
  begin(): void {
    const { parts, onFailed } = this.#options;
    const { clock, timings } = parts.settings;
    const late = (): void => onFailed(closeCodes.helloTimeout, 'no HELLO in time');
    this.#cancelHello = clock.setTimer(late, timings.helloTimeoutMs);
  }

  hello(hello: Hello): void {
    const { parts, connection, handshake, told, questions, onGreeted, onFailed, onError } = this.#options;
    this.#cancelHello?.();
    this.#early = new EarlyFrames();
    void greet(parts, connection, handshake, told, hello, questions)
      .then((greeting) => onGreeted(greeting, hello))
      .catch((error: unknown) => {
        onError(error);
        onFailed(closeCodes.overloaded, 'the server failed');
      });
  }

  /** Whether this text has to wait, or was one too many. */
  keeps(text: string): boolean {
    if (this.#early === undefined) return false;
    if (!this.#early.add(text)) this.#options.onFailed(closeCodes.helloMissing, 'wait for WELCOME');
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
