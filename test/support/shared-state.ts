import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readText, root } from './repository.ts';

/** What a test does to others in the same process, or hears of them: it patches what they share, starts processes, or measures memory. */
const touches =
  /\bvi\.(stubGlobal|stubEnv|useFakeTimers|resetModules|mock|doMock|spyOn)\b|\bchild_process\b|\b(esbuild|node:cluster|node:v8)'|\bmemoryUsage\b|\bprocess\.env\b[^;\n]*[^=!<>]=[^=>]|\b(assign|defineProperty|deleteProperty)\(globalThis\b|\bprocess\.(chdir|exitCode|emitWarning)\b/;

const relativeImport = /\bfrom '(\.[^']+\.ts)'/g;

/** The files in which a test file, or what it imports by a relative path, touches what all of a process share. */
export function sharedStateTouched(path: string, seen: Set<string> = new Set()): string[] {
  if (seen.has(path)) return [];
  seen.add(path);
  const text = readText(path);
  const imports = [...text.matchAll(relativeImport)]
    .map(([, target = '']) => join(dirname(path), target))
    .filter((target) => existsSync(join(root, target)));
  const further = imports.flatMap((target) => sharedStateTouched(target, seen));
  return touchesSharedState(text) ? [path, ...further] : further;
}

export function touchesSharedState(text: string): boolean {
  return touches.test(text);
}
