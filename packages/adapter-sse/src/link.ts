import { timingSafeEqual } from 'node:crypto';

/** What a client proves with that a POST belongs to its stream. */
export interface Link {
  /** Where the stream is. */
  readonly node: string;
  readonly id: string;
  readonly key: string;
}

export function writeLink({ node, id, key }: Link): string {
  return `${encodeURIComponent(node)}.${id}.${key}`;
}

/** Undefined for what no `writeLink` wrote. */
export function readLink(text: string): Link | undefined {
  const [, node, id, key] = /^([\w\-.!~*'()%]{1,512})\.([0-9a-f]{32})\.([0-9a-f]{32})$/.exec(text) ?? [];
  if (node === undefined || id === undefined || key === undefined) return undefined;
  try {
    return { node: decodeURIComponent(node), id, key };
  } catch {
    return undefined;
  }
}

/** Takes as long for keys that are nearly the same as for others. */
export function isSameKey(one: string, other: string): boolean {
  return one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other));
}
