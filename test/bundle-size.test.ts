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

/** What of an entry that was built into one file, as the published ones are, comes with one of its values. */
async function codeOf(entry: string, value: string): Promise<string> {
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
  return used.outputFiles.map(({ text }) => text).join('');
}

// The goals are 12,000 bytes for core and 8,000 for the client. They are not reached: this is what the entries weigh now, so that they do not grow unseen.
test.each([
  ['packages/core/src/index.ts', 20_450],
  ['packages/client/src/index.ts', 14_400],
  ['packages/store-localstorage/src/index.ts', 9_200],
])('%s is at most %d bytes, minified and compressed', async (entry, limit) => {
  expect(await brotliBytes(entry)).toBeLessThanOrEqual(limit);
});

// An adapter, or a page that only tells errors apart, must not bring a bus along.
test.each(['HexbusError', 'isHexbusError', 'formatCursor', 'matchesPattern'])(
  '%s alone brings no bus',
  async (value) => {
    expect((await codeOf('packages/core/src/index.ts', value)).length).toBeLessThanOrEqual(1_000);
  },
);

// The bridge is 1,700 of the bytes of core: only who uses it loads them.
test('a bus brings no message bridge', async () => {
  const [bus, bridge] = await Promise.all(
    ['createBus', 'createMessageBridge'].map((value) => codeOf('packages/core/src/index.ts', value)),
  );
  expect(bridge).toContain('beforePublish');
  expect(bus).not.toContain('beforePublish');
});

// A page without a bundler maps the client and this entry to their files: the README of the client shows it.
test.each([
  ['packages/client/src/index.ts', ['@hexbus/core/wire']],
  ['packages/core/src/wire.ts', []],
])('%s imports from other packages no more than %j', async (entry, packages) => {
  const built = await build({ ...forBrowsers, entryPoints: [entry], packages: 'external', metafile: true });
  const imports = Object.values(built.metafile.outputs).flatMap((output) => output.imports);
  expect([...new Set(imports.map(({ path }) => path))]).toEqual(packages);
});
