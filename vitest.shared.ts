import { fileURLToPath } from 'node:url';
import type { TestProjectInlineConfiguration } from 'vitest/config';

const deep = process.env['HEXBUS_DEEP'] === '1';
/** The types are the same on every Node, so CI checks them in one of its runs only. */
const typeTests = process.env['HEXBUS_TYPE_TESTS'] !== '0';

/** Tests read the sources of all packages through this condition, so none of them needs a build. */
export const ssr = { resolve: { conditions: ['hexbus-source', 'module', 'node', 'development|production'] } };

// By default one processor is left free, which is half of those of a small machine.
export const maxWorkers = '100%';

export const timeouts = {
  // What is polled for comes at last on a busy machine too; the default is a second.
  expect: { poll: { timeout: 10_000 } },
  // Only to end what hangs: a machine may be busy with much else.
  testTimeout: deep ? 600_000 : 120_000,
  hookTimeout: deep ? 600_000 : 120_000,
};

/** What a package's `vitest.config.ts` holds, which the one of the repository takes its projects from. */
export interface PackageTests {
  readonly test: { readonly maxWorkers: string; readonly projects: TestProjectInlineConfiguration[] };
}

/**
 * The tests of one package. Sources hold no state, so its test files share workers, each of which loads what they test once.
 * Those `alone` have a process each: they patch what all of a process share, start other processes, measure memory or need much of it.
 */
export function packageTests(name: string, alone: readonly string[] = []): PackageTests {
  const root = fileURLToPath(new URL(`packages/${name}`, import.meta.url));
  const typecheck = { enabled: typeTests, include: ['test/**/*.test-d.ts'], tsconfig: './tsconfig.test.json' };
  const include = ['test/**/*.test.ts'];
  const shared = { ...timeouts, name, include, exclude: [...alone], isolate: false, typecheck };
  // Projects run in the order of their names, and what takes longest had better not begin last.
  const single = { ...timeouts, name: `alone-${name}`, include: [...alone] };
  const projects = alone.length === 0 ? [shared] : [shared, single];
  return { test: { maxWorkers, projects: projects.map((test) => ({ root, ssr, test })) } };
}
