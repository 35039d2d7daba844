import type { Clock } from '../../clock.ts';
import type { NodeCalls } from './node-calls.ts';
import { OpenCalls } from './open-calls.ts';

export interface RelaysOptions {
  readonly calls: NodeCalls;
  readonly clock: Clock;
}

type Answer = (text: string) => Promise<string>;

/** What transports of one name hand to each other between nodes. Each relay ends in its time, also when neither the broker nor the other node ever answers. */
export class Relays {
  readonly #calls: NodeCalls;
  /** By the name of the transport here. */
  readonly #answers = new Map<string, Answer>();
  readonly #open: OpenCalls;

  constructor({ calls, clock }: RelaysOptions) {
    this.#calls = calls;
    this.#open = new OpenCalls(clock);
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
    const relayed = this.#open.wait(
      () => this.#calls.relay(node, transport, text, timeoutMs),
      { timeoutMs },
      () => undefined,
    );
    // Another version may answer anything.
    return relayed.catch(() => undefined);
  }

  /** The gateway is closed: none of them is waited for any more. */
  end(): void {
    this.#open.end();
    this.#answers.clear();
  }
}
