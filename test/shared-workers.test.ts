import { globSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import repository from '../vitest.config.ts';
import { filesBelow, packageFolders, root } from './support/repository.ts';
import { sharedStateTouched, touchesSharedState } from './support/shared-state.ts';

/** Of the workers of a project: which files it gives them, and whether each has one of its own. */
interface Workers {
  readonly root?: string;
  readonly test?: {
    readonly include?: readonly string[];
    readonly exclude?: readonly string[];
    readonly isolate?: boolean;
  };
}

const all = (repository.test?.projects ?? []) as readonly Workers[];

describe.each(packageFolders)('%s:', (folder) => {
  const projects = all.filter((project) => project.root === join(root, folder));
  const below = (patterns: readonly string[]): string[] =>
    patterns.flatMap((pattern) => globSync(pattern, { cwd: join(root, folder) }).map((path) => `${folder}/${path}`));
  const filesOf = projects.map(({ test: { include = [], exclude = [], isolate = true } = {} }) => {
    const excluded = new Set(below(exclude));
    return { isolate, files: below(include).filter((path) => !excluded.has(path)) };
  });

  test('each test file is in one project', () => {
    const files = filesOf.flatMap((project) => project.files);
    expect(files.sort()).toEqual(filesBelow(`${folder}/test`, /\.test\.ts$/));
  });

  test('each pattern of files that have a process of their own finds one', () => {
    const patterns = projects.flatMap(({ test: { exclude = [] } = {} }) => exclude);
    expect(patterns.filter((pattern) => below([pattern]).length === 0)).toEqual([]);
  });

  test('files that share a worker leave alone what all of a process share', () => {
    const shared = filesOf.filter(({ isolate }) => !isolate).flatMap(({ files }) => files);
    expect(shared.filter((path) => sharedStateTouched(path).length > 0)).toEqual([]);
  });
});

describe('the check itself sees', () => {
  test.each([
    ["vi.stubGlobal('WebSocket', undefined);"],
    ["vi.spyOn(JSON, 'parse');"],
    ['vi.useFakeTimers();'],
    ["import { spawn } from 'node:child_process';"],
    ["import { build } from 'esbuild';"],
    ['const before = process.memoryUsage().rss;'],
    ["process.env['TZ'] = 'UTC';"],
    ['Object.assign(globalThis, { addEventListener });'],
  ])('%s', (text) => {
    expect(touchesSharedState(text)).toBe(true);
  });

  test('no fault in reading what all share', () => {
    const text =
      "const runs = process.env['HEXBUS_DEEP'] === '1' ? 5_000 : 1_000; const f = vi.fn(); globalThis.WebSocket;";
    expect(touchesSharedState(text)).toBe(false);
  });
});
