import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

export interface PageFile {
  readonly type: string;
  readonly bytes: Uint8Array;
}

const folder = fileURLToPath(new URL('../page/', import.meta.url));

const types: Readonly<Record<string, string>> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
};

/** Everything that the page loads, by path, made from the sources and kept in memory. */
export async function buildPageFiles(): Promise<ReadonlyMap<string, PageFile>> {
  const files = new Map<string, PageFile>([
    ['/', { type: 'text/html; charset=utf-8', bytes: await readFile(`${folder}index.html`) }],
    ['/icon.svg', { type: 'image/svg+xml', bytes: await readFile(`${folder}icon.svg`) }],
  ]);
  const { outputFiles } = await build({
    absWorkingDir: folder,
    // The listener is a file of its own, which the page loads when it is told to.
    entryPoints: ['main.ts', 'order-steps.ts', 'style/main.css'],
    entryNames: '[name]',
    outdir: folder,
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    conditions: ['hexbus-source'],
    logLevel: 'silent',
  });
  for (const { path, contents } of outputFiles) {
    const name = basename(path);
    files.set(`/${name}`, { type: types[name.split('.').pop() ?? ''] ?? 'application/octet-stream', bytes: contents });
  }
  return files;
}
