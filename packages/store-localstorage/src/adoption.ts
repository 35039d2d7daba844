import { isHexbusError } from '@hexbus/core';
import { type Contents, dropNamespace, readContents } from './contents.ts';
import type { Move } from './head-item.ts';
import { messageItem, reasonItem } from './items.ts';
import { Journal } from './journal.ts';
import type { MessageLog, Orphan } from './message-log.ts';
import type { Namespace } from './namespace.ts';

/** Few enough for the head to list why as many died. */
const maxMovedPerCommit = 50;

/** How a namespace is adopted. */
export interface Adoption {
  /** Higher than that of any adoption before. */
  readonly number: number;
  /** For an orphan whose own counts no more. */
  readonly newEpoch: string;
  /** What the clock says. */
  readonly now: number;
}

/**
 * Moves what waits in held topics, and what died there, from the namespace of a closed tab behind the messages of a log, in its order; then the rest
 * of that namespace goes. Copies are committed, but each does not count before its original is removed. So nothing is lost or twice wherever this ends.
 * They go as many at once as there is room for. Returns false where there was none even for one; throws what the storage throws.
 *
 * A namespace stays if it has messages that its tab held and this log does not, for a page that does; if a newer version wrote it; and if it is damaged and
 * there is no room to set that aside.
 */
export function adopt(log: MessageLog, orphan: Namespace, { number, newEpoch, now }: Adoption): boolean {
  const contents = contentsOf(orphan);
  if (contents === undefined) return true;
  const { messages, voided, reasons } = contents;
  const present = messages.filter(({ isGone }) => !isGone);
  if (present.length > 0) {
    const epoch = beginMoving(orphan, contents, { number, to: log.tab }, newEpoch);
    for (const { message } of voided) orphan.remove(messageItem(message.position));
    const known = log.knownIds(now);
    const left = present
      .filter(({ message }) => log.retention.isHeld(message.topic))
      .map(({ message, once }): Orphan => {
        const { position } = message;
        return { message, once, origin: { tab: orphan.tab, epoch, position }, reason: reasons.get(position) };
      });
    while (left.length > 0) {
      const count = log.adopt(left.slice(0, maxMovedPerCommit), known);
      if (count === 0) return false;
      for (const { message, reason } of left.splice(0, count)) {
        orphan.remove(messageItem(message.position));
        if (reason !== undefined) orphan.remove(reasonItem(message.position));
      }
    }
  }
  const isWaitingForOthers = present.some(({ held, message }) => held && !log.retention.isHeld(message.topic));
  if (!isWaitingForOthers && !contents.isInTheWay) dropNamespace(orphan);
  return true;
}

/** Undefined for what has to stay as it is. */
function contentsOf(orphan: Namespace): Contents | undefined {
  try {
    return readContents(orphan);
  } catch (error) {
    if (isHexbusError(error, 'HEXBUS_HISTORY_NEWER') || isHexbusError(error, 'HEXBUS_HISTORY_FULL')) return undefined;
    throw error;
  }
}

/**
 * From here on messages go without a commit of that namespace. One that was begun before keeps its number: what was moved then came before the rest.
 */
function beginMoving(orphan: Namespace, contents: Contents, { number, to }: Move, newEpoch: string): string {
  const { head, highest, unwritten, isDamaged } = contents;
  const moving = { number: head?.moving?.number ?? number, to };
  const epoch = head === undefined || isDamaged ? newEpoch : head.epoch;
  const position = Math.max(highest, head?.position ?? 0);
  new Journal(orphan, unwritten).commit({ epoch, owner: '', position, time: head?.time ?? 0, count: 0, moving });
  return epoch;
}
