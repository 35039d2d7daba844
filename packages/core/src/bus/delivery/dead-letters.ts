import type { Settlement } from '../../ports/history-store.ts';
import type { DeadLetter } from '../api.ts';
import { assertField } from '../checks.ts';
import type { RetainedSide } from '../log/retained-side.ts';
import { busDefaults } from '../options.ts';

const pageSize = 1_000;

/** The dead messages of one held topic. */
export class DeadLetters {
  readonly #side: RetainedSide;
  readonly #topic: string;

  constructor(side: RetainedSide, topic: string) {
    this.#side = side;
    this.#topic = topic;
  }

  list(options: { readonly limit?: number; readonly after?: number }): Promise<readonly DeadLetter[]> {
    return this.#side.reader.readDead(this.#topic, options.after ?? 0, options.limit ?? busDefaults.readLimit);
  }

  /** Makes them wait again, in their old places; all that are dead now without `positions`. */
  async requeue(given?: readonly number[]): Promise<number> {
    const { epoch } = this.#side.tail;
    const positions = given ?? (await this.#allPositions());
    checkPositions(positions);
    const first = positions.reduce((one, other) => Math.min(one, other), Infinity);
    const settle = (): Promise<number> => this.#settle('requeue', positions, epoch);
    return this.#side.heldQueue(this.#topic).requeue(epoch, first, settle);
  }

  async discard(positions: readonly number[]): Promise<number> {
    checkPositions(positions);
    return this.#settle('discard', positions, this.#side.tail.epoch);
  }

  async #settle(outcome: 'requeue' | 'discard', positions: readonly number[], epoch: string): Promise<number> {
    const topic = this.#topic;
    const settlements = positions.map((position): Settlement => ({ outcome, topic, position }));
    const found = await Promise.all(settlements.map((settlement) => this.#side.writer.settle(settlement, epoch)));
    return found.filter(Boolean).length;
  }

  async #allPositions(): Promise<readonly number[]> {
    const positions: number[] = [];
    for (let after = 0; ; ) {
      const letters = await this.list({ after, limit: pageSize });
      for (const { message } of letters) if (message.position !== undefined) positions.push(message.position);
      if (letters.length < pageSize) return positions;
      after = positions.at(-1) ?? after;
    }
  }
}

function checkPositions(positions: unknown): void {
  const valid = Array.isArray(positions) && positions.every(Number.isSafeInteger);
  assertField(valid, 'positions', positions, 'pass the positions of dead letters');
}
