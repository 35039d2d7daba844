import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = fileURLToPath(new URL('.', import.meta.url));

/** Makes one plain file of a program and the sources of hexbus, as users get it, since stripping types takes time and memory. Packages stay packages. */
export async function bundled(folder: string, source: string): Promise<string> {
  const file = join(folder, 'program.mjs');
  await build({
    stdin: { contents: source, resolveDir: here, loader: 'ts' },
    outfile: file,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    conditions: ['hexbus-source'],
    external: ['ws', 'eventemitter3', 'socket.io', 'socketcluster-server'],
    logLevel: 'error',
  });
  await symlink(fileURLToPath(new URL('../../node_modules', import.meta.url)), join(folder, 'node_modules'));
  return file;
}
