import type { NamedCursor, StoredMessage } from '@hexbus/core';

/** Where a message lay before it was adopted. As long as it is still there, the copy does not count. */
export interface Origin {
  readonly tab: string;
  readonly epoch: string;
  readonly position: number;
}

/** A message as it lies in a storage. Without a body it is only remembered: by its topic and id, so that a second one is a duplicate. */
export interface MessageItem {
  readonly message: StoredMessage;
  readonly isGone: boolean;
  /** The caller gave the id. */
  readonly once: boolean;
  /** Its topic was held when it was appended. */
  readonly held: boolean;
  readonly origin: Origin | undefined;
}

type Header = Omit<StoredMessage, 'position' | 'body'> & Partial<Pick<MessageItem, 'once' | 'held' | 'origin'>>;

/** A header on one line, then the body as it is: within the header each of its quotes would cost a character more. */
export function formatMessage({ message, once, held, origin }: Omit<MessageItem, 'isGone'>): string {
  const { topic, id, time, type, attributes, body } = message;
  const flags = { once: once || undefined, held: held || undefined };
  return `${JSON.stringify({ topic, id, time, type, attributes, ...flags, origin })}\n${body}`;
}

/** What is kept of a message that is gone, as long as its id is remembered. Shorter than the message was. */
export function formatGone({ topic, id, time }: StoredMessage): string {
  return JSON.stringify({ topic, id, time, once: true });
}

export function parseMessage(position: number, text: string): MessageItem {
  const end = text.indexOf('\n');
  const isGone = end < 0;
  const header = JSON.parse(isGone ? text : text.slice(0, end)) as Header;
  const { once = false, held = false, origin, ...texts } = header;
  const message: StoredMessage = { position, ...texts, body: isGone ? '' : text.slice(end + 1) };
  return { message, isGone, once, held, origin };
}

/** Of one length, wherever the cursor stands: it moves where there is no room too. */
export function formatCursorItem({ epoch, position, filter }: NamedCursor): string {
  return `[${JSON.stringify(epoch)},${String(position).padStart(16)},${JSON.stringify(filter)}]`;
}

export function parseCursorItem(name: string, text: string): NamedCursor {
  const [epoch, position, filter] = JSON.parse(text) as [string, number, string[]];
  return { name, epoch, position, filter };
}

export const headItem = 'head';
export const leaseItem = 'lease';
export const messageItem = (position: number): string => `m/${position}`;
export const reasonItem = (position: number): string => `d/${position}`;
export const isReasonItem = (item: string): boolean => item.startsWith('d/');
export const cursorItem = (name: string): string => `c/${name}`;
export const markItem = (topic: string): string => `t/${topic}`;
