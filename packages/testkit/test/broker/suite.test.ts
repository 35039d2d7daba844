import { type BrokerContext, brokerRules, brokerSuite } from '@hexbus/testkit';
import { describe, expect, it } from 'vitest';
import { failuresOf, rulesInReadme } from '../support/suites.ts';
import { MinimalBroker } from './minimal-broker.ts';
import { type BrokerMutant, brokerMutants } from './mutants.ts';

brokerSuite(
  { describe, it },
  { name: 'minimal', create: ({ clock }) => new MinimalBroker(clock), property: { runs: 500 } },
);

function failing(
  Broker: BrokerMutant['Broker'],
  runs: number,
  patienceMs?: number,
): Promise<ReadonlyMap<string, string>> {
  const property = { runs, seed: 1 };
  const create = ({ clock }: BrokerContext): MinimalBroker => new Broker(clock);
  return failuresOf((runner) => brokerSuite(runner, { name: 'mutant', create, patienceMs, property }));
}

it('a broker without fault fails no rule, though the time passes while nothing runs', async () => {
  expect(await failing(MinimalBroker, 50, 0)).toEqual(new Map());
});

describe('the suite catches a broker that', () => {
  it.each(brokerMutants)('$fault, by $rule', async ({ rule, Broker }) => {
    const failures = await failing(Broker, 0, 250);
    expect([...failures.keys()]).toContain(rule);
    expect(failures.get(rule)).toContain(brokerRules.find(({ id }) => id === rule)?.sentence);
  });

  it('differs from the model, by BR-16, with the seed and the step', async () => {
    const { Broker } = brokerMutants.find(({ rule }) => rule === 'BR-11')!;
    const message = (await failing(Broker, 500, 250)).get('BR-16');
    expect(message).toContain('seed: 1');
    expect(message).toMatch(/after \{"call":"close".*should have ended/);
  });
});

describe('the rules', () => {
  it('are numbered in the order in which they run, and each but the model catches something', () => {
    const ids = brokerRules.map(({ id }) => id);
    expect(ids).toEqual(ids.map((_, index) => `BR-${String(index + 1).padStart(2, '0')}`));
    expect(brokerMutants.map(({ rule }) => rule)).toEqual(ids.slice(0, -1));
  });

  it('stand in the README', () => {
    expect(rulesInReadme('BR')).toEqual(brokerRules);
  });
});
