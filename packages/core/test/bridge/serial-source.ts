import type { MessageSource, SourceHandler } from '@hexbus/core';

export interface SerialMessage {
  readonly serial: number;
  readonly type: string;
  readonly topic: string;
  readonly id: string;
}

/** Waits, as the scheduler and the clock of a run let it. */
export interface Pauses {
  step(label: string): Promise<void>;
  beforeRetry(): Promise<void>;
}

/** An id is unique at each of them, for each type. */
const addresses = ['@user.ann', '@all'];

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
  readonly #messages: SerialMessage[] = [];

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
    return this.#messages[serial - 1]?.type ?? '';
  }

  /** The message that has this id in the bus. */
  serialOf(busId: string): number {
    const isIt = ({ topic, type, id }: SerialMessage): boolean => busId === JSON.stringify([topic, type, id]);
    return this.#messages.find(isIt)?.serial ?? 0;
  }

  arrive(type: string): void {
    const serial = this.#messages.length + 1;
    const topic = addresses[serial % addresses.length] ?? '';
    const others = this.#messages.filter((one) => one.type === type && one.topic === topic);
    const message = { serial, type, topic, id: `m${others.length}` };
    this.#messages.push(message);
    this.#queue.push(message);
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
        await handler({ id: message.id, topic: message.topic, body: { serial: message.serial } });
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
