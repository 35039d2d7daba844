import type { Registry } from '@hexbus/core/gateway';
import { check, checkRejects, checkSame } from '../support/check.ts';
import type { Rule } from '../support/rule.ts';
import { a, b, connection, type RegistryLab } from './lab.ts';

const verbs: readonly (keyof Registry)[] = ['open', 'register', 'unregister', 'renew', 'find', 'close'];

/** What only a node that has joined may do. */
async function checkRefused(lab: RegistryLab, what: string): Promise<void> {
  await checkRejects(() => lab.at(b).register(connection('late', { node: b })), 'HEXBUS_NOT_OPEN', `register ${what}`);
  await checkRejects(() => lab.at(b).renew(b), 'HEXBUS_NOT_OPEN', `renew ${what}`);
  checkSame(await lab.ids({ connection: 'late' }), [], `connections of a node ${what}`);
}

export const joiningRules: readonly Rule<RegistryLab>[] = [
  {
    id: 'RG-01',
    sentence: 'A registry has a name, a lease above 0, and every verb of the port.',
    async check(lab) {
      const registry = lab.at(a);
      check(typeof registry.name === 'string' && registry.name !== '', 'the name should be a text that is not empty');
      check(Number.isFinite(registry.leaseMs) && registry.leaseMs > 0, 'leaseMs should be a number above 0');
      for (const verb of verbs) check(typeof registry[verb] === 'function', `${verb} should be a method`);
    },
  },
  {
    id: 'RG-02',
    sentence: 'A node that has not joined can neither register nor renew: both reject with HEXBUS_NOT_OPEN.',
    async check(lab) {
      await lab.open(a);
      await checkRefused(lab, 'before it joined');
    },
  },
  {
    id: 'RG-03',
    sentence: 'A node joins without connections, also one that joins again under its name, as after a crash.',
    async check(lab) {
      await lab.open(a, b);
      checkSame(await lab.ids(), [], 'connections of new nodes');
      await lab.register(connection('1'), connection('2', { node: b }));
      await lab.open(b);
      checkSame(await lab.ids(), ['1'], 'connections after the other node joined again');
      await lab.register(connection('3', { node: b, connectedAt: 2_000_000_000_000 }));
      checkSame(await lab.ids(), ['1', '3'], 'connections after it registered another');
    },
  },
  {
    id: 'RG-04',
    sentence: 'A node that leaves takes its connections with it, and no others.',
    async check(lab) {
      await lab.open(a, b);
      await lab.register(connection('1'), connection('2', { node: b, userId: 'ann' }));
      await lab.at(b).close(b);
      checkSame(await lab.ids(), ['1'], 'connections after the other node left');
      checkSame(await lab.ids({ user: 'ann' }), [], 'connections of its user');
    },
  },
  {
    id: 'RG-05',
    sentence: 'A node that has left is one that has not joined, and may join again.',
    async check(lab) {
      await lab.open(a, b);
      await lab.at(b).close(b);
      await checkRefused(lab, 'after it left');
      await lab.open(b);
      await lab.register(connection('1', { node: b }));
      checkSame(await lab.ids(), ['1'], 'connections of a node that joined again');
    },
  },
  {
    id: 'RG-06',
    sentence: 'close may be called in any state and any number of times.',
    async check(lab) {
      await lab.open(a);
      await lab.at(b).close(b);
      await lab.open(b);
      await Promise.all([lab.at(b).close(b), lab.at(b).close(b)]);
      await lab.at(b).close(b);
      await lab.register(connection('1'));
      checkSame(await lab.ids(), ['1'], 'connections of the node that stayed');
    },
  },
];
