import { isObject } from '../../bus/checks.ts';
import type { Broker, NodeAnswer } from '../../ports/broker.ts';
import type { ConnectionEntry } from '../../ports/registry.ts';
import type { Outcome } from '../api.ts';

/** What one node asks another. */
type NodeCall =
  | {
      readonly kind: 'request';
      /** Names the call among those of all nodes. */
      readonly call: string;
      readonly connection: string;
      readonly name: string;
      readonly body: unknown;
      /** JSON has no text for `Infinity`: it travels as null. */
      readonly timeoutMs: number | null;
    }
  | { readonly kind: 'cancel'; readonly call: string }
  | { readonly kind: 'take-over'; readonly connection: string; readonly by: ConnectionEntry }
  | { readonly kind: 'relay'; readonly transport: string; readonly text: string };

export interface NodeCallHandlers {
  /** Asks a connection of this node. */
  request(
    connection: string,
    name: string,
    body: unknown,
    options: { readonly timeoutMs: number; readonly signal: AbortSignal },
  ): Promise<Outcome>;
  /** The session of a connection of this node goes on at another one, elsewhere. */
  takeOver(connection: string, by: ConnectionEntry): void;
  /** Another node has text for a transport of this one. */
  relayed(transport: string, text: string): Promise<string>;
  /** The broker rejected, which it should not; that counts as no way to the other node. */
  failed(error: unknown): void;
}

/** How much longer than the request itself the way between two nodes may take. */
const travelMs = 1_000;

/** The questions that the nodes of a cluster ask each other, as texts for a broker. */
export class NodeCalls {
  readonly #broker: Broker;
  readonly #node: string;
  readonly #handlers: NodeCallHandlers;
  /** Requests of other nodes that run here. */
  readonly #running = new Map<string, AbortController>();
  #lastCall = 0;

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

  /** The time that it may take travels with the request. `signal`: gives up there too. */
  async request(
    node: string,
    connection: string,
    name: string,
    body: unknown,
    { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
  ): Promise<Outcome> {
    this.#lastCall += 1;
    const call = `${this.#node}.${this.#lastCall}`;
    const text = JSON.stringify({ kind: 'request', call, connection, name, body, timeoutMs } satisfies NodeCall);
    const cancel = (): void => void this.#tell(node, { kind: 'cancel', call });
    signal.addEventListener('abort', cancel);
    const answer = await this.#ask(node, text, timeoutMs + travelMs);
    signal.removeEventListener('abort', cancel);
    if (answer.status === 'answered') return readOutcome(answer.text);
    if (answer.status === 'timeout') return { status: 'timeout' };
    return { status: 'error', code: answer.status, message: 'the node of the connection is gone' };
  }

  /** Tells a node that the session of a connection there goes on here. Neither need be there any more. */
  async takeOver({ node, id }: ConnectionEntry, by: ConnectionEntry): Promise<void> {
    await this.#tell(node, { kind: 'take-over', connection: id, by });
  }

  /** Hands text to the transport of that name on another node. Undefined: there is no answer. Rejects for one that is none. */
  async relay(node: string, transport: string, text: string, timeoutMs: number): Promise<string | undefined> {
    const call = JSON.stringify({ kind: 'relay', transport, text } satisfies NodeCall);
    const answer = await this.#ask(node, call, timeoutMs);
    if (answer.status !== 'answered') return undefined;
    const told: unknown = JSON.parse(answer.text);
    return typeof told === 'string' ? told : undefined;
  }

  async close(): Promise<void> {
    await this.#broker.close(this.#node);
  }

  async #tell(node: string, call: NodeCall): Promise<void> {
    await this.#ask(node, JSON.stringify(call), travelMs);
  }

  async #ask(node: string, text: string, timeoutMs: number): Promise<NodeAnswer> {
    try {
      return await this.#broker.request(node, text, { timeoutMs });
    } catch (error) {
      this.#handlers.failed(error);
      return { status: 'disconnected' };
    }
  }

  async #answer(call: NodeCall): Promise<unknown> {
    if (call.kind === 'request') return this.#run(call);
    if (call.kind === 'cancel') this.#running.get(call.call)?.abort();
    else if (call.kind === 'relay') return this.#handlers.relayed(call.transport, call.text);
    else this.#handlers.takeOver(call.connection, call.by);
    return null;
  }

  async #run({ call, connection, name, body, timeoutMs }: Extract<NodeCall, { kind: 'request' }>): Promise<Outcome> {
    const controller = new AbortController();
    this.#running.set(call, controller);
    const { signal } = controller;
    try {
      const options = { timeoutMs: timeoutMs ?? Number.POSITIVE_INFINITY, signal };
      return await this.#handlers.request(connection, name, body, options);
    } finally {
      this.#running.delete(call);
    }
  }
}

/** What another node, perhaps of another version, answered. */
function readOutcome(text: string): Outcome {
  try {
    const outcome = JSON.parse(text) as Outcome;
    if (isObject(outcome) && statuses.includes(outcome.status)) return outcome;
  } catch {
    // Not even JSON.
  }
  return { status: 'error', code: 'invalid-reply', message: 'the node of the connection answered something else' };
}

const statuses: readonly Outcome['status'][] = ['success', 'timeout', 'error'];
