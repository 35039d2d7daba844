import { describe, expect, test } from 'vitest';
import { errorCodes } from '../packages/core/src/errors.ts';
import { filesBelow, packageFolders, readText, sourceFiles } from './support/repository.ts';
import { violations } from './support/source-rules.ts';

const maxLines = 400;

const code = /\.(ts|mts|js|mjs|cjs|sh)$/;
const others = ['test', 'scripts', 'bench', 'examples'].flatMap((folder) => filesBelow(folder, code));
const tests = packageFolders.flatMap((folder) => filesBelow(`${folder}/test`, code));

test.each([...sourceFiles, ...tests, ...others])(`%s has at most ${maxLines} lines`, (path) => {
  expect(readText(path).trimEnd().split('\n').length).toBeLessThanOrEqual(maxLines);
});

test.each(sourceFiles)('%s follows the house rules', (path) => {
  expect(violations(path, readText(path))).toEqual([]);
});

describe('the check itself sees', () => {
  test.each([
    ['a default export', 'export default 1;'],
    ['a default function', 'export default function f() {}'],
    ['an enum', 'export enum E { A }'],
    ['any', 'export const f = (x: any) => x;'],
    ['a non-null assertion', 'export const f = (x?: string) => x!;'],
    ['console', 'export const f = () => console.log(1);'],
    ['a variable', 'let count = 0; export const f = () => count++;'],
    ['a registry', 'const all = new Map<string, string>(); export const f = () => all;'],
    ['a list', 'const all: string[] = []; export const f = () => all;'],
    ['a filled list that grows', 'const all = [1]; export const f = () => all.push(2);'],
    ['a call at import', 'start();'],
    ['top-level await', 'export const x = await Promise.resolve(1);'],
    ['a barrel', "export * from './a.ts';"],
    ['a timer', 'export const f = () => setTimeout(f, 1);'],
    ['a timer of a socket', 'export const f = (socket: Socket) => socket.setTimeout(1);'],
    ['the time', 'export const f = () => Date.now();'],
  ])('%s', (_, text) => {
    expect(violations('packages/x/src/y.ts', text)).toHaveLength(1);
  });

  test('no fault in constants, or in taking a timer away and giving it back', () => {
    const text = `
      const names = new Set(['a']);
      const none: readonly string[] = [];
      export const defaults = { size: 1 } as const;
      export const f = async () => { await g(names, none); };
      export const h = (socket: Socket) => socket.setTimeout(0);
      export const i = (session: Session, before: number) => session.setTimeout(before);`;
    expect(violations('packages/x/src/y.ts', text)).toEqual([]);
  });
});

const errorPage = filesBelow('docs', /^docs\/errors\.md$/);

test.each(errorPage)('%s explains each error code and no other', (path) => {
  const explained = new Set(readText(path).match(/\bHEXBUS_[A-Z_]+/g));
  expect([...explained].sort()).toEqual([...errorCodes].sort());
});
