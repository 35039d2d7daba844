import { readFileSync } from 'node:fs';
import type { RuleText, TestRunner } from '@hexbus/testkit';

/** Runs a suite by itself, and returns the ids of the rules that fail, with what they say. */
export async function failuresOf(define: (runner: TestRunner) => void): Promise<ReadonlyMap<string, string>> {
  const tests: { readonly name: string; readonly run: () => Promise<void> }[] = [];
  define({
    describe: (_, inner) => inner(),
    it: (name, run) => void tests.push({ name, run }),
  });
  const failures = new Map<string, string>();
  for (const { name, run } of tests) {
    const id = name.slice(0, name.indexOf(' '));
    await run().catch((error: unknown) => failures.set(id, String(error)));
  }
  return failures;
}

/** The rules whose ids begin so, as the README lists them. */
export function rulesInReadme(prefix: string): RuleText[] {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  const rows = [...readme.matchAll(/^\| ([A-Z]+-\d+) \| (.*) \|$/gm)];
  return rows.map(([, id = '', sentence = '']) => ({ id, sentence })).filter(({ id }) => id.startsWith(`${prefix}-`));
}
