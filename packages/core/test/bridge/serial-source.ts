import type { MessageSource, SourceHandler } from '@hexbus/core';

export interface SerialMessage {
  readonly serial: number;
  readonly type: string;
  readonly id: string;
}

/** Waits, as the scheduler and the clock of a run let it. */
export interface Pauses {
  step(label: string): Promise<void>;
  beforeRetry(): Promise<void>;
}

/**
 * A source as a client is one: one message at a time, in order; what is refused is handed over again, for ever; what was accepted may come again, when the
 * acknowledgement was lost.
 */
export class SerialSource implements MessageSource {
  /** What was accepted, in this order, each once. */
  readonly accepted: SerialMessage[] = [];
  readonly #handlers = new Map<string, SourceHandler>();
  readonly #pauses: Pauses;
  #queue: SerialMessage[] = [];
  #busy = false;
  /** How often the program behind it has died. */
  #deaths = 0;
  readonly #types: string[] = [];

  constructor(pauses: Pauses) {
    this.#pauses = pauses;
  }

  /** How many messages are not accepted yet. */
  get waiting(): number {
    return this.#queue.length;
  }

  on(type: string, handler: SourceHandler): () => void {
    this.#handlers.set(type, handler);
    void this.#pump();
    return () => {
      if (this.#handlers.get(type) === handler) this.#handlers.delete(type);
    };
  }

  typeOf(serial: number): string {
    return this.#types[serial - 1] ?? '';
  }

  arrive(type: string): void {
    const serial = this.#types.push(type);
    this.#queue.push({ serial, type, id: `m${serial}` });
    void this.#pump();
  }

  /** The last accepted ones of these types come again, before all that is new. */
  repeat(count: number, types: readonly string[]): void {
    if (this.#busy) return;
    const again = this.accepted.filter(({ type }) => types.includes(type)).slice(-count);
    this.#queue = [...again, ...this.#queue.filter((message) => !again.includes(message))];
    void this.#pump();
  }

  /** The program that took the messages is gone: nobody answers for what is under way, and nobody listens. */
  die(): void {
    this.#deaths += 1;
    this.#handlers.clear();
    this.#busy = false;
  }

  async #pump(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    const deaths = this.#deaths;
    for (let message = this.#queue[0]; message !== undefined; message = this.#queue[0]) {
      await this.#pauses.step('give');
      if (deaths !== this.#deaths) return;
      const handler = this.#handlers.get(message.type);
      if (handler === undefined) break;
      try {
        await handler({ id: message.id, body: { serial: message.serial } });
        if (deaths !== this.#deaths) return;
        this.#queue.shift();
        if (!this.accepted.includes(message)) this.accepted.push(message);
      } catch {
        await this.#pauses.beforeRetry();
        if (deaths !== this.#deaths) return;
      }
    }
    this.#busy = false;
  }
}
