import { type CancelTimer, type Clock, HexbusError } from '@hexbus/core';
import type { Broker, NodeAnswer, NodeHandler } from '@hexbus/core/gateway';

/** A node that has joined. */
export interface MinimalNode {
  readonly handler: NodeHandler;
  /** Settles when it leaves. */
  readonly left: Promise<NodeAnswer>;
  leave(): void;
}

/** The port in as few lines as it takes, for the suite to be tried on. What its mutants change is protected. */
export class MinimalBroker implements Broker {
  readonly name: string = 'minimal';
  protected readonly nodes = new Map<string, MinimalNode>();
  protected readonly clock: Clock;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  async open(node: string, handler: NodeHandler): Promise<void> {
    if (this.nodes.has(node)) throw new HexbusError('HEXBUS_NAME_TAKEN', `node ${node} has joined already`);
    let leave = (): void => {};
    const left = new Promise<NodeAnswer>((resolve) => {
      leave = () => resolve({ status: 'disconnected' });
    });
    this.nodes.set(node, { handler, left, leave });
  }

  async request(name: string, request: string, options: { readonly timeoutMs: number }): Promise<NodeAnswer> {
    const node = this.nodes.get(name);
    if (node === undefined) return { status: 'not-found' };
    let stop: CancelTimer | undefined;
    const timeout = new Promise<NodeAnswer>((resolve) => {
      stop = this.startTimer(() => resolve({ status: 'timeout' }), options.timeoutMs);
    });
    const answer = await Promise.race([this.answer(node, request, options.timeoutMs), timeout, node.left]);
    stop?.();
    return answer;
  }

  async close(node: string): Promise<void> {
    this.nodes.get(node)?.leave();
    this.nodes.delete(node);
  }

  protected startTimer(callback: () => void, timeoutMs: number): CancelTimer | undefined {
    return timeoutMs === Infinity ? undefined : this.clock.setTimer(callback, timeoutMs);
  }

  protected async answer(node: MinimalNode, request: string, timeoutMs: number): Promise<NodeAnswer> {
    try {
      return { status: 'answered', text: await node.handler(request, { timeoutMs }) };
    } catch {
      return { status: 'disconnected' };
    }
  }
}
