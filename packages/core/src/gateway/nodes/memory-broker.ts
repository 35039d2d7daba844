import { type Clock, systemClock } from '../../clock.ts';
import { HexbusError, shorten } from '../../errors.ts';
import type { Broker, NodeAnswer, NodeHandler } from '../../ports/broker.ts';
import { OpenCalls } from './open-calls.ts';

export interface MemoryBrokerOptions {
  readonly clock?: Clock | undefined;
}

/** A broker in memory. One object is shared by the gateways of one process; each is a node of its own. */
export function createMemoryBroker(options: MemoryBrokerOptions = {}): Broker {
  return new MemoryBroker(options.clock ?? systemClock);
}

interface Node {
  readonly handler: NodeHandler;
  /** Requests that it has not answered. */
  readonly waiting: OpenCalls;
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
    this.#nodes.set(node, { handler, waiting: new OpenCalls(this.#clock) });
  }

  async request(name: string, request: string, { timeoutMs }: { readonly timeoutMs: number }): Promise<NodeAnswer> {
    const node = this.#nodes.get(name);
    if (node === undefined) return { status: 'not-found' };
    const { handler, waiting } = node;
    return waiting.wait(
      () => answerOf(handler, request, timeoutMs),
      { timeoutMs },
      (why) => ({ status: why === 'late' ? 'timeout' : 'disconnected' }),
    );
  }

  async close(name: string): Promise<void> {
    const node = this.#nodes.get(name);
    if (node === undefined) return;
    this.#nodes.delete(name);
    node.waiting.end();
  }
}

async function answerOf(handler: NodeHandler, request: string, timeoutMs: number): Promise<NodeAnswer> {
  try {
    return { status: 'answered', text: await handler(request, { timeoutMs }) };
  } catch {
    return { status: 'disconnected' };
  }
}
