import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { createBus } from '@hexbus/core';
import { build, type Plugin } from 'esbuild';
import type { PropertyId } from '../checks.ts';
import type { Mix } from '../commands.ts';
import type { PlaceMaker } from '../places.ts';

export interface Patch {
  /** A file of `src/bus`, or for `patched` of `src`. */
  readonly file: string;
  /** Occurs exactly once in it. */
  readonly find: string;
  readonly replace: string;
}

/** A wrong bus: the right one with one thing changed. */
export interface Mutant {
  /** The rule of the semantics that is switched off, or the wrong design, or what else is wrong. */
  readonly name: string;
  readonly patches: readonly Patch[];
  /** The properties of which one must catch it. */
  readonly caughtBy: readonly PropertyId[];
  /** What finds it soonest; the properties are the same for all. */
  readonly mix: Mix;
  readonly place?: PlaceMaker;
}

const sources = fileURLToPath(new URL('../../../src/', import.meta.url));

/** The bus that a mutant's patches make of the sources. */
export async function mutate({ patches }: Pick<Mutant, 'patches'>): Promise<typeof createBus> {
  const inBus = patches.map((patch) => ({ ...patch, file: `bus/${patch.file}` }));
  return (await patched<{ readonly createBus: typeof createBus }>(`${sources}bus/bus.ts`, inBus)).createBus;
}

/** What a module exports after patches of files of `src`. Nothing is written anywhere: it is bundled in memory. */
export async function patched<Module>(entry: string, patches: readonly Patch[]): Promise<Module> {
  const texts = new Map<string, string>();
  for (const { file, find, replace } of patches) {
    const path = sources + file;
    const text = texts.get(path) ?? (await readFile(path, 'utf8'));
    const count = text.split(find).length - 1;
    if (count !== 1) throw new Error(`the mutant's snippet is found ${count} times in ${file}, not once:\n${find}`);
    texts.set(
      path,
      text.replace(find, () => replace),
    );
  }
  const plugin: Plugin = {
    name: 'mutate',
    setup({ onLoad }) {
      onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const contents = texts.get(path);
        return contents === undefined ? undefined : { contents, loader: 'ts' };
      });
    },
  };
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    target: 'es2022',
    plugins: [plugin],
  });
  const code = Buffer.from(outputFiles[0]!.contents).toString('base64');
  return (await import(/* @vite-ignore */ `data:text/javascript;base64,${code}`)) as Module;
}
