import { type CancelTimer, type Clock, systemClock } from '../clock.ts';
import { HexbusError, shorten } from '../errors.ts';
import type { Broker, NodeAnswer, NodeHandler } from '../ports/broker.ts';

export interface MemoryBrokerOptions {
  readonly clock?: Clock | undefined;
}

/** A broker in memory. One object is shared by the gateways of one process; each is a node of its own. */
export function createMemoryBroker(options: MemoryBrokerOptions = {}): Broker {
  return new MemoryBroker(options.clock ?? systemClock);
}

interface Node {
  readonly handler: NodeHandler;
  /** What ends each request that it has not answered. */
  readonly waiting: Set<(answer: NodeAnswer) => void>;
}

class MemoryBroker implements Broker {
  readonly name = 'memory';
  readonly #clock: Clock;
  readonly #nodes = new Map<string, Node>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async open(node: string, handler: NodeHandler): Promise<void> {
    if (this.#nodes.has(node)) {
      throw new HexbusError(
        'HEXBUS_NAME_TAKEN',
        `node ${shorten(node)} has joined already; give each gateway a name of its own`,
      );
    }
    this.#nodes.set(node, { handler, waiting: new Set() });
  }

  async request(name: string, request: string, options: { readonly timeoutMs: number }): Promise<NodeAnswer> {
    const node = this.#nodes.get(name);
    return node === undefined ? { status: 'not-found' } : this.#ask(node, request, options.timeoutMs);
  }

  async close(name: string): Promise<void> {
    const node = this.#nodes.get(name);
    if (node === undefined) return;
    this.#nodes.delete(name);
    for (const end of node.waiting) end({ status: 'disconnected' });
  }

  #ask({ handler, waiting }: Node, request: string, timeoutMs: number): Promise<NodeAnswer> {
    return new Promise((resolve) => {
      let cancelTimer: CancelTimer | undefined;
      const end = (answer: NodeAnswer): void => {
        cancelTimer?.();
        waiting.delete(end);
        resolve(answer);
      };
      waiting.add(end);
      if (timeoutMs !== Infinity) cancelTimer = this.#clock.setTimer(() => end({ status: 'timeout' }), timeoutMs);
      answerOf(handler, request, timeoutMs).then(
        (text) => end({ status: 'answered', text }),
        () => end({ status: 'disconnected' }),
      );
    });
  }
}

/** Turns what a handler throws into a rejection. */
async function answerOf(handler: NodeHandler, request: string, timeoutMs: number): Promise<string> {
  return handler(request, { timeoutMs });
}
