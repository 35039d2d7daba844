import { isObject } from '../bus/checks.ts';
import type { Broker } from '../ports/broker.ts';
import type { Outcome } from './api.ts';

/** What one node asks another. */
type NodeCall =
  | {
      readonly kind: 'request';
      readonly connection: string;
      readonly name: string;
      readonly body: unknown;
      /** JSON has no text for `Infinity`: it travels as null. */
      readonly timeoutMs: number | null;
    }
  | { readonly kind: 'take-over'; readonly connection: string };

export interface NodeCallHandlers {
  /** Asks a connection of this node. */
  request(connection: string, name: string, body: unknown, timeoutMs: number): Promise<Outcome>;
  /** The session of a connection of this node goes on elsewhere. */
  takeOver(connection: string): void;
}

/** How much longer than the request itself the way between two nodes may take. */
const travelMs = 1_000;

/** The questions that the nodes of a cluster ask each other, as texts for a broker. */
export class NodeCalls {
  readonly #broker: Broker;
  readonly #node: string;
  readonly #handlers: NodeCallHandlers;

  constructor(broker: Broker, node: string, handlers: NodeCallHandlers) {
    this.#broker = broker;
    this.#node = node;
    this.#handlers = handlers;
  }

  open(): Promise<void> {
    return this.#broker.open(this.#node, async (text) =>
      JSON.stringify(await this.#answer(JSON.parse(text) as NodeCall)),
    );
  }

  /** The time that it may take travels with the request. */
  async request(node: string, connection: string, name: string, body: unknown, timeoutMs: number): Promise<Outcome> {
    const call: NodeCall = { kind: 'request', connection, name, body, timeoutMs };
    const answer = await this.#broker.request(node, JSON.stringify(call), { timeoutMs: timeoutMs + travelMs });
    if (answer.status === 'answered') return readOutcome(answer.text);
    if (answer.status === 'timeout') return { status: 'timeout' };
    return { status: 'error', code: answer.status, message: 'the node of the connection is gone' };
  }

  /** Tells a node that the session of a connection there goes on here. Neither need be there any more. */
  async takeOver(node: string, connection: string): Promise<void> {
    const call: NodeCall = { kind: 'take-over', connection };
    await this.#broker.request(node, JSON.stringify(call), { timeoutMs: travelMs });
  }

  close(): Promise<void> {
    return this.#broker.close(this.#node);
  }

  async #answer(call: NodeCall): Promise<unknown> {
    if (call.kind === 'take-over') {
      this.#handlers.takeOver(call.connection);
      return null;
    }
    const { connection, name, body, timeoutMs } = call;
    return this.#handlers.request(connection, name, body, timeoutMs ?? Number.POSITIVE_INFINITY);
  }
}

function readOutcome(text: string): Outcome {
  const outcome = JSON.parse(text) as Outcome;
  if (isObject(outcome) && 'status' in outcome) return outcome;
  return { status: 'error', code: 'invalid-reply', message: 'the node of the connection answered something else' };
}
