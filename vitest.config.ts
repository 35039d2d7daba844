import { defineConfig } from 'vitest/config';
import { ssr, timeouts } from './vitest.shared.ts';

/** What is the same whatever Node runs the tests: pages in Chromium, rules that the files keep, snippets, which are compiled and bundled, and benchmarks, which bring their own Node. */
const anyNode = [
  'test/browser/**/*.test.ts',
  'test/end-to-end/page.test.ts',
  'examples/switchboard/**/*.test.ts',
  ...['bench', 'bundle-size', 'docs-snippets', 'import-directions', 'links', 'source-rules'].map(
    (name) => `test/${name}.test.ts`,
  ),
];
const everything = ['test/**/*.test.ts', 'examples/**/*.test.ts'];

export default defineConfig({
  test: {
    // By default one processor is left free, which is half of those of a small machine.
    maxWorkers: '100%',
    projects: [
      'packages/*',
      { ssr, test: { ...timeouts, name: 'programs', include: everything, exclude: [...anyNode, '**/node_modules'] } },
      { ssr, test: { ...timeouts, name: 'any-node', include: anyNode } },
    ],
    coverage: { provider: 'v8', include: ['packages/*/src/**'] },
  },
});
