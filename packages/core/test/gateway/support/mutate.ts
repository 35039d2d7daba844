import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

export interface Patch {
  /** Occurs exactly once in the file. */
  readonly find: string;
  readonly replace: string;
}

const sources = fileURLToPath(new URL('../../../src/', import.meta.url));

/** What a file of `src` would export if it were so. Nothing is written anywhere: it is bundled in memory. */
export async function mutate<Module>(file: string, { find, replace }: Patch): Promise<Module> {
  const path = sources + file;
  const text = await readFile(path, 'utf8');
  const count = text.split(find).length - 1;
  if (count !== 1) throw new Error(`the mutant's snippet is found ${count} times in ${file}, not once:\n${find}`);
  const contents = text.replace(find, () => replace);
  const { outputFiles } = await build({
    stdin: { contents, loader: 'ts', sourcefile: path, resolveDir: fileURLToPath(new URL('.', `file://${path}`)) },
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    target: 'es2022',
  });
  const code = Buffer.from(outputFiles[0]!.contents).toString('base64');
  return (await import(/* @vite-ignore */ `data:text/javascript;base64,${code}`)) as Module;
}
