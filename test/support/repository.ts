import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root: string = fileURLToPath(new URL('../../', import.meta.url));

export const nodeMajor = Number(process.versions.node.split('.')[0]);

const generated = new Set(['node_modules', 'dist', '.tsbuild', 'coverage']);

/** The files below a folder whose path ends so, relative to the root with forward slashes; none when there is no such folder. */
export function filesBelow(folder: string, ending: RegExp): string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { withFileTypes: true })
    .flatMap((entry) => {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) return generated.has(entry.name) ? [] : filesBelow(path, ending);
      return ending.test(path) ? [path] : [];
    })
    .sort();
}

export function readText(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

export interface PackageJson {
  readonly name: string;
  readonly version: string;
  readonly workspaces?: readonly string[];
  readonly scripts: Readonly<Record<string, string>>;
  readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly overrides?: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

export function readPackage(folder: string): PackageJson {
  return JSON.parse(readText(`${folder}/package.json`)) as PackageJson;
}

/** The packages in build order, as folders. */
export const packageFolders: readonly string[] = readPackage('.').workspaces ?? [];

/** The sources that are published, without the generated files. */
export const sourceFiles: readonly string[] = packageFolders.flatMap((folder) => filesBelow(`${folder}/src`, /\.ts$/));
