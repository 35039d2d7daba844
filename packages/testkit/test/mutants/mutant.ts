import { historyStoreSuite } from '@hexbus/testkit';
import { type DurableMinimal, durableMinimal } from '../durable-minimal.ts';

/** A store with one fault, and the rule that must catch it. */
export interface Mutant {
  readonly rule: string;
  readonly fault: string;
  readonly Store: new (...parts: ConstructorParameters<typeof DurableMinimal>) => DurableMinimal;
}

/** Runs the suite by itself, and returns the ids of the rules that fail, with what they say. */
export async function failingRules({ Store }: Pick<Mutant, 'Store'>, runs: number): Promise<Map<string, string>> {
  const tests: { readonly name: string; readonly run: () => Promise<void> }[] = [];
  const runner = {
    describe: (_: string, define: () => void) => define(),
    it: (name: string, run: () => Promise<void>) => void tests.push({ name, run }),
  };
  historyStoreSuite(runner, { ...durableMinimal(Store), property: { runs, seed: 1 } });
  const failures = new Map<string, string>();
  for (const { name, run } of tests) {
    const id = name.slice(0, name.indexOf(' '));
    await run().catch((error: unknown) => failures.set(id, String(error)));
  }
  return failures;
}
