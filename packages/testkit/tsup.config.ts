import { defineConfig } from 'tsup';

export default defineConfig({
  entry: ['src/index.ts', 'src/chaos.ts'],
  format: ['esm'],
  target: 'node20',
  platform: 'neutral',
  external: [/^node:/],
  dts: true,
  sourcemap: true,
  clean: true,
  treeshake: true,
});
