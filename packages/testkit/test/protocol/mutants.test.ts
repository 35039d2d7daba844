import { type ProtocolAdapter, protocolRules, protocolSuite } from '@hexbus/testkit';
import { describe, expect, it } from 'vitest';
import { listeningMutants, speakingMutants } from './mutants.ts';
import { native } from './native.ts';

const mutants = [...listeningMutants, ...speakingMutants];

/** Runs the suite by itself, and returns the ids of the rules that fail, with what they say. */
async function failingRules(adapter: ProtocolAdapter): Promise<Map<string, string>> {
  const failures = new Map<string, string>();
  for (const { name, run } of testsOf(adapter)) {
    await run().catch((error: unknown) => failures.set(name.slice(0, name.indexOf(' ')), String(error)));
  }
  return failures;
}

function testsOf(adapter: ProtocolAdapter): { readonly name: string; readonly run: () => Promise<void> }[] {
  const tests: { readonly name: string; readonly run: () => Promise<void> }[] = [];
  const runner = {
    describe: (_: string, define: () => void) => define(),
    it: (name: string, run: () => Promise<void>) => void tests.push({ name, run }),
  };
  protocolSuite(runner, adapter);
  return tests;
}

const property = { runs: 300, seed: 1 };

describe('the suite catches a protocol that', () => {
  it('has no fault, by no rule', async () => {
    expect(await failingRules({ ...native, property })).toEqual(new Map());
  });

  for (const { rule, fault, create } of mutants) {
    it(`${fault}, by ${rule}`, async () => {
      const failures = await failingRules({ ...native, create, property });
      expect([...failures.keys()]).toContain(rule);
      expect(failures.get(rule)).toContain(protocolRules.find(({ id }) => id === rule)?.sentence);
    });
  }
});

it('every rule catches something', () => {
  expect(protocolRules.filter(({ id }) => mutants.every(({ rule }) => rule !== id))).toEqual([]);
});

it('rules are numbered in the order in which they run', () => {
  const ids = protocolRules.map((_, index) => `PR-${String(index + 1).padStart(2, '0')}`);
  expect(protocolRules.map(({ id }) => id)).toEqual(ids);
  expect(testsOf(native).map(({ name }) => name)).toEqual(protocolRules.map(({ id, sentence }) => `${id} ${sentence}`));
});

describe('a client that can say little', () => {
  const client: ProtocolAdapter['client'] = {
    ...native.client,
    write: (word) => (word.kind === 'hello' || word.kind === 'subscribe' ? native.client.write(word) : undefined),
    carries: [],
  };

  it('is spared the rules that need more', () => {
    const names = testsOf({ ...native, client }).map(({ name }) => name.slice(0, 5));
    expect(protocolRules.map(({ id }) => id).filter((id) => !names.includes(id))).toEqual(['PR-09', 'PR-16']);
  });

  it('must be able to answer what it is asked', async () => {
    expect([...(await failingRules({ ...native, client, property })).keys()]).toEqual(['PR-03']);
  });
});

it('a failure of a property tells the seed', async () => {
  const broken = mutants.find(({ rule }) => rule === 'PR-26');
  const failures = await failingRules({ ...native, ...broken, name: 'broken', property });
  expect(failures.get('PR-26')).toContain('seed: 1');
});
