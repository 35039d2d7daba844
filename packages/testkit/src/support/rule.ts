/** What a suite needs of a test runner: vitest's and node:test's `describe` and `it` both fit. */
export interface TestRunner {
  readonly describe: (name: string, define: () => void) => unknown;
  readonly it: (name: string, run: () => Promise<void>) => unknown;
}

/** A rule of a port as documentation lists it. */
export interface RuleText {
  readonly id: string;
  readonly sentence: string;
}

/** A rule with the check that holds an adapter to it. `Lab` is where the check finds the adapter. */
export interface Rule<Lab> extends RuleText {
  readonly check: (lab: Lab) => Promise<void>;
}

/** Runs a check so that its failure names the rule. */
export async function runRule<Lab>(rule: Rule<Lab>, lab: Lab): Promise<void> {
  try {
    await rule.check(lab);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${rule.id} ${rule.sentence}\n${reason}`, { cause: error });
  }
}
