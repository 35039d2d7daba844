import type { WireProtocol } from '@hexbus/core/gateway';
import { type ProtocolAdapter, protocolRules, protocolSuite } from '@hexbus/testkit';
import { describe, expect, it } from 'vitest';
import { failuresOf, rulesInReadme } from '../support/suites.ts';
import { eventSource } from './event-source.ts';
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

describe('a client that says everything by its handshake', () => {
  it('is spared the rules of those who speak', () => {
    const names = namesOf(eventSource).map((name) => name.slice(0, 5));
    const left = protocolRules.map(({ id }) => id).filter((id) => !names.includes(id));
    expect(left).toEqual(['PR-04', 'PR-05', 'PR-06', 'PR-07', 'PR-08', 'PR-09', 'PR-16', 'PR-26']);
  });

  it.each<readonly [string, string, Partial<WireProtocol>]>([
    ['PR-27', 'says nothing', { helloOf: () => undefined }],
    ['PR-27', 'says nothing but how it comes back', { helloOf: () => ({ subscriptions: [], capabilities: [] }) }],
    [
      'PR-27',
      'is refused without a reason',
      {
        helloOf: (handshake) => {
          const hello = eventSource.create().helloOf(handshake);
          return hello !== undefined && 'fault' in hello ? { fault: '' } : hello;
        },
      },
    ],
  ])('is caught by %s where it %s', async (rule, _, change) => {
    const create = (): WireProtocol => ({ ...eventSource.create(), ...change });
    const failures = await failuresOf((runner) => protocolSuite(runner, { ...eventSource, create, property }));
    expect([...failures.keys()]).toEqual([rule]);
  });
});

it('a failure of a property tells the seed, and what was expected', async () => {
  const broken = speakingMutants.find(({ rule }) => rule === 'PR-26');
  const failures = await failuresOf((runner) => protocolSuite(runner, { ...native, ...broken, property }));
  expect(failures.get('PR-26')).toContain('seed: 1');
  expect(failures.get('PR-26')).toMatch(/what the host hears of \w+: expected .+, got /);
});
