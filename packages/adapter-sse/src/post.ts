import type { IncomingMessage } from 'node:http';
import { type Close, isCloseCode } from '@hexbus/core/gateway';

/** What a client POSTs on its link. */
export interface Post {
  /** 1, 2, 3...: one after the other. */
  readonly sequence: number;
  readonly texts: readonly string[];
  /** The client ends its link behind these texts. */
  readonly end?: Close | undefined;
}

/** The number of a POST, or undefined if it is none. */
export function sequenceOf(text: string | undefined): number | undefined {
  const sequence = text !== undefined && /^[1-9]\d{0,15}$/.test(text) ? Number(text) : 0;
  return sequence > 0 && Number.isSafeInteger(sequence) ? sequence : undefined;
}

/** How the query says that the client ends its link: undefined if it does not, `malformed` if it makes no sense. */
export function endIn({ url = '' }: IncomingMessage): Close | undefined | 'malformed' {
  const query = new URLSearchParams(url.slice(url.indexOf('?') + 1));
  const code = url.includes('?') ? query.get('close') : null;
  if (code === null) return undefined;
  if (!/^\d{4}$/.test(code) || !isCloseCode(Number(code))) return 'malformed';
  return { code: Number(code), reason: query.get('reason') ?? '' };
}

/** One text a line; empty lines are none. Undefined for what is not UTF-8. */
export function textsIn(body: Buffer): readonly string[] | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
    return text.split('\n').filter((line) => line !== '');
  } catch {
    return undefined;
  }
}
