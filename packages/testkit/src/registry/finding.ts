import type { ConnectionEntry } from '@hexbus/core/gateway';
import { check, checkSame } from '../support/check.ts';
import type { Rule } from '../support/rule.ts';
import { a, b, connection, type RegistryLab } from './lab.ts';

/** Runs what a frozen object may refuse. */
function attempt(change: () => unknown): void {
  try {
    change();
  } catch {
    // Refusing is as good as a copy.
  }
}

type Changeable = { -readonly [Field in keyof ConnectionEntry]: ConnectionEntry[Field] } & { capabilities: string[] };

function spoil(entry: ConnectionEntry): void {
  const changeable = entry as Changeable;
  attempt(() => changeable.capabilities.push('spoilt'));
  attempt(() => {
    changeable.userId = 'spoilt';
  });
}

export const findingRules: readonly Rule<RegistryLab>[] = [
  {
    id: 'RG-07',
    sentence: 'A connection is found from every node by each of its fields, and comes back as it was registered.',
    async check(lab) {
      await lab.open(a, b);
      const full = connection('1', {
        session: 's',
        userId: 'ann',
        capabilities: ['console', 'files'],
        transport: 'sse',
        generation: 7,
      });
      const nobody = connection('2', { node: b });
      await lab.register(full, nobody);
      for (const query of [{ connection: '1' }, { session: 's' }, { user: 'ann' }, { capability: 'files' }]) {
        for (const node of [a, b])
          checkSame(await lab.at(node).find(query), [full], `found at ${node} by ${Object.keys(query)}`);
      }
      const [found] = await lab.at(a).find({ connection: '2' });
      checkSame(found, nobody, 'a connection of nobody in particular');
      check(found?.userId === undefined, 'its user should be absent');
    },
  },
  {
    id: 'RG-08',
    sentence: 'Every field of a query that is given must match; none given finds all.',
    async check(lab) {
      await lab.open(a);
      await lab.register(
        connection('1', { userId: 'ann', session: 's', capabilities: ['console'] }),
        connection('2', { userId: 'ann', session: 't' }),
        connection('3', { userId: 'bob', capabilities: ['console'] }),
        connection('4', { capabilities: ['console', 'files'] }),
      );
      const sorted = async (query: Parameters<RegistryLab['ids']>[0]): Promise<string[]> =>
        (await lab.ids(query)).sort();
      checkSame(await sorted({}), ['1', '2', '3', '4'], 'all');
      const notGiven: object = { user: undefined, connection: undefined };
      checkSame(await sorted(notGiven), ['1', '2', '3', '4'], 'nothing given');
      checkSame(await sorted({ user: 'ann' }), ['1', '2'], 'of ann');
      checkSame(await sorted({ user: 'ann', capability: 'console' }), ['1'], 'of ann, with console');
      checkSame(await sorted({ user: 'ann', session: 't' }), ['2'], 'of ann, in t');
      checkSame(await sorted({ connection: '3', user: 'ann' }), [], 'an id with the wrong user');
      checkSame(await sorted({ connection: '3', session: 's' }), [], 'an id with the wrong session');
      checkSame(await sorted({ capability: 'console' }), ['1', '3', '4'], 'with console');
      checkSame(await sorted({ user: 'eve' }), [], 'of somebody unknown');
    },
  },
  {
    id: 'RG-09',
    sentence: 'What is found comes oldest first, over all nodes.',
    async check(lab) {
      await lab.open(a, b);
      const ages: readonly [string, string, number][] = [
        ['1', a, 30],
        ['2', b, 10],
        ['3', a, 20],
        ['4', b, 40],
      ];
      const register = ages.map(([id, node, connectedAt]) => connection(id, { node, connectedAt, userId: 'ann' }));
      await lab.register(...register);
      checkSame(await lab.ids(), ['2', '3', '1', '4'], 'all');
      checkSame(await lab.ids({ user: 'ann' }), ['2', '3', '1', '4'], 'those of one user');
    },
  },
  {
    id: 'RG-10',
    sentence:
      'Nodes, ids, sessions, users and capabilities are compared character for character, whatever they look like.',
    async check(lab) {
      const texts = [
        '',
        'x',
        'X',
        ' x',
        'x.y',
        'x.*',
        '>',
        'x/y',
        'a:b',
        '__proto__',
        'constructor',
        '\u00e9',
        'e\u0301',
        '🚌',
      ];
      await lab.open(a);
      for (const [index, text] of texts.entries()) {
        const node = `node ${text}`;
        await lab.open(node);
        await lab.register(
          connection(`id ${text}`, { node, session: text, userId: text, capabilities: [text], connectedAt: index }),
        );
      }
      for (const text of texts) {
        const [id, what] = [`id ${text}`, JSON.stringify(text)];
        checkSame(await lab.ids({ connection: id }), [id], `by id ${what}`);
        checkSame(await lab.ids({ session: text }), [id], `by session ${what}`);
        checkSame(await lab.ids({ user: text }), [id], `by user ${what}`);
        checkSame(await lab.ids({ capability: text }), [id], `by capability ${what}`);
      }
    },
  },
  {
    id: 'RG-11',
    sentence: 'Registering an id again replaces it: it is found once, and by what it is now.',
    async check(lab) {
      await lab.open(a);
      await lab.register(connection('1', { session: 's', userId: 'ann', capabilities: ['console'] }));
      const now = connection('1', { session: 't', capabilities: ['files'] });
      await lab.register(now);
      checkSame(await lab.at(a).find({}), [now], 'all');
      const former = [{ session: 's' }, { user: 'ann' }, { capability: 'console' }];
      for (const query of former) checkSame(await lab.ids(query), [], `found by its former ${Object.keys(query)}`);
      checkSame(await lab.ids({ session: 't' }), ['1'], 'found by its session');
    },
  },
  {
    id: 'RG-12',
    sentence: 'A connection that was unregistered is not found in any way; unregistering an unknown one does nothing.',
    async check(lab) {
      await lab.open(a);
      await lab.register(
        connection('1', { session: 's', userId: 'ann' }),
        connection('2', { session: 's', userId: 'ann' }),
      );
      await lab.at(a).unregister('1');
      await lab.at(a).unregister('1');
      await lab.at(a).unregister('unknown');
      checkSame(await lab.ids({ connection: '1' }), [], 'found by its id');
      for (const query of [{}, { session: 's' }, { user: 'ann' }])
        checkSame(await lab.ids(query), ['2'], 'what is left');
    },
  },
  {
    id: 'RG-13',
    sentence: 'What was found does not change later, and what was passed may be changed by its owner.',
    async check(lab) {
      await lab.open(a);
      const entry = connection('1', { userId: 'ann', capabilities: ['console'] });
      const passed = { ...entry, capabilities: [...entry.capabilities] };
      await lab.register(passed);
      spoil(passed);
      const found = await lab.at(a).find({});
      checkSame(found, [entry], 'after what was passed was changed');
      await lab.at(a).unregister('1');
      checkSame(found, [entry], 'what was found, after it was unregistered');
      await lab.register(entry);
      for (const one of await lab.at(a).find({})) spoil(one);
      checkSame(await lab.at(a).find({}), [entry], 'after what was found was changed');
    },
  },
  {
    id: 'RG-14',
    sentence: 'What a node calls takes effect in the order of the calls, also if nobody awaits them in between.',
    async check(lab) {
      await lab.open(a);
      const registry = lab.at(a);
      const calls: Promise<unknown>[] = [];
      for (const id of ['1', '2', '3', '4', '5']) {
        calls.push(registry.register(connection(id)), registry.unregister(id));
        if (id !== '3') continue;
        calls.push(
          registry.register(connection(id, { userId: 'ann' })),
          registry.register(connection(id, { userId: 'bob' })),
        );
      }
      await Promise.all(calls);
      checkSame(await lab.at(a).find({}), [connection('3', { userId: 'bob' })], 'what is left');
    },
  },
];
