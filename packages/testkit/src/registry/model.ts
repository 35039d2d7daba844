import { isHexbusError } from '@hexbus/core';
import type { ConnectionEntry, ConnectionQuery } from '@hexbus/core/gateway';
import fc from 'fast-check';
import { checkSame, show } from '../support/check.ts';
import { suiteDefaults } from '../support/defaults.ts';
import type { Rule } from '../support/rule.ts';
import { a, connection, type RegistryLab } from './lab.ts';

const nodes = ['n1', 'n2', 'n3'] as const;
const node = fc.constantFrom(...nodes);
const id = fc.constantFrom('1', '2', '3', '4');
const session = fc.constantFrom('s', 't');
const user = fc.constantFrom('ann', 'bob');
const capability = fc.constantFrom('console', 'files');

/** Parts of a lease that never add up to a whole one, where both answers would be right. */
const waits = [0.3, 0.45, 1.1] as const;

const step = fc.oneof(
  { weight: 2, arbitrary: fc.record({ call: fc.constantFrom('open', 'close'), node }) },
  { weight: 5, arbitrary: fc.record({ call: fc.constant('renew'), node }) },
  {
    weight: 8,
    arbitrary: fc.record({
      call: fc.constant('register'),
      node,
      id,
      session,
      user: fc.option(user, { nil: undefined }),
      capabilities: fc.uniqueArray(capability),
      connectedAt: fc.nat(5),
    }),
  },
  { weight: 2, arbitrary: fc.record({ call: fc.constant('unregister'), node, id }) },
  { weight: 4, arbitrary: fc.record({ call: fc.constant('wait'), leases: fc.constantFrom(...waits) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      call: fc.constant('find'),
      query: fc.record({ connection: id, session, user, capability }, { requiredKeys: [] }),
    }),
  },
) as fc.Arbitrary<Step>;

type Node = (typeof nodes)[number];

type Step =
  | { readonly call: 'open' | 'close' | 'renew'; readonly node: Node }
  | {
      readonly call: 'register';
      readonly node: Node;
      readonly id: string;
      readonly session: string;
      readonly user: string | undefined;
      readonly capabilities: readonly string[];
      readonly connectedAt: number;
    }
  | { readonly call: 'unregister'; readonly node: Node; readonly id: string }
  | { readonly call: 'wait'; readonly leases: number }
  | { readonly call: 'find'; readonly query: ConnectionQuery };

/** A plain registry: what each node was told to have, and how many leases ago it proved that it lives. */
class Model {
  readonly #leases = new Map<string, number>();
  #entries: readonly ConnectionEntry[] = [];

  /** What the call must answer; `HEXBUS_NOT_OPEN` where it must reject. */
  answer(step: Exclude<Step, { call: 'find' }>): unknown {
    switch (step.call) {
      case 'open':
        this.#leave(step.node);
        this.#leases.set(step.node, 0);
        return undefined;
      case 'close':
        this.#leave(step.node);
        this.#leases.delete(step.node);
        return undefined;
      case 'renew': {
        const age = this.#leases.get(step.node);
        if (age === undefined) return 'HEXBUS_NOT_OPEN';
        this.#leases.set(step.node, 0);
        return age > 1;
      }
      case 'register':
        if ((this.#leases.get(step.node) ?? Infinity) > 1) return 'HEXBUS_NOT_OPEN';
        this.#entries = [...this.#entries.filter((entry) => entry.id !== step.id), entryOf(step)];
        return undefined;
      case 'unregister':
        this.#entries = this.#entries.filter((entry) => entry.id !== step.id);
        return undefined;
      case 'wait':
        for (const [name, age] of this.#leases) this.#leases.set(name, age + step.leases);
        for (const [name, age] of this.#leases) if (age > 1) this.#leave(name);
        return undefined;
    }
  }

  found({ connection, session, user, capability }: ConnectionQuery): readonly ConnectionEntry[] {
    return this.#entries.filter(
      (entry) =>
        (connection ?? entry.id) === entry.id &&
        (session ?? entry.session) === entry.session &&
        (user ?? entry.userId) === entry.userId &&
        (capability === undefined || entry.capabilities.includes(capability)),
    );
  }

  #leave(name: string): void {
    this.#entries = this.#entries.filter((entry) => entry.node !== name);
  }
}

function entryOf({
  id,
  node,
  session,
  user,
  capabilities,
  connectedAt,
}: Extract<Step, { call: 'register' }>): ConnectionEntry {
  const entry = connection(id, { node, session, capabilities, connectedAt });
  return user === undefined ? entry : { ...entry, userId: user };
}

/** Calls the registry, and gives the code of its rejection for an answer. */
async function call(lab: RegistryLab, step: Exclude<Step, { call: 'find' }>): Promise<unknown> {
  if (step.call === 'wait') return lab.pass(step.leases * lab.leaseMs);
  const registry = lab.at(step.node);
  try {
    if (step.call === 'register') return await registry.register(entryOf(step));
    if (step.call === 'unregister') return await registry.unregister(step.id);
    return await registry[step.call](step.node);
  } catch (error) {
    if (isHexbusError(error)) return error.code;
    throw error;
  }
}

function byAgeAndId(left: ConnectionEntry, right: ConnectionEntry): number {
  return left.connectedAt - right.connectedAt || left.id.localeCompare(right.id);
}

async function checkFound(lab: RegistryLab, model: Model, query: ConnectionQuery): Promise<void> {
  const found = await lab.at(a).find(query);
  const ages = found.map(({ connectedAt }) => connectedAt);
  checkSame(
    ages,
    [...ages].sort((left, right) => left - right),
    `ages of what was found by ${show(query)}`,
  );
  checkSame([...found].sort(byAgeAndId), [...model.found(query)].sort(byAgeAndId), `found by ${show(query)}`);
}

async function runSteps(lab: RegistryLab, steps: readonly Step[]): Promise<void> {
  const model = new Model();
  // Who finds is a node of its own, so that it is always there.
  await lab.open(a);
  for (const step of [...nodes.map((name) => ({ call: 'open', node: name }) as const), ...steps]) {
    if (step.call === 'find') await checkFound(lab, model, step.query);
    else checkSame(await call(lab, step), model.answer(step), `the answer of ${show(step)}`);
  }
  await checkFound(lab, model, {});
}

export const modelRules: readonly Rule<RegistryLab>[] = [
  {
    id: 'RG-21',
    sentence: 'P33: whatever is called in whatever order, a registry answers as a plain model of the port does.',
    async check(lab) {
      const { runs = suiteDefaults.runs, ...repeat } = lab.property;
      const property = fc.asyncProperty(fc.array(step, { maxLength: 40, size: 'max' }), async (steps) => {
        const inner = lab.another();
        try {
          await runSteps(inner, steps);
        } finally {
          await inner.end();
        }
      });
      await fc.assert(property, { numRuns: runs, includeErrorInReport: true, ...repeat });
    },
  },
];
