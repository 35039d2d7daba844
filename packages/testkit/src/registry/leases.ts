import { checkRejects, checkSame } from '../support/check.ts';
import type { Rule } from '../support/rule.ts';
import { a, b, connection, type RegistryLab } from './lab.ts';

/** The named nodes renew in time while `ms` pass, and no others. */
async function passWhileRenewing(lab: RegistryLab, ms: number, ...nodes: string[]): Promise<void> {
  const step = lab.leaseMs / 4;
  for (let passed = 0; passed < ms; passed += step) {
    await lab.pass(Math.min(step, ms - passed));
    for (const node of nodes) checkSame(await lab.at(node).renew(node), false, `renew of ${node}, in time`);
  }
}

export const leaseRules: readonly Rule<RegistryLab>[] = [
  {
    id: 'RG-15',
    sentence:
      'A node that renews in time keeps its connections for as long as it does, and is told that it was not dead.',
    async check(lab) {
      await lab.open(a, b);
      await lab.register(connection('1'));
      await passWhileRenewing(lab, lab.leaseMs * 3, a);
      checkSame(await lab.ids(), ['1'], 'connections after three leases');
    },
  },
  {
    id: 'RG-16',
    sentence:
      'P33: the connections of a node that does not renew are found until its lease ends and no longer; those of others are.',
    async check(lab) {
      const { leaseMs, toleranceMs } = lab;
      await lab.open(a, b);
      await lab.register(connection('1', { node: b, session: 's', userId: 'ann' }));
      await lab.pass(leaseMs / 2);
      await lab.at(a).renew(a);
      await lab.register(connection('2'));
      await lab.pass(leaseMs / 2 - toleranceMs);
      checkSame((await lab.ids()).sort(), ['1', '2'], 'connections before the lease ended');
      await lab.pass(2 * toleranceMs);
      checkSame(await lab.ids(), ['2'], 'connections after it');
      for (const query of [{ connection: '1' }, { session: 's' }, { user: 'ann' }])
        checkSame(await lab.ids(query), [], `connections of the dead node by ${Object.keys(query)}`);
    },
  },
  {
    id: 'RG-17',
    sentence: 'Nothing but renewing proves that a node lives.',
    async check(lab) {
      await lab.open(a, b);
      await passWhileRenewing(lab, lab.leaseMs / 2, a);
      await lab.register(connection('1', { node: b }), connection('2', { node: b }));
      await lab.at(b).unregister('2');
      await lab.at(b).find({});
      await passWhileRenewing(lab, lab.leaseMs / 2 + lab.toleranceMs, a);
      checkSame(await lab.ids(), [], 'connections of a node that registered, but did not renew');
    },
  },
  {
    id: 'RG-18',
    sentence: 'A node taken for dead cannot register: it rejects with HEXBUS_NOT_OPEN until the node has renewed.',
    async check(lab) {
      await lab.open(a, b);
      await passWhileRenewing(lab, lab.leaseMs + lab.toleranceMs, a);
      const register = (): Promise<void> => lab.at(b).register(connection('1', { node: b }));
      await checkRejects(register, 'HEXBUS_NOT_OPEN', 'register at a dead node');
      checkSame(await lab.ids(), [], 'connections of a dead node');
      await lab.at(b).renew(b);
      await register();
      checkSame(await lab.ids(), ['1'], 'connections after it renewed');
    },
  },
  {
    id: 'RG-19',
    sentence: 'A node taken for dead joins again by renewing, is told so once, and comes without its connections.',
    async check(lab) {
      await lab.open(a, b);
      await lab.register(connection('1', { node: b }));
      await passWhileRenewing(lab, lab.leaseMs + lab.toleranceMs, a);
      checkSame(await lab.at(b).renew(b), true, 'the first renew of a dead node');
      checkSame(await lab.ids(), [], 'connections of a node that came back');
      checkSame(await lab.at(b).renew(b), false, 'the next one');
      await lab.register(connection('2', { node: b }));
      await passWhileRenewing(lab, lab.leaseMs * 2, a, b);
      checkSame(await lab.ids(), ['2'], 'connections after two leases in which it renewed');
    },
  },
  {
    id: 'RG-20',
    sentence: 'A connection that another node has registered since belongs to that node: the first may leave or die.',
    async check(lab) {
      await lab.open(a, b, 'node-c');
      await lab.register(
        connection('1', { node: b, userId: 'ann' }),
        connection('2', { node: 'node-c', userId: 'ann' }),
      );
      await lab.register(connection('1', { userId: 'ann' }), connection('2', { userId: 'ann' }));
      checkSame((await lab.ids({ user: 'ann' })).sort(), ['1', '2'], 'connections after they moved');
      await lab.at(b).close(b);
      await passWhileRenewing(lab, lab.leaseMs + lab.toleranceMs, a);
      checkSame(
        (await lab.ids({ user: 'ann' })).sort(),
        ['1', '2'],
        'connections after one node left and the other died',
      );
    },
  },
];
