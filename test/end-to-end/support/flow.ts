import type { Bus } from '@hexbus/core';
import type { Draw } from './seed.ts';
import { Watch } from './watch.ts';

export const topics = ['flow.0', 'flow.1', 'flow.2', 'flow.3', 'flow.4'] as const;
/** All of them, as one pattern. */
export const all = 'flow.>';

/** Messages with rising numbers on five topics, and what listeners in the process of the bus see of them. */
export class Flow {
  readonly logs: ReadonlyMap<string, readonly number[]>;
  readonly #bus: Bus;
  readonly #watch = new Watch();
  #next = 0;

  constructor(bus: Bus) {
    this.#bus = bus;
    this.logs = new Map([...topics, all].map((topic) => [topic, this.#listen(topic)]));
  }

  /** Publishes so many on topics that are drawn, in batches that are. `between` is called before each. */
  async publish(count: number, draw: Draw, between: (published: number) => Promise<void> | void): Promise<void> {
    let pending: Promise<unknown>[] = [];
    for (let published = 0; published < count; published++) {
      await between(published);
      pending.push(this.#publish(draw(topics.length)));
      if (draw(20) > 0) continue;
      await Promise.all(pending);
      pending = [];
    }
    await Promise.all(pending);
  }

  /** Publishes one more on each topic, and waits until it was seen here. Returns what is last now under each. */
  async mark(): Promise<ReadonlyMap<string, number>> {
    const last = new Map<string, number>([[all, this.#next + topics.length - 1]]);
    topics.forEach((topic, index) => void last.set(topic, this.#next + index));
    await Promise.all(topics.map((_, index) => this.#publish(index)));
    await this.#watch.until(() => [...last].every(([topic, body]) => this.logs.get(topic)?.at(-1) === body));
    return last;
  }

  #publish(index: number): Promise<unknown> {
    const body = this.#next;
    this.#next += 1;
    return this.#bus.publish(topics[index] ?? '', body);
  }

  #listen(topic: string): number[] {
    const log: number[] = [];
    this.#bus.subscribe(topic, ({ body }) => {
      log.push(body as number);
      this.#watch.changed();
    });
    return log;
  }
}
