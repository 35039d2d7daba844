import { systemClock, systemRandomness } from '@hexbus/core';
import type { Broker, NodeAnswer, NodeHandler } from '@hexbus/core/gateway';
import { createSeededRandomness } from '../fakes/seeded-randomness.ts';
import { createVirtualClock } from '../fakes/virtual-clock.ts';
import { check } from '../support/check.ts';
import type { BrokerAdapter, BrokerContext } from './adapter.ts';

/** The nodes of most rules. */
export const a = 'node-a';
export const b = 'node-b';

/** Long enough for whatever ends by itself. */
export const longMs = 10_000;

/** A request under way, and how it ended if it has. */
export interface Asked {
  readonly promise: Promise<NodeAnswer>;
  readonly answer: NodeAnswer | undefined;
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

  async open(node: string, handler: NodeHandler = async (request) => `${node}: ${request}`): Promise<void> {
    await this.at(node).open(node, handler);
  }

  /** A node whose handler answers when the rule says so. Returns the calls of its handler, as they come. */
  async openHeld(node: string): Promise<HandlerCall[]> {
    const calls: HandlerCall[] = [];
    await this.open(node, (request, { timeoutMs }) => {
      return new Promise((resolve, reject) => calls.push({ request, timeoutMs, resolve, reject }));
    });
    return calls;
  }

  /** Node `a` asks another, and waits for the end. */
  request(node: string, text = '"?"', timeoutMs: number = longMs): Promise<NodeAnswer> {
    return this.at(a).request(node, text, { timeoutMs });
  }

  /** Node `a` asks another, and does not wait. */
  ask(node: string, text = '"?"', timeoutMs: number = longMs): Asked {
    const asked = { promise: this.request(node, text, timeoutMs), answer: undefined as NodeAnswer | undefined };
    asked.promise.then(
      (answer) => {
        asked.answer = answer;
      },
      () => {},
    );
    return asked;
  }

  /** Waits, without time passing on the virtual clock, until so many calls have reached a handler. */
  async called(calls: readonly HandlerCall[], count: number): Promise<void> {
    for (let turn = 0; calls.length < count; turn++) {
      check(turn < 10_000, `${calls.length} of ${count} requests reached the handler`);
      await nextTurn();
    }
  }

  /** Lets time pass. */
  async pass(ms: number): Promise<void> {
    const { pass } = this.#adapter;
    if (pass === undefined) await this.#context.clock.advance(ms);
    else await pass(ms, this.#context);
    await nextTurn();
  }

  get now(): number {
    return this.#context.clock.now();
  }

  /** All nodes leave, then the adapter cleans up. Errors are left to the rules that look at leaving. */
  async end(): Promise<void> {
    await Promise.allSettled([...this.#brokers].map(async ([node, broker]) => broker.close(node)));
    await this.#adapter.dispose?.(this.#context);
  }
}

export function nextTurn(): Promise<void> {
  return new Promise((resolve) => systemClock.nextTurn(resolve));
}
