import { defineConfig } from 'vitest/config';
import { ssr, timeouts } from './vitest.shared.ts';

export default defineConfig({
  test: {
    // By default one processor is left free, which is half of those of a small machine.
    maxWorkers: '100%',
    projects: [
      'packages/*',
      { ssr, test: { ...timeouts, name: 'house', include: ['test/**/*.test.ts', 'examples/**/*.test.ts'] } },
    ],
    coverage: { provider: 'v8', include: ['packages/*/src/**'] },
  },
});
