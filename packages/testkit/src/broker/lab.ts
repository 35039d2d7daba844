import { systemClock, systemRandomness } from '@hexbus/core';
import type { Broker, NodeAnswer } from '@hexbus/core/gateway';
import { createSeededRandomness } from '../fakes/seeded-randomness.ts';
import { createVirtualClock } from '../fakes/virtual-clock.ts';
import { check, checkSame } from '../support/check.ts';
import type { BrokerAdapter, BrokerContext } from './adapter.ts';

/** The nodes of most rules. */
export const a = 'node-a';
export const b = 'node-b';

/** Long enough for whatever ends by itself. */
export const longMs = 10_000;

const defaultPatienceMs = 2_000;

/** A process that stood still finds the time passed before anything could happen, so the patience is no shorter than this. */
const leastTurns = 200;

/** How a request ended. `rejected` is none of the port's. */
export type End = NodeAnswer | { readonly status: 'rejected' };

/** A request under way, and how it ended if it has. */
export interface Asked {
  readonly end: End | undefined;
}

/** A call of a node's handler, which the rule answers. */
export interface HandlerCall {
  readonly request: string;
  readonly timeoutMs: number;
  resolve(text: string): void;
  reject(error: unknown): void;
}

/** One broker as each node has it, for one rule. */
export class BrokerLab {
  readonly #adapter: BrokerAdapter;
  readonly #context: BrokerContext = {
    clock: createVirtualClock({ turns: 'real' }),
    randomness: createSeededRandomness(1),
    place: `hexbus-${systemRandomness.id()}`,
  };
  readonly #brokers = new Map<string, Broker>();

  constructor(adapter: BrokerAdapter) {
    this.#adapter = adapter;
  }

  get property(): NonNullable<BrokerAdapter['property']> {
    return this.#adapter.property ?? {};
  }

  get toleranceMs(): number {
    return this.#adapter.toleranceMs ?? 1;
  }

  /** How many timers the broker has set; undefined when it has a time of its own. */
  get pendingTimers(): number | undefined {
    return this.#adapter.pass === undefined ? this.#context.clock.pendingTimers : undefined;
  }

  /** A lab for the same adapter, with a broker and a clock of its own. */
  another(): BrokerLab {
    return new BrokerLab(this.#adapter);
  }

  /** The broker as this node has it. */
  at(node: string): Broker {
    const known = this.#brokers.get(node);
    if (known !== undefined) return known;
    const [first] = this.#brokers.values();
    const { create, join } = this.#adapter;
    const broker = first === undefined ? create(this.#context) : (join?.(this.#context) ?? first);
    this.#brokers.set(node, broker);
    return broker;
  }

  /** A node that answers as `answered` tells. */
  async open(node: string): Promise<void> {
    await this.at(node).open(node, async (request) => textOf(node, request));
  }

  /** A node whose handler answers when the rule says so. Returns the calls of its handler, as they come. */
  async openHeld(node: string): Promise<HandlerCall[]> {
    const calls: HandlerCall[] = [];
    await this.at(node).open(node, (request, { timeoutMs }) => {
      return new Promise((resolve, reject) => calls.push({ request, timeoutMs, resolve, reject }));
    });
    return calls;
  }

  /** Node `a` asks another. */
  ask(node: string, text = '"?"', timeoutMs: number = longMs, from: string = a): Asked {
    const asked: { end: End | undefined } = { end: undefined };
    this.at(from)
      .request(node, text, { timeoutMs })
      .then(
        (answer) => {
          asked.end = answer;
        },
        () => {
          asked.end = { status: 'rejected' };
        },
      );
    return asked;
  }

  /** Checks the end of a request that must end without time passing. */
  async checkEnd(asked: Asked, expected: NodeAnswer, what: string): Promise<void> {
    await this.#until(() => asked.end !== undefined, `${what}: the request should have ended`);
    checkSame(asked.end, expected, what);
  }

  /** Waits until so many calls have reached a handler. */
  async called(calls: readonly HandlerCall[], count: number): Promise<void> {
    await this.#until(() => calls.length >= count, `${count} requests should have reached the handler`);
  }

  /** Lets time pass. */
  async pass(ms: number): Promise<void> {
    const { pass } = this.#adapter;
    if (pass === undefined) await this.#context.clock.advance(ms);
    else await pass(ms, this.#context);
    await nextTurn();
  }

  /** All nodes leave, then the adapter cleans up. Errors are left to the rules that look at leaving. */
  async end(): Promise<void> {
    await Promise.allSettled([...this.#brokers].map(async ([node, broker]) => broker.close(node)));
    await this.#adapter.dispose?.(this.#context);
  }

  /** Time on the virtual clock stands still meanwhile. */
  async #until(condition: () => boolean, what: string): Promise<void> {
    const last = systemClock.now() + (this.#adapter.patienceMs ?? defaultPatienceMs);
    for (let turns = 0; !condition(); turns++) {
      check(turns < leastTurns || systemClock.now() < last, what);
      await nextTurn();
    }
  }
}

/** What a node answers that was opened by the lab. */
export function answered(node: string, request = '"?"'): NodeAnswer {
  return { status: 'answered', text: textOf(node, request) };
}

function textOf(node: string, request: string): string {
  return JSON.stringify({ node, request });
}

export function nextTurn(): Promise<void> {
  return new Promise((resolve) => systemClock.nextTurn(resolve));
}
