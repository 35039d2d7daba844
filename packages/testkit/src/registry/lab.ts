import { systemRandomness } from '@hexbus/core';
import type { ConnectionEntry, ConnectionQuery, Registry } from '@hexbus/core/gateway';
import { createSeededRandomness } from '../fakes/seeded-randomness.ts';
import { createVirtualClock } from '../fakes/virtual-clock.ts';
import type { RegistryAdapter, RegistryContext } from './adapter.ts';

/** The nodes of most rules. */
export const a = 'node-a';
export const b = 'node-b';

/** One registry as each node has it, for one rule. */
export class RegistryLab {
  readonly #adapter: RegistryAdapter;
  readonly #context: RegistryContext = {
    clock: createVirtualClock({ turns: 'real' }),
    randomness: createSeededRandomness(1),
    place: `hexbus-${systemRandomness.id()}`,
  };
  readonly #first: Registry;
  readonly #registries = new Map<string, Registry>();

  constructor(adapter: RegistryAdapter) {
    this.#adapter = adapter;
    this.#first = adapter.create(this.#context);
  }

  get property(): NonNullable<RegistryAdapter['property']> {
    return this.#adapter.property ?? {};
  }

  get leaseMs(): number {
    return this.#first.leaseMs;
  }

  get toleranceMs(): number {
    return this.#adapter.toleranceMs ?? 1;
  }

  /** A lab for the same adapter, with a registry and a clock of its own. */
  another(): RegistryLab {
    return new RegistryLab(this.#adapter);
  }

  /** The registry as this node has it. */
  at(node: string): Registry {
    const known = this.#registries.get(node);
    if (known !== undefined) return known;
    const { join } = this.#adapter;
    const registry = this.#registries.size === 0 || join === undefined ? this.#first : join(this.#context);
    this.#registries.set(node, registry);
    return registry;
  }

  /** Nodes that have joined. */
  async open(...nodes: string[]): Promise<void> {
    for (const node of nodes) await this.at(node).open(node);
  }

  /** Registers connections, each at its node. */
  async register(...entries: ConnectionEntry[]): Promise<void> {
    for (const entry of entries) await this.at(entry.node).register(entry);
  }

  /** The ids of what node `a` finds, in the order of the answer. */
  async ids(query: ConnectionQuery = {}): Promise<string[]> {
    return (await this.at(a).find(query)).map(({ id }) => id);
  }

  /** Lets time pass, without anybody renewing. */
  async pass(ms: number): Promise<void> {
    const { pass } = this.#adapter;
    if (pass === undefined) await this.#context.clock.advance(ms);
    else await pass(ms, this.#context);
  }

  /** All nodes leave, then the adapter cleans up. Errors are left to the rules that look at leaving. */
  async end(): Promise<void> {
    await Promise.allSettled([...this.#registries].map(async ([node, registry]) => registry.close(node)));
    await this.#adapter.dispose?.(this.#context);
  }
}

/** A connection of node `a`, of a session of its own, unless told otherwise. */
export function connection(id: string, fields: Partial<ConnectionEntry> = {}): ConnectionEntry {
  return {
    id,
    node: a,
    session: `session of ${id}`,
    transport: 'ws',
    capabilities: [],
    connectedAt: 1_000_000_000_000,
    generation: 1,
    ...fields,
  };
}
