import { brotliCompressSync } from 'node:zlib';
import { build } from 'esbuild';
import { expect, test } from 'vitest';
import { root } from './support/repository.ts';

/** Everything that a page loads for an entry, its dependencies included, as a server would send it. */
async function brotliBytes(entry: string): Promise<number> {
  const { outputFiles } = await build({
    entryPoints: [entry],
    absWorkingDir: root,
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    conditions: ['hexbus-source'],
  });
  return outputFiles.reduce((sum, { contents }) => sum + brotliCompressSync(contents).length, 0);
}

test.each([['packages/core/src/index.ts', 12_000]])(
  '%s is at most %d bytes, minified and compressed',
  async (entry, limit) => {
    expect(await brotliBytes(entry)).toBeLessThanOrEqual(limit);
  },
);
