import { defineConfig } from 'vitest/config';
import { ssr, timeouts } from './vitest.shared.ts';

export default defineConfig({
  test: {
    projects: [
      'packages/*',
      { ssr, test: { ...timeouts, name: 'house', include: ['test/**/*.test.ts', 'examples/**/*.test.ts'] } },
    ],
    coverage: { provider: 'v8', include: ['packages/*/src/**'] },
  },
});
