import type { CancelTimer, Clock } from '../clock.ts';
import type { NodeCalls } from './node-calls.ts';

export interface RelaysOptions {
  readonly calls: NodeCalls;
  readonly clock: Clock;
}

type Answer = (text: string) => Promise<string>;

/** What transports of one name hand to each other between nodes. Each relay ends in its time, also when neither the broker nor the other node ever answers. */
export class Relays {
  readonly #options: RelaysOptions;
  /** By the name of the transport here. */
  readonly #answers = new Map<string, Answer>();
  /** What ends each that is open. */
  readonly #open = new Set<() => void>();
  #isOver = false;

  constructor(options: RelaysOptions) {
    this.#options = options;
  }

  /** From now on answers what other nodes relay to the transport of that name. */
  onRelayed(transport: string, answer: Answer): void {
    this.#answers.set(transport, answer);
  }

  /** Answers another node. Rejects where nobody here does. */
  async answer(transport: string, text: string): Promise<string> {
    const answer = this.#answers.get(transport);
    if (answer === undefined) throw new Error(`no transport of the name ${transport} takes relays here`);
    return answer(text);
  }

  /** Undefined: there is no answer. Never rejects. */
  relay(node: string, transport: string, text: string, timeoutMs: number): Promise<string | undefined> {
    if (this.#isOver) return Promise.resolve(undefined);
    const { calls, clock } = this.#options;
    return new Promise((resolve) => {
      let cancelTimer: CancelTimer | undefined;
      const end = (answer?: string): void => {
        cancelTimer?.();
        this.#open.delete(end);
        resolve(answer);
      };
      this.#open.add(end);
      if (timeoutMs !== Number.POSITIVE_INFINITY) cancelTimer = clock.setTimer(end, timeoutMs);
      // A broker should not reject, and another version may answer anything.
      calls.relay(node, transport, text, timeoutMs).then(end, () => end());
    });
  }

  /** The gateway is closed: none of them is waited for any more. */
  end(): void {
    this.#isOver = true;
    for (const end of this.#open) end();
    this.#answers.clear();
  }
}
