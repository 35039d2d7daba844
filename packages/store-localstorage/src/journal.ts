import type { StoredMessage } from '@hexbus/core';
import type { Contents } from './contents.ts';
import { formatHead, type HeadItem } from './head-item.ts';
import { formatGone, formatMessage, headItem, isReasonItem, type MessageItem, messageItem } from './items.ts';
import type { Namespace } from './namespace.ts';
import { isNoRoom } from './web-storage.ts';

/**
 * How long a head is at least. What it has to say of a batch fits into this as a rule, so that a batch that only settles is written in place, also
 * where the storage is full.
 */
const minHeadLength = 4096;

/** How many of these characters may tell what limits remove, so that there is room for the rest. */
const maxTrimLength = 2_000;

/**
 * Makes a batch one step on a storage that writes one key at a time. New messages are written first, above the head, where they do not count. The
 * head is the commit: it moves over them, and lists what else the batch changes. These changes follow, and are made again by whoever reads
 * the storage after a crash. What has no room then stays listed until it has.
 */
export class Journal {
  readonly #namespace: Namespace;
  readonly #staged: number[] = [];
  /** Messages that are to be remembered only, with what is kept of them. */
  readonly #gone = new Map<number, string>();
  readonly #put: Map<string, string | null>;
  #isChanged = false;
  #headValue: string | undefined;

  constructor(namespace: Namespace, unwritten: Contents['unwritten']) {
    this.#namespace = namespace;
    this.#put = new Map(unwritten);
  }

  /** Whether the head is still the one that was written last: nobody else opened the namespace, or cleared it. */
  get isCurrent(): boolean {
    return this.#headValue !== undefined && this.#namespace.raw(headItem) === this.#headValue;
  }

  /** Writes a message that the next commit is to make count. False if there is no room for it. */
  stage(item: Omit<MessageItem, 'isGone'>): boolean {
    const { position } = item.message;
    if (!this.#namespace.tryToWrite(messageItem(position), formatMessage(item))) return false;
    this.#staged.push(position);
    this.#isChanged = true;
    return true;
  }

  /** Whether a message has room where that of another position lies. */
  isNoLonger(item: Omit<MessageItem, 'isGone'>, position: number): boolean {
    const name = messageItem(position);
    const length = messageItem(item.message.position).length + formatMessage(item).length;
    return length <= name.length + (this.#namespace.read(name)?.length ?? 0);
  }

  /** Has a message removed, but for its topic and id. */
  remember(message: StoredMessage): void {
    this.#gone.set(message.position, formatGone(message));
    this.#isChanged = true;
  }

  /** Has any other item written, or removed by null. */
  put(item: string, text: string | null): void {
    this.#put.set(item, text);
    this.#isChanged = true;
  }

  /** How many characters the head has left to tell what limits remove: what finds no room in the storage is told until it does. */
  get room(): number {
    return maxTrimLength - JSON.stringify([...this.#put]).length;
  }

  /** Nothing is left to commit. */
  get isClean(): boolean {
    return !this.#isChanged;
  }

  /** Throws what the storage throws: then nothing of the batch counts, and this journal is of no use any more. */
  commit(head: Omit<HeadItem, 'gone' | 'put'>): void {
    try {
      this.#writeHead(head);
    } catch (error) {
      if (!isNoRoom(error)) throw error;
      this.#giveUpReasons();
      this.#writeHead(head);
    }
    this.#isChanged = false;
    this.#staged.length = 0;
    try {
      this.#finish();
    } catch {
      // The batch has taken effect. What is left to do is listed in the head, and in the next one.
    }
  }

  /** Takes back what was staged. */
  rollback(): void {
    this.#headValue = undefined;
    for (const position of this.#staged) this.#namespace.remove(messageItem(position));
  }

  #writeHead(head: Omit<HeadItem, 'gone' | 'put'>): void {
    const text = formatHead({ ...head, gone: [...this.#gone.keys()], put: [...this.#put] });
    this.#headValue = this.#namespace.write(headItem, text, minHeadLength);
  }

  /** That a message died must be kept where there is no room, or it would be tried for ever. Why it did need not. */
  #giveUpReasons(): void {
    for (const [item, text] of this.#put) if (text !== null && isReasonItem(item)) this.#put.set(item, '');
  }

  /** First what makes room. */
  #finish(): void {
    for (const [position, kept] of this.#gone) this.#namespace.write(messageItem(position), kept);
    this.#gone.clear();
    for (const [item, text] of this.#put) if (text === null) this.#namespace.remove(item);
    for (const [item, text] of this.#put) {
      if (text === null || this.#namespace.tryToWrite(item, text)) this.#put.delete(item);
    }
  }
}
