import type { NamedCursor } from '@hexbus/core';
import { fullError, newerError } from './errors.ts';
import { type HeadItem, parseHead } from './head-item.ts';
import {
  formatGone,
  headItem,
  leaseItem,
  type MessageItem,
  messageItem,
  type Origin,
  parseCursorItem,
  parseMessage,
} from './items.ts';
import type { Namespace } from './namespace.ts';

/** What lies in a namespace. */
export interface Contents {
  /** Undefined where nothing was ever committed, and where the head was lost. */
  readonly head: HeadItem | undefined;
  /** By position. Also what is only remembered. */
  readonly messages: readonly MessageItem[];
  /** Why a message died, by its position. */
  readonly reasons: ReadonlyMap<number, string>;
  /** Copies whose originals are still there: they do not count. */
  readonly voided: readonly MessageItem[];
  readonly cursors: ReadonlyMap<string, NamedCursor>;
  readonly marks: ReadonlyMap<string, number>;
  /** Items that the last commit changed and that had no room yet, with their texts. */
  readonly unwritten: readonly (readonly [item: string, text: string])[];
  /** The highest position that an item names. */
  readonly highest: number;
  /** Something was lost, or is not what it was. */
  readonly isDamaged: boolean;
  /** What is not ours still lies there, for want of room to set it aside. */
  readonly isInTheWay: boolean;
}

const itemForm = /^(?:([md])\/([1-9]\d*)|([ct])\/(.+))$/s;

/** A head in place of which there is nothing more to read: its namespace is being removed. */
export const droppedText = 'dropped';

/** Whether something was ever committed in a namespace, as far as its head tells. */
export function peekHead(namespace: Namespace): HeadItem | undefined {
  const text = namespace.read(headItem);
  return text === undefined || text === droppedText ? undefined : attempt(() => parseHead(text));
}

/**
 * Reads a namespace whose lock is held: brings the last commit to its end, clears away what was never committed, and sets aside what is not ours.
 * Throws `HEXBUS_HISTORY_NEWER` and changes nothing if a newer version wrote it; `HEXBUS_HISTORY_FULL` if its head is damaged and has no room elsewhere.
 */
export function readContents(namespace: Namespace): Contents {
  return new ContentsReader(namespace).read();
}

class ContentsReader {
  readonly #namespace: Namespace;
  readonly #messages: MessageItem[] = [];
  readonly #reasons = new Map<number, string>();
  readonly #voided: MessageItem[] = [];
  readonly #cursors = new Map<string, NamedCursor>();
  readonly #marks = new Map<string, number>();
  #unwritten: readonly (readonly [item: string, text: string])[] = [];
  #highest = 0;
  #isDamaged = false;
  #isInTheWay = false;

  constructor(namespace: Namespace) {
    this.#namespace = namespace;
  }

  read(): Contents {
    const head = this.#readHead();
    if (head !== undefined) this.#unwritten = finishCommit(this.#namespace, head);
    const texts = new Map(this.#unwritten);
    const position = head?.position ?? Infinity;
    for (const item of new Set([...this.#namespace.items(), ...texts.keys()])) {
      if (item === headItem || item === leaseItem) continue;
      this.#readItem(item, texts.get(item) ?? this.#namespace.read(item), position);
    }
    this.#messages.sort((a, b) => a.message.position - b.message.position);
    if (head === undefined) this.#checkLostHead();
    else this.#checkCount(head);
    return {
      head,
      messages: this.#messages,
      reasons: this.#reasons,
      voided: this.#voided,
      cursors: this.#cursors,
      marks: this.#marks,
      unwritten: this.#unwritten,
      highest: this.#highest,
      isDamaged: this.#isDamaged,
      isInTheWay: this.#isInTheWay,
    };
  }

  #readHead(): HeadItem | undefined {
    const namespace = this.#namespace;
    if (namespace.raw(headItem) === undefined) return undefined;
    const text = namespace.read(headItem);
    if (text === droppedText) {
      dropNamespace(namespace);
      return undefined;
    }
    const head = text === undefined ? undefined : attempt(() => ({ parsed: parseHead(text) }));
    if (head === undefined) {
      this.#isDamaged = true;
      if (!namespace.setAside(headItem, 'the head is damaged')) throw fullError('to set a damaged head aside');
      return undefined;
    }
    if (head.parsed === undefined) throw newerError();
    return head.parsed;
  }

  #readItem(item: string, text: string | undefined, head: number): void {
    const [, numbered, position = '', named, name = ''] = itemForm.exec(item) ?? [];
    const kind = numbered ?? named;
    if (kind === 'm') this.#highest = Math.max(this.#highest, Number(position));
    const isRead = text !== undefined && attempt(() => this.#keep(kind, Number(position), name, text, head));
    if (isRead === true) return;
    this.#isDamaged ||= kind !== undefined;
    // That it is dead is known by the key alone.
    if (kind === 'd') this.#reasons.set(Number(position), 'unknown: what was kept of it is damaged');
    const isSetAside = this.#namespace.setAside(item, kind === undefined ? 'no item of this history' : 'damaged');
    this.#isInTheWay ||= !isSetAside;
  }

  #keep(kind: string | undefined, position: number, name: string, text: string, head: number): boolean {
    if (kind === 'm') this.#keepMessage(parseMessage(position, text), head);
    else if (kind === 'd') this.#reasons.set(position, text);
    else if (kind === 'c') this.#cursors.set(name, parseCursorItem(name, text));
    else if (kind === 't') this.#marks.set(name, Number(text));
    else return false;
    return true;
  }

  #keepMessage(item: MessageItem, head: number): void {
    const { position } = item.message;
    if (position > head) this.#namespace.remove(messageItem(position));
    else if (item.origin !== undefined && isThere(this.#namespace, item.origin)) this.#voided.push(item);
    else this.#messages.push(item);
  }

  #checkLostHead(): void {
    if (this.#messages.length > 0) this.#miss('the head is missing');
  }

  #checkCount({ count, moving }: HeadItem): void {
    const found = this.#messages.filter(({ isGone }) => !isGone).length + this.#voided.length;
    if (moving === undefined && found < count) this.#miss(`${count - found} of ${count} messages are missing`);
  }

  /** What is damaged may be what is missing, and was told. */
  #miss(reason: string): void {
    if (this.#isDamaged) return;
    this.#isDamaged = true;
    this.#namespace.tell(headItem, reason);
  }
}

/** Does what a commit has still to do, and returns what there is no room for. May be repeated as long as no other commit has followed. */
function finishCommit(namespace: Namespace, { gone, put }: HeadItem): (readonly [string, string])[] {
  for (const position of gone) {
    const item = messageItem(position);
    const text = namespace.read(item);
    const message = text === undefined ? undefined : attempt(() => parseMessage(position, text));
    // Shorter than what lies there, so there is room.
    if (message?.isGone === false) namespace.write(item, formatGone(message.message));
  }
  for (const [item, text] of put) if (text === null) namespace.remove(item);
  return put.flatMap(([item, text]) => (text === null || namespace.tryToWrite(item, text) ? [] : [[item, text]]));
}

/** Removes everything of a namespace. Should it be interrupted, the next one to read it goes on. */
export function dropNamespace(namespace: Namespace): void {
  if (namespace.raw(headItem) !== undefined) namespace.write(headItem, droppedText);
  for (const item of namespace.items()) if (item !== headItem && item !== leaseItem) namespace.remove(item);
  namespace.remove(headItem);
}

function isThere(namespace: Namespace, { tab, epoch, position }: Origin): boolean {
  const other = namespace.ofTab(tab);
  return peekHead(other)?.epoch === epoch && other.raw(messageItem(position)) !== undefined;
}

/** Undefined where reading fails: what has our checksum and makes no sense nevertheless is not ours. */
function attempt<Result>(parse: () => Result): Result | undefined {
  try {
    return parse();
  } catch {
    return undefined;
  }
}
