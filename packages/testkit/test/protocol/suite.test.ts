import { type ProtocolAdapter, protocolRules, protocolSuite } from '@hexbus/testkit';
import { describe, expect, it } from 'vitest';
import { failuresOf, rulesInReadme } from '../support/suites.ts';
import { speakingMutants } from './mutants.ts';
import { native } from './native.ts';

const property = { runs: 300, seed: 1 };

/** The names of the tests that the suite defines for a protocol. */
function namesOf(adapter: ProtocolAdapter): readonly string[] {
  const names: string[] = [];
  protocolSuite({ describe: (_, inner) => inner(), it: (name) => names.push(name) }, adapter);
  return names;
}

describe('rules', () => {
  it('are numbered in the order in which they run', () => {
    const ids = protocolRules.map((_, index) => `PR-${String(index + 1).padStart(2, '0')}`);
    expect(protocolRules.map(({ id }) => id)).toEqual(ids);
    expect(namesOf(native)).toEqual(protocolRules.map(({ id, sentence }) => `${id} ${sentence}`));
  });

  it('stand in the README', () => {
    expect(rulesInReadme('PR')).toEqual(protocolRules);
  });
});

describe('a client that can say little', () => {
  const client: ProtocolAdapter['client'] = {
    ...native.client,
    write: (word) => (word.kind === 'hello' || word.kind === 'subscribe' ? native.client.write(word) : undefined),
    carries: [],
  };

  it('is spared the rules that need more', () => {
    const names = namesOf({ ...native, client }).map((name) => name.slice(0, 5));
    expect(protocolRules.map(({ id }) => id).filter((id) => !names.includes(id))).toEqual(['PR-09', 'PR-16']);
  });

  it('must be able to answer what it is asked', async () => {
    const failures = await failuresOf((runner) => protocolSuite(runner, { ...native, client, property }));
    expect([...failures.keys()]).toEqual(['PR-03']);
  });
});

it('a failure of a property tells the seed', async () => {
  const broken = speakingMutants.find(({ rule }) => rule === 'PR-26');
  const failures = await failuresOf((runner) => protocolSuite(runner, { ...native, ...broken, property }));
  expect(failures.get('PR-26')).toContain('seed: 1');
});
