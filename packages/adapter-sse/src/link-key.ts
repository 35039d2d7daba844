import { timingSafeEqual } from 'node:crypto';

/** What a client proves with that a POST belongs to its stream. */
export interface LinkKey {
  /** Where the stream is. */
  readonly node: string;
  readonly id: string;
  readonly secret: string;
}

export function writeLinkKey({ node, id, secret }: LinkKey): string {
  return `${node}.${id}.${secret}`;
}

/** Undefined for what no `writeLinkKey` wrote. The node may still be one that never was. */
export function readLinkKey(text: string): LinkKey | undefined {
  const [, node, id, secret] = /^([\w-]{1,128})\.([0-9a-f]{32})\.([0-9a-f]{32})$/.exec(text) ?? [];
  if (node === undefined || id === undefined || secret === undefined) return undefined;
  return { node, id, secret };
}

/** Takes as long for secrets that are nearly the same as for others. */
export function isSameSecret(one: string, other: string): boolean {
  return one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other));
}

/** The link alone, without what proves that it is one's own. */
export function nameOf({ node, id }: LinkKey): string {
  return `${node}.${id}`;
}
