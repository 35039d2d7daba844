import type { Clock } from '../../clock.ts';
import { setDeadline } from '../../deadline.ts';
import { HexbusError } from '../../errors.ts';

/** What the program and the history are asked about one client. An answer is waited for only for a while, and only as long as the client is there. */
export class Questions {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  /** What gives up each that is open. Few, and nearly always none. */
  #open: readonly (() => void)[] = [];
  #isOver = false;

  constructor(clock: Clock, timeoutMs: number) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  /** The client is gone, so no answer is of use any more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Rejects when whoever is asked does or takes too long. Undefined: the client is gone. */
  async ask<Answer>(name: string, answer: Promise<Answer>): Promise<Answer | undefined> {
    const timeoutMs = this.#timeoutMs;
    let giveUp = (): void => undefined;
    const givenUp = new Promise<undefined>((resolve, reject) => {
      const late = (): void => {
        const message = `${name} did not answer within authenticateTimeoutMs ${timeoutMs}; nothing is allowed without an answer`;
        reject(new HexbusError('HEXBUS_HANDLER_TIMEOUT', message, { retryable: true }));
      };
      const cancelTimer = setDeadline(this.#clock, late, timeoutMs);
      giveUp = () => {
        cancelTimer?.();
        resolve(undefined);
      };
    });
    this.#open = [...this.#open, giveUp];
    if (this.#isOver) giveUp();
    try {
      return await Promise.race([answer, givenUp]);
    } finally {
      giveUp();
      this.#open = this.#open.filter((other) => other !== giveUp);
    }
  }

  /** The client is gone. */
  end(): void {
    this.#isOver = true;
    for (const giveUp of this.#open) giveUp();
  }
}
