import { wireLimits } from './frames.ts';

/**
 * Parses the text of a stranger. Undefined when it is no JSON, or holds what nobody could encode again: elements that nest deeper than
 * `wireLimits.maxDepth` (64), or numbers that became infinite.
 */
export function parseBounded(text: string): unknown {
  const value = parseJson(text);
  return isBounded(value) ? value : undefined;
}

/** Undefined when the text is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Goes level by level, since what recurses over a value that nests 30,000 deep overflows the stack. */
function isBounded(value: unknown): boolean {
  let level: readonly unknown[] = [value];
  // The frame itself is a level too.
  for (let depth = 0; depth <= wireLimits.maxDepth + 1; depth++) {
    const next: object[] = [];
    for (const item of level) {
      if (typeof item === 'number' && !Number.isFinite(item)) return false;
      if (typeof item === 'object' && item !== null) next.push(item);
    }
    if (next.length === 0) return true;
    level = next.flatMap((container) => Object.values(container) as unknown[]);
  }
  return false;
}
