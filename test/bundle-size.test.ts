import { brotliCompressSync } from 'node:zlib';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { expect, test } from 'vitest';
import { root } from './support/repository.ts';

const forBrowsers = {
  absWorkingDir: root,
  bundle: true,
  write: false,
  format: 'esm',
  platform: 'browser',
  target: 'es2022',
  conditions: ['hexbus-source'],
} as const satisfies BuildOptions;

/** Everything that a page loads for an entry, its dependencies included, as a server would send it. */
async function brotliBytes(entry: string): Promise<number> {
  const { outputFiles } = await build({ ...forBrowsers, entryPoints: [entry], minify: true });
  return outputFiles.reduce((sum, { contents }) => sum + brotliCompressSync(contents).length, 0);
}

/** How many bytes of an entry that was built into one file, as the published ones are, come with one of its values. */
async function bytesOf(entry: string, value: string): Promise<number> {
  const { outputFiles } = await build({ ...forBrowsers, entryPoints: [entry], packages: 'external' });
  const plugin: Plugin = {
    name: 'built',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^built$/ }, () => ({ path: entry, namespace: 'built', sideEffects: false }));
      onLoad({ filter: /./, namespace: 'built' }, () => ({ contents: outputFiles[0]?.text ?? '' }));
    },
  };
  const stdin = { contents: `export { ${value} } from 'built';` };
  const used = await build({ ...forBrowsers, stdin, minify: true, plugins: [plugin], external: ['eventemitter3'] });
  return used.outputFiles.reduce((sum, { contents }) => sum + contents.length, 0);
}

// The goals are 12,000 bytes for core and 8,000 for the client. They are not reached: this is what the entries weigh now, so that they do not grow unseen.
test.each([
  ['packages/core/src/index.ts', 18_400],
  ['packages/client/src/index.ts', 14_400],
])('%s is at most %d bytes, minified and compressed', async (entry, limit) => {
  expect(await brotliBytes(entry)).toBeLessThanOrEqual(limit);
});

// An adapter, or a page that only tells errors apart, must not bring a bus along.
test.each(['HexbusError', 'isHexbusError', 'formatCursor', 'matchesPattern'])(
  '%s alone brings no bus',
  async (value) => {
    expect(await bytesOf('packages/core/src/index.ts', value)).toBeLessThanOrEqual(1_000);
  },
);
