import type { CursorParts } from '../../cursor.ts';
import { wireLimits } from '../../protocol/frames.ts';

/**
 * Where a connection stands: everything of its settled subscriptions up to `position` was sent, and of the others up to their own position. As text it
 * is what a client keeps and hands back; a plain cursor when all are settled, so that one event frame serves every receiver.
 */
export interface Token extends CursorParts {
  /** By subscription id: those that are behind `position` or ahead of it. */
  readonly own: ReadonlyMap<number, number>;
}

const tokenForm = /^([A-Za-z0-9_-]{1,64})\.(0|[1-9]\d{0,15})(?:~(\d+:\d+(?:,\d+:\d+)*))?$/;

export function formatToken(epoch: string, position: number, own: Iterable<readonly [number, number]>): string {
  const parts = Array.from(own, ([id, at]) => `${id}:${at}`);
  return parts.length === 0 ? `${epoch}.${position}` : `${epoch}.${position}~${parts.join(',')}`;
}

/** Undefined for what is no token. Whether its epoch and positions exist, only the history can tell. */
export function parseToken(text: string): Token | undefined {
  const match = text.length > wireLimits.maxTokenLength ? null : tokenForm.exec(text);
  if (match === null) return undefined;
  const own = new Map<number, number>();
  for (const part of match[3]?.split(',') ?? []) {
    const [id, at] = part.split(':').map(Number) as [number, number];
    if (!Number.isSafeInteger(id) || !Number.isSafeInteger(at)) return undefined;
    own.set(id, at);
  }
  const epoch = match[1] as string;
  const position = Number(match[2]);
  if (!Number.isSafeInteger(position)) return undefined;
  // Repeats and leading zeros are never written.
  return formatToken(epoch, position, own) === text ? { epoch, position, own } : undefined;
}

/** How far a subscription is by a token that covers it. */
export function positionIn({ position, own }: Token, id: number): number {
  return own.get(id) ?? position;
}
