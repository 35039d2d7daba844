import { defineConfig } from 'vitest/config';
import adapterSse from './packages/adapter-sse/vitest.config.ts';
import adapterWs from './packages/adapter-ws/vitest.config.ts';
import client from './packages/client/vitest.config.ts';
import core from './packages/core/vitest.config.ts';
import storeLocalstorage from './packages/store-localstorage/vitest.config.ts';
import storeMemory from './packages/store-memory/vitest.config.ts';
import storeSqlite from './packages/store-sqlite/vitest.config.ts';
import testkit from './packages/testkit/vitest.config.ts';
import { maxWorkers, ssr, timeouts } from './vitest.shared.ts';

/** What is the same whatever Node runs the tests: pages in Chromium, rules that the files keep, snippets, which are compiled and bundled, and benchmarks, which bring their own Node. */
const anyNode = [
  'test/browser/**/*.test.ts',
  'test/end-to-end/page.test.ts',
  'examples/switchboard/**/*.test.ts',
  ...['bench', 'bundle-size', 'docs-snippets', 'import-directions', 'links', 'shared-workers', 'source-rules'].map(
    (name) => `test/${name}.test.ts`,
  ),
];
const packages = [adapterSse, adapterWs, client, core, storeLocalstorage, storeMemory, storeSqlite, testkit];
const everything = ['test/**/*.test.ts', 'examples/**/*.test.ts'];

export default defineConfig({
  test: {
    maxWorkers,
    projects: [
      ...packages.flatMap(({ test }) => test.projects),
      { ssr, test: { ...timeouts, name: 'programs', include: everything, exclude: [...anyNode, '**/node_modules'] } },
      { ssr, test: { ...timeouts, name: 'any-node', include: anyNode } },
    ],
    coverage: { provider: 'v8', include: ['packages/*/src/**'] },
  },
});
