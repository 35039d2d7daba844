import { defineProject, type UserWorkspaceConfig } from 'vitest/config';

const deep = process.env['HEXBUS_DEEP'] === '1';
/** The types are the same on every Node, so CI checks them in one of its runs only. */
const typeTests = process.env['HEXBUS_TYPE_TESTS'] !== '0';

/** Tests read the sources of all packages through this condition, so none of them needs a build. */
export const ssr = { resolve: { conditions: ['hexbus-source', 'module', 'node', 'development|production'] } };

export const timeouts = {
  // What is polled for comes at last on a busy machine too; the default is a second.
  expect: { poll: { timeout: 10_000 } },
  // Only to end what hangs: a machine may be busy with much else.
  testTimeout: deep ? 600_000 : 120_000,
  hookTimeout: deep ? 600_000 : 120_000,
};

/** The vitest project of one package. */
export function packageProject(name: string): UserWorkspaceConfig {
  return defineProject({
    ssr,
    test: {
      ...timeouts,
      name,
      include: ['test/**/*.test.ts'],
      typecheck: { enabled: typeTests, include: ['test/**/*.test-d.ts'], tsconfig: './tsconfig.test.json' },
    },
  });
}
